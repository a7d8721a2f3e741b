"""The attributes and methods of an optimizer that the engine uses."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from keras_course_ext.optimizers.engine.update import Update
from keras_course_ext.optimizers.slots import Slot


class Optimizer(Protocol):
    """A `RuleOptimizer`, as the modules below it see it.

    `step`, `slots` and `state` are called by `RuleOptimizer`, so they cannot import it.
    """

    name: Any
    _track_variable: Any
    add_variable: Any
    built: Any
    variables: Any
    iterations: Any
    batches: Any
    weights: Any
    shared: Any
    gradient_accumulation_steps: Any
    ema_momentum: Any
    ema_overwrite_frequency: Any
    elementwise: bool
    lazy: bool

    def slot_groups(self) -> list[list[Slot]]:
        """Lists the slots in groups, in the order in which they are created."""
        ...

    def slots_for(self, variable: Any) -> list[list[Slot]]:
        """Lists the slots of one variable."""
        ...

    def start_of(self, slot: Slot) -> float:
        """Returns the first value of a slot."""
        ...

    def group_of(self, variable: Any) -> Any:
        """Returns a key that is equal for the variables that one run of the rule may update."""
        ...

    def knows(self, variable: Any) -> bool:
        """Says whether the optimizer was built for a variable."""
        ...

    def build_again(self, variables: Sequence[Any], attributes: Sequence[str]) -> None:
        """Builds the optimizer for other variables as well, with the slots that it has."""
        ...

    def kept(self, variable: Any, name: str) -> Any:
        """Returns a variable that `build_again` uses again; `None` if there is none."""
        ...

    def list_again(self, variable: Any) -> None:
        """Enters a variable that `build_again` uses again into `variables`."""
        ...

    def begin_step(
        self, last: Any = None, pairs: Iterable[tuple[Any, Any]] | None = None
    ) -> dict[str, Any]:
        """Updates the shared scalars, and returns all scalars of the step by name."""
        ...

    def update_of(self, gradient: Any, variable: Any, scalars: Mapping[str, Any]) -> Update:
        """Returns the update of one variable."""
        ...

    def clipped(self, grads: Sequence[Any]) -> Sequence[Any]:
        """Returns the gradients, clipped."""
        ...

    def averages(self) -> list[tuple[Any, Any]]:
        """Lists the variables with their moving averages."""
        ...

    def accumulator_of(self, variable: Any) -> Any:
        """Returns the variable that sums the gradients of `variable` over several batches."""
        ...

    def accumulators(self) -> list[Any]:
        """Lists these variables."""
        ...

    def is_last_batch(self) -> Any:
        """Says whether the weights are updated after this batch, a Boolean scalar."""
        ...
