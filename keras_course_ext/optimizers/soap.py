"""SOAP: Adam in the basis of the eigenvectors of Shampoo's preconditioner."""

from functools import partial
from typing import Any, ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import (
    CommonArguments,
    Default,
    LearningRate,
    Number,
    check_count,
)
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.adam import adam_rule
from keras_course_ext.optimizers.rules.soap import soap_rule
from keras_course_ext.optimizers.slots import Slot


def _rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    size = 1
    for n in shape[:-1]:
        size *= n
    return (size, size)


def _columns(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[-1], shape[-1])


_LEFT = [Slot("left", "_left", shape=_rows), Slot("left_basis", "_left_basis", shape=_rows)]
_RIGHT = [
    Slot("right", "_right", shape=_columns),
    Slot("right_basis", "_right_basis", shape=_columns),
]


@keras.saving.register_keras_serializable(package="keras_course_ext")
class SOAP(RuleOptimizer):
    """SOAP: a gradient matrix is rotated to where its entries are least correlated, then Adam.

        G′ = Q_Lᵀ G Q_R
        M ← β₁ M + (1 − β₁) G
        V ← β₂ V + (1 − β₂) G′²
        N = √(1 − β₂ᵏ) / (1 − β₁ᵏ) · Q_Lᵀ M Q_R / (√V + ε)
        W ← W − η Q_L N Q_Rᵀ
        L ← β₂ L + (1 − β₂) G Gᵀ,  R ← β₂ R + (1 − β₂) Gᵀ G
        Q_L ← Q of the QR decomposition of L Q_L, Q_R in the same way        every f steps

    The first step makes L, R, and Q_L, Q_R from their eigenvectors, and moves no matrix;
    k = t − 1 numbers the others. All axes of a kernel but the last are its rows. An axis longer
    than `max_precond_dim` is not rotated: its L or R would be a matrix of that length. Vectors
    are updated by Adam, w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε). Where the first gradient
    has not full rank, its eigenvectors are not unique, and the path depends on rounding.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η. Defaults to 0.003.
        beta_1: Float in [0, 1). β₁, the share of M that is kept. Defaults to 0.95.
        beta_2: Float in [0, 1). β₂, the share of V, L and R that is kept. Defaults to 0.95.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-8.
        precondition_frequency: Integer ≥ 1. f, every how many steps Q_L and Q_R are renewed, which
            takes longer than the rest of a step. Defaults to 10.
        max_precond_dim: Integer ≥ 0. The longest axis that is rotated. Defaults to 10000.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([[0.0, 0.0], [0.0, 0.0]])
        >>> optimizer = kce.optimizers.SOAP(learning_rate=0.1)
        >>> for _ in range(2):
        ...     optimizer.apply([keras.ops.array([[0.0, 9.0], [4.0, 0.0]])], [w])
        >>> w.numpy().round(4) + 0.0
        array([[ 0. , -0.1],
               [-0.1,  0. ]], dtype=float32)

    Differs from Keras:
        It has no SOAP.

    Differs from the paper:
        Its algorithm leaves out the first step and the corrections; here they are those of the
        authors' code, so that `convention="paper"` is the same. That code also sorts the columns of
        Q_L and Q_R by their eigenvalues, has λ = 0.01, and rotates every axis of a convolution.

    Reference: Vyas, Morwani, Zhao, Kwun, Shapira, Brandfonbrener, Janson, Kakade, SOAP: Improving
    and Stabilizing Shampoo using Adam, ICLR 2025, Algorithms 3 and 4.
    """

    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.95, below=True),
        "beta_2": Number(0, 1, example=0.95, below=True),
        "epsilon": Number(example=1e-8),
        "precondition_frequency": partial(check_count, least=1),
        "max_precond_dim": check_count,
    }
    slots = ((Slot("momentum", "_momentums"), Slot("velocity", "_velocities"), *_LEFT, *_RIGHT),)
    conventions: ClassVar = {"paper": {}}
    elementwise = False

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.003),  # noqa: B008
        beta_1: float = 0.95,
        beta_2: float = 0.95,
        epsilon: float | None = 1e-8,
        precondition_frequency: int = 10,
        max_precond_dim: int = 10_000,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            precondition_frequency=precondition_frequency,
            max_precond_dim=max_precond_dim,
            **common,
        )

    @property
    def rule(self) -> partial:
        """`soap_rule`, for a matrix with both sides rotated."""
        return self.bind(soap_rule, left=True, right=True)

    def rule_for(self, variable: Any) -> partial:
        """`soap_rule` for a matrix, Adam's rule for everything of rank 0 and 1."""
        left, right = self._rotated(variable)
        if not left and not right:
            return self.bind(adam_rule)
        return self.bind(soap_rule, left=left, right=right)

    def slots_for(self, variable: Any) -> list[list[Slot]]:
        """M, V, and a matrix with its eigenvectors for each side that is rotated."""
        (group,) = self.slot_groups()
        left, right = self._rotated(variable)
        return [group[:2] + left * group[2:4] + right * group[4:]]

    def _rotated(self, variable: Any) -> tuple[bool, bool]:
        shape = tuple(variable.shape)
        if len(shape) < 2:
            return False, False
        longest = self.max_precond_dim
        return 1 < _rows(shape)[0] <= longest, 1 < shape[-1] <= longest
