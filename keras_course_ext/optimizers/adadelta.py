"""Adadelta: the running size of the steps replaces the learning rate."""

from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.adadelta import adadelta_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Adadelta(RuleOptimizer):
    """Adadelta: RMSprop whose step has the unit of the weights.

        a ← ρ a + (1 − ρ) g²
        Δ = −√(d + ε) / √(a + ε) · g
        d ← ρ d + (1 − ρ) Δ²
        w ← w + η Δ

    A gradient divided by its own size has no unit; √d, the recent size of the steps, gives it
    that of w, so that η = 1 suits every scale. The first step is √(ε / (1 − ρ)) long.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, a factor of the step; the method was made for 1. Defaults to 0.001.
        rho: Float in [0, 1]. ρ, the share of the running means that is kept. Defaults to 0.95.
        epsilon: Float > 0. ε, keeps the roots away from 0 and starts the first step: with ε = 0
            nothing would ever move. Defaults to 1e-7.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w, g = keras.Variable([1.0]), keras.ops.array([3.0])
        >>> optimizer = kce.optimizers.Adadelta(1.0, epsilon=1e-4)
        >>> for _ in range(3):
        ...     optimizer.apply([g], [w])
        ...     print(w.numpy().round(4))
        [0.9553]
        [0.91]
        [0.8643]

    Differs from the paper:
        None in the update, which has no η. Its defaults, with `convention="paper"`, are η = 1 and
        ε = 1e-6; ρ = 0.95 and this ε are those of its Figure 1.

    Differs from torch:
        None in the update. Its defaults, with `convention="torch"`, are η = 1, ρ = 0.9 and
        ε = 1e-6.

    Differs from the deck:
        It doesn't teach Adadelta. `convention="deck"` is that of Keras 2, with η = 1.

    Reference: Zeiler, ADADELTA: An Adaptive Learning Rate Method, arXiv:1212.5701, Algorithm 1.
    """

    formula = staticmethod(adadelta_rule)
    hyperparameters: ClassVar = {
        "rho": Number(0, 1, example=0.95),
        "epsilon": Number(example=1e-7, above=True),
    }
    shifts = True
    slots = (
        (
            Slot("accumulated_grad", "_accumulated_grads"),
            Slot("accumulated_delta_var", "_accumulated_delta_vars"),
        ),
    )
    conventions: ClassVar = {
        "paper": {"learning_rate": 1.0, "epsilon": 1e-6},
        "torch": {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6},
        "deck": {"learning_rate": 1.0},
    }

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        rho: float = Default(0.95),
        epsilon: float | None = Default(1e-7),
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, rho=rho, epsilon=epsilon, **common)
