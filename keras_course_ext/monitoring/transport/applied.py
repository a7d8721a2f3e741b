"""Which optimizer made a step, where a model has several."""

from collections.abc import Iterable

import numpy as np


class Applied:
    """Tells the steps of several optimizers apart by the weights whose gradients each one gets.

    Args:
        names: Names of the optimizers.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self.seen: set[str] = set()
        """The optimizers that got gradients."""
        self.given: set[int] = set()
        """The weights that an optimizer was given, with or without a gradient."""
        self._by_weights: dict[frozenset[int], set[str]] = {}

    @property
    def several(self) -> bool:
        """Whether there are several optimizers."""
        return len(self.names) > 1

    def add(self, name: str, weights: Iterable[int]) -> None:
        """Remember that an optimizer got the gradients of these weights.

        Args:
            name: Its name.
            weights: Their numbers in the order of the layout.
        """
        self.seen.add(name)
        self._by_weights.setdefault(frozenset(weights), set()).add(name)

    def of_rows(self, given: np.ndarray) -> list[str | None]:
        """Return which optimizer made each step; None where two got the same weights.

        Args:
            given: Which weights have a gradient, shape `(steps, weights)`.
        """
        found = []
        for row in given:
            names = self._by_weights.get(frozenset(np.flatnonzero(row).tolist()), set())
            found.append(next(iter(names)) if len(names) == 1 else None)
        return found
