"""What a subclass of `RuleOptimizer` declares: its rule, hyperparameters and slots."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from keras_course_ext.optimizers.rules.scalars import parameters_of
from keras_course_ext.optimizers.slots import WEIGHTS, Shared, Slot


class RuleDeclaration:
    """The part of an optimizer that describes its rule; it needs NumPy only."""

    formula: ClassVar[Callable[..., tuple[Any, ...]] | None] = None
    """The pure function, for a class that has one: `staticmethod(adam_rule)`."""

    symbols: ClassVar[Mapping[str, str]] = {"mu": "momentum", "wd": "weight_decay"}
    """The hyperparameters whose symbol in the rule differs from their name: name by symbol."""

    hyperparameters: ClassVar[Mapping[str, Callable[[str, Any], Any]]] = {}
    """The names of the hyperparameters, each with the check of its value."""

    slots: ClassVar[Sequence[Sequence[Slot]]] = ()
    """The slots in groups: a group is created variable by variable, one group after the other."""

    shared: Sequence[Shared] = ()
    """The scalars that are kept once for all variables."""

    conventions: ClassVar[Mapping[str, Mapping[str, float | None]]] = {}
    """For each convention other than "keras": the default values that it changes, by argument."""

    elementwise: bool = True
    """Whether the rule treats every element separately; False if it takes norms or products."""

    shifts: ClassVar[bool] = False
    """Whether the rule is w + Δ where Δ does not depend on w; the engine then does not read w."""

    decays_weights_itself: bool = False
    """Whether weight decay is part of the rule, as its hyperparameter `wd`.

    If it is, the weights are not decayed before the rule, and `wd` is 0 for the variables that
    `exclude_from_weight_decay` names.
    """

    averages_weights: bool = False
    """Whether the model should be evaluated at an average: see `kce.callbacks.AveragedWeights`.

    If so, the class has the property `holds_average` and the method `swap(to_average=...)`.
    """

    needs_paths: ClassVar[bool] = False
    """Whether the update depends on the path of a variable, which a NumPy array does not have."""

    @property
    def rule(self) -> partial:
        """The rule with the hyperparameters bound.

        Called as `rule(g, w, *slots, lr=...)`, with `t=1, 2, ...` and the `shared` scalars if
        these are arguments of the function, it takes NumPy arrays or tensors, and returns the new
        w and slots as a tuple. A class with several rules overrides it, and returns `self.bind`
        of the one that its hyperparameters select.
        """
        if self.formula is None:
            raise NotImplementedError(
                f"{type(self).__name__} must define the property `rule`, which returns "
                "`functools.partial(<pure function>, <hyperparameters>)`, or name a pure function: "
                "`formula = staticmethod(<pure function>)`."
            )
        return self.bind(self.formula)

    @property
    def terms(self) -> partial | None:
        """What the `shared` scalars sum over all variables; `None` if they need no sums.

        Called as the rule is, before it, it returns scalars by name. `shared_values` gets their
        sums.
        """
        return None

    def bind(self, formula: Callable[..., Any], **constants: Any) -> partial:
        """Binds the hyperparameters that a pure function takes.

        Args:
            formula: The pure function. Its keyword arguments are the names of hyperparameters, or
                their `symbols`.
            **constants: The values of other keyword arguments.

        Returns:
            The function with its hyperparameters; `lr`, `t` and the `shared` scalars are left.
        """
        values = {}
        for symbol in parameters_of(formula):
            name = self.symbols.get(symbol, symbol)
            if name in self.hyperparameters:
                values[symbol] = getattr(self, name)
            elif name == "weight_decay":
                values[symbol] = getattr(self, name) or 0.0
        return partial(formula, **values, **constants)

    def rule_for(self, variable: Any) -> partial:
        """The rule of one variable, for optimizers with different rules for some variables.

        Args:
            variable: A variable of the model, or a NumPy array of weights.

        Returns:
            By default `rule` for every variable.
        """
        return self.rule

    def slots_for(self, variable: Any) -> list[list[Slot]]:
        """The slots of one variable, those that its `rule_for` takes.

        Args:
            variable: A variable of the model, or a NumPy array of weights.

        Returns:
            The groups of slots: by default all of `slots` that the hyperparameters require.
        """
        return self.slot_groups()

    def slot_groups(self) -> list[list[Slot]]:
        """Lists the slots that the hyperparameters require.

        Returns:
            Groups of slots, in the order in which they are created.
        """
        groups = ([s for s in g if not s.only_if or getattr(self, s.only_if)] for g in self.slots)
        return [group for group in groups if group]

    def start_of(self, slot: Slot) -> float:
        """Returns the first value of a slot that does not start as a copy of the weights.

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
            Arrays of the shapes of the slots, in the order in which the rule takes them.
        """
        return [
            w.copy()
            if slot.start == WEIGHTS
            else np.full(slot.shape_for(w.shape), self.start_of(slot), w.dtype)
            for group in self.slots_for(w)
            for slot in group
        ]

    def shared_values(self, old: Mapping[str, Any], *, lr: Any, t: Any) -> Mapping[str, Any]:
        """Computes the `shared` scalars of a step.

        Args:
            old: Their values after the last step, by name, and the sums of `terms`.
            lr: η, the learning rate of this step, a scalar.
            t: The number of this step, 1, 2, …, a scalar.

        Returns:
            Their new values, by name, and others that `rule_scalars` needs.
        """
        return old

    def rule_scalars(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
        """Selects the `shared` scalars that the rule gets.

        Args:
            old: Their values after the last step, by name.
            new: Their values after this step, by name.

        Returns:
            The scalars by name: by default the new ones.
        """
        return new
