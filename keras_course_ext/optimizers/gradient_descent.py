"""Gradient descent: a step against the gradient."""

from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.gradient_descent import gradient_descent_rule


@keras.saving.register_keras_serializable(package="keras_course_ext")
class GradientDescent(RuleOptimizer):
    """Gradient descent: a step against the gradient, proportional to it.

        w ← w − η g

    With the gradient of the whole data set it is gradient descent proper; with the gradient of a
    random batch, as `fit` computes it, stochastic gradient descent.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, the length of a step. Defaults to 0.01.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> kce.optimizers.GradientDescent(0.1).apply([keras.ops.array([1.0, -1.0])], [w])
        >>> w.numpy()
        array([0.9, 2.1], dtype=float32)

    Differs from Keras:
        It is called `keras.optimizers.SGD` there, with `momentum=0`.

    Differs from torch:
        None in the update; the default is η = 0.001 with `convention="torch"`.

    Differs from the paper and from the deck:
        None.

    Reference: Robbins, Monro, A Stochastic Approximation Method, Annals of Mathematical Statistics
    22 (1951), equation (6).

    Deck: chapter 5, advanced gradient descent, method 1.
    """

    formula = staticmethod(gradient_descent_rule)
    shifts = True
    conventions: ClassVar = {"paper": {}, "torch": {"learning_rate": 0.001}, "deck": {}}

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.01),  # noqa: B008
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
