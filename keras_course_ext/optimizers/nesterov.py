"""Nesterov momentum: momentum with the gradient at the look-ahead point."""

from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.nesterov import nesterov_rule, nesterov_torch_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class NesterovMomentum(RuleOptimizer):
    """Nesterov momentum: momentum with the gradient taken after the velocity step.

        v ← μ v − η g
        w ← w + μ v − η g

    In Nesterov's form, the gradient is taken at the look-ahead point θ + μ v:

        v ← μ v − η dL/dθ (θ + μ v)
        θ ← θ + v

    The two are the same under w = θ + μ v. The model holds w, the point where
    the gradient is taken, so `fit` does not have to move the weights before each gradient.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, the length of a step. Defaults to 0.01.
        momentum: Float in [0, 1]. μ, the share of the velocity that is kept. Defaults to 0.9.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w, g = keras.Variable([1.0]), keras.ops.array([1.0])
        >>> optimizer = kce.optimizers.NesterovMomentum(0.1, momentum=0.9)
        >>> for _ in range(3):
        ...     optimizer.apply([g], [w])
        ...     print(w.numpy().round(4))
        [0.81]
        [0.539]
        [0.1951]

    Differs from Keras:
        It is called `keras.optimizers.SGD` there, with `momentum=0.9` and `nesterov=True`. The
        state is the same, and either continues the other's checkpoint.

    Differs from torch:
        `convention="torch"` accumulates the gradients without η,

            b ← μ b + g
            w ← w − η (g + μ b)

        with η = 0.001 by default. At a constant rate v = −η b, and the two are the same; once η
        changes they aren't. A checkpoint of the one form must not be continued in the other.

    Differs from the paper:
        None but the shift from θ to w, see above.

    Differs from the deck:
        None.

    Reference: Nesterov, A method of solving a convex programming problem with convergence rate
    O(1/k²), Soviet Mathematics Doklady 27 (1983); as momentum in Sutskever, Martens, Dahl, Hinton,
    On the importance of initialization and momentum in deep learning, ICML 2013, equations (3) and
    (4); in the shifted weights in Bengio, Boulanger-Lewandowski, Pascanu, Advances in optimizing
    recurrent networks, ICASSP 2013, section 3.5.

    Deck: chapter 5, advanced gradient descent, method 3.
    """

    hyperparameters: ClassVar = {"momentum": Number(0, 1, example=0.9)}
    shifts = True
    slots = ((Slot("momentum", "momentums"),),)
    conventions: ClassVar = {"paper": {}, "torch": {"learning_rate": 0.001}, "deck": {}}

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.01),  # noqa: B008
        momentum: float = 0.9,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, momentum=momentum, **common)

    @property
    def rule(self) -> partial:
        """The rule in the form of the convention."""
        return self.bind(nesterov_torch_rule if self.convention == "torch" else nesterov_rule)
