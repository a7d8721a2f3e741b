"""Adafactor: the memory of a matrix is a column and a row, and steps are relative to its size."""

import math
from functools import partial
from typing import Any, ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import (
    CommonArguments,
    Default,
    LearningRate,
    Number,
    flag,
)
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.adafactor import (
    adafactor_keras_rule,
    adafactor_rule,
    adafactor_vector_rule,
)
from keras_course_ext.optimizers.slots import Slot


def _without_last(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:-1]


def _without_last_but_one(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-2], shape[-1])


_FACTORS = (
    Slot("row", "_r", shape=_without_last, place_held=True),
    Slot("column", "_c", shape=_without_last_but_one, place_held=True),
)


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Adafactor(RuleOptimizer):
    """Adafactor: Adam's v of a matrix from the means of its rows and columns, without momentum.

        β₂ = 1 − t^(−0.8)
        r ← β₂ r + (1 − β₂) mean over the columns of (g² + ε₁)
        c ← β₂ c + (1 − β₂) mean over the rows of (g² + ε₁)
        U = g / √(r cᵀ / mean(r))
        w ← w − max(ε₂, RMS(w)) ρ U / max(1, RMS(U) / d),  ρ = min(η, 1 / √t)

    t = 1, 2, … numbers the steps; RMS is the root of the mean square. Of rank 3 and more, the last
    two axes are the matrix. Vectors keep v ← β₂ v + (1 − β₂) (g² + ε₁) itself, U = g / √v.

        convention   η       the slots of a matrix
        "keras"      0.001   r, c and r cᵀ / mean(r), as in Keras's files
        "paper"      0.01    r and c alone, which is what saves the memory

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, the largest step as a share of the weights. Defaults to 0.001.
        beta_2_decay: Float ≤ 0. The exponent of 1 − β₂. Defaults to −0.8.
        epsilon_1: Float ≥ 0. ε₁, keeps the denominator away from 0. Defaults to 1e-30.
        epsilon_2: Float ≥ 0. ε₂, the size at which weights near 0 count. Defaults to 0.001.
        clip_threshold: Float > 0. d, the largest RMS of U. Defaults to 1.
        relative_step: Boolean. Whether ρ falls as 1 / √t; otherwise ρ = η. Defaults to True.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([[1.0, 2.0], [2.0, 1.0]])
        >>> g = keras.ops.array([[1.0, -10.0], [2.0, -20.0]])
        >>> kce.optimizers.Adafactor(0.1).apply([g], [w])
        >>> w.numpy().round(3)  # every step is 0.1 · RMS(w)
        array([[0.842, 2.158],
               [1.842, 1.158]], dtype=float32)

    Differs from Keras:
        `relative_step=False` has no effect there, where ρ = min(η, 1 / √t) in both cases. The
        update, the slots and the files are the same otherwise.

    Differs from the paper:
        None in the update. The third slot of a matrix, from which nothing is read, is left out with
        `convention="paper"`, whose η is 0.01.

    Differs from torch:
        `torch.optim.Adafactor` bounds r cᵀ by ε₁² from below instead of adding ε₁ to g².

    Reference: Shazeer, Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost, ICML
    2018, Algorithms 4, 5 and 6.
    """

    hyperparameters: ClassVar = {
        "beta_2_decay": Number(-math.inf, 0, example=-0.8),
        "epsilon_1": Number(example=1e-30),
        "epsilon_2": Number(example=1e-3),
        "clip_threshold": Number(example=1.0, above=True),
        "relative_step": flag,
    }
    slots = ((*_FACTORS, Slot("velocity", "_v")),)
    conventions: ClassVar = {"paper": {"learning_rate": 0.01}}
    elementwise = False

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_2_decay=beta_2_decay,
            epsilon_1=epsilon_1,
            epsilon_2=epsilon_2,
            clip_threshold=clip_threshold,
            relative_step=relative_step,
            **common,
        )

    @property
    def rule(self) -> partial:
        """The rule for matrices, with Keras's third slot or without it."""
        return self.bind(adafactor_rule if self.convention == "paper" else adafactor_keras_rule)

    def rule_for(self, variable: Any) -> partial:
        """`rule` for matrices, `adafactor_vector_rule` for everything of rank 0 and 1."""
        return self.rule if len(variable.shape) > 1 else self.bind(adafactor_vector_rule)

    def slots_for(self, variable: Any) -> list[list[Slot]]:
        """The row and the column of a matrix, the running mean itself of a vector."""
        (group,) = self.slot_groups()
        if len(variable.shape) > 1:
            return [group[:2] if self.convention == "paper" else group]
        return [group[2:]]

    def slot_groups(self) -> list[list[Slot]]:
        """The slots; without the places in Keras's files for `convention="paper"`."""
        (group,) = super().slot_groups()
        if self.convention == "paper":
            group = [slot._replace(place_held=False) for slot in group]
        return [group]
