"""What a rule declares: its hyperparameters, its slots, and the function that it is."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from keras_course_ext.optimizers.slots import WEIGHTS, Shared, Slot


class RuleDeclaration:
    """The part of an optimizer that is about its rule, and that knows nothing of Keras.

    Subclasses of `RuleOptimizer` say here what they are.
    """

    hyperparameters: ClassVar[Mapping[str, Callable[[str, Any], Any]]] = {}
    """The names of the rule's hyperparameters, each with the check of its value."""

    slots: ClassVar[Sequence[Sequence[Slot]]] = ()
    """The slots in groups: a group is created variable by variable, one group after the other."""

    shared: Sequence[Shared] = ()
    """The scalars that the rule keeps once for all variables."""

    conventions: ClassVar[Mapping[str, Mapping[str, float | None]]] = {}
    """For each convention besides "keras": the default values that it changes, by argument."""

    elementwise: bool = True
    """Whether the rule treats every element by itself; False if it takes norms or products."""

    shifts: ClassVar[bool] = False
    """Whether the rule is w + Δ with a Δ that does not depend on w, which saves reading w."""

    decays_weights_itself: bool = False
    """Whether weight decay is part of the rule, as its hyperparameter `wd`.

    Then it is not done before the update, and `wd` is 0 for the variables that
    `exclude_from_weight_decay` names.
    """

    averages_weights: bool = False
    """Whether the model is to be judged at an average: see `kce.callbacks.AveragedWeights`.

    Then there are the property `holds_average` and the method `swap(to_average=...)`.
    """

    @property
    def rule(self) -> partial:
        """The rule with the hyperparameters filled in.

        Called as `rule(g, w, *slots, lr=...)`, with `t=1, 2, ...` and the `shared` scalars if the
        function asks for them by name, it takes NumPy arrays as well as tensors, and returns the
        new w and slots as a tuple.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define the property `rule`, which returns "
            "`functools.partial(<pure function>, <hyperparameters>)`."
        )

    def rule_for(self, variable: Any) -> partial:
        """The rule of one variable, for optimizers that treat some variables otherwise.

        Args:
            variable: A variable of the model, or a NumPy array of weights.

        Returns:
            By default `rule`, whatever the variable.
        """
        return self.rule

    def slots_for(self, variable: Any) -> list[list[Slot]]:
        """The slots of one variable, those that its `rule_for` takes.

        Args:
            variable: A variable of the model, or a NumPy array of weights.

        Returns:
            The groups of slots: by default all of `slots` that the hyperparameters ask for.
        """
        return self.slot_groups()

    def slot_groups(self) -> list[list[Slot]]:
        """Says which slots the hyperparameters call for.

        Returns:
            Groups of slots, in the order in which they are created.
        """
        groups = ([s for s in g if not s.only_if or getattr(self, s.only_if)] for g in self.slots)
        return [group for group in groups if group]

    def start_of(self, slot: Slot) -> float:
        """Says what a slot holds before the first step, unless it is a copy of the weights.

        Args:
            slot: An object of `slots`.

        Returns:
            A number, for all its elements.
        """
        return getattr(self, slot.start) if slot.start else 0.0

    def first_slots(self, w: np.ndarray) -> list[np.ndarray]:
        """Makes the slots of a NumPy array of weights as they are before the first step.

        Args:
            w: The weights, an array of any shape.

        Returns:
            Arrays of the shape of `w`, in the order in which the rule takes them.
        """
        return [
            w.copy() if slot.start == WEIGHTS else np.full_like(w, self.start_of(slot))
            for group in self.slots_for(w)
            for slot in group
        ]

    def shared_values(self, old: Mapping[str, Any], *, lr: Any, t: Any) -> Mapping[str, Any]:
        """Renews the `shared` scalars at the beginning of a step.

        Args:
            old: Their values after the last step, by name.
            lr: η, the learning rate of this step, a scalar.
            t: The number of this step, 1, 2, …, a scalar.

        Returns:
            Their new values, by name, and what else `rule_scalars` needs.
        """
        return old

    def rule_scalars(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
        """Chooses the `shared` scalars that the rule gets.

        Args:
            old: Their values after the last step, by name.
            new: Their values after this step, by name.

        Returns:
            The scalars by name: by default the new ones.
        """
        return new
