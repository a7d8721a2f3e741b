"""RMSprop: Adagrad with a running mean instead of the sum."""

from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import (
    CommonArguments,
    Default,
    LearningRate,
    Number,
    flag,
)
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.rmsprop import (
    rmsprop_momentum_rule,
    rmsprop_rule,
    rmsprop_torch_momentum_rule,
)
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class RMSprop(RuleOptimizer):
    """RMSprop: the gradient divided by the root of the running mean of its square.

        v ← ρ v + (1 − ρ) g²
        w ← w − η g / √(v + ε)

    Adagrad's sum only grows; the running mean v does not, so the steps do not shrink to 0. With
    `centered`, the size is measured around the mean gradient a:

        a ← ρ a + (1 − ρ) g,  and v − a² in the place of v under the root

    Rounding can take v − a² below 0 when a large gradient stays the same for long; the root is
    NaN then if ε doesn't make up for it, as it is in Keras. Where a convention has ε outside of
    the root, v − a² is cut off at 0.

    With `momentum` μ > 0 the steps add up in a velocity b:

        b ← μ b + η g / √(v + ε)
        w ← w − b

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, the length of a step. Defaults to 0.001.
        rho: Float in [0, 1]. ρ, the share of the running means that is kept. Defaults to 0.9.
        momentum: Float in [0, 1]. μ, the share of the velocity that is kept. Defaults to 0.
        epsilon: Float ≥ 0. ε, keeps the root away from 0. Defaults to 1e-7.
        centered: Boolean. Whether the variance takes the place of the mean square. Defaults to
            False.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> optimizer = kce.optimizers.RMSprop(0.1, rho=0.75)
        >>> optimizer.apply([keras.ops.array([5.0, -0.05])], [w])
        >>> w.numpy().round(4)
        array([0.8, 2.2], dtype=float32)

    Differs from the paper:
        The lecture has no ε, and neither has `convention="paper"`:

            w ← w − η g / √v,  where 0 / 0 = 0
            momentum > 0:                      b ← μ b + η g / √v,  w ← w − b
            centered:                          √(v − a²) in the place of √v

        If `epsilon` is given, it is added to the root. Graves uses momentum and the centered form,
        both as in "keras", with η = ε = 1e-4 and ρ = 0.95.

    Differs from torch:
        `convention="torch"` adds ε outside of the root, and multiplies by η after the velocity:

            w ← w − η g / (√v + ε)
            momentum > 0:                      b ← μ b + g / (√v + ε),  w ← w − η b
            centered:                          √(v − a²) + ε in the place of √v + ε

        with η = 0.01, ρ = 0.99 and ε = 1e-8 by default. A checkpoint of the one form with momentum
        must not be continued in the other.

    Differs from the deck:
        `convention="deck"` is that of Keras 2,

            w ← w − η g / (√v + ε)
            centered:                          √(v − a²) + ε in the place of √v + ε

        and the form above with momentum, as Keras 2 had ε inside of the root there. By default
        ε = 1e-8, as the deck prints it; Keras 2 itself had 1e-7.
        `RMSprop(lr = 0.001, rho = 0.9, epsilon = 1e-08, decay = 0.0)` runs with a
        DeprecationWarning: in the form above, or with `convention="deck"` in the deck's.

    Reference: Tieleman, Hinton, Neural Networks for Machine Learning, lecture 6e (2012); centered
    and with momentum in Graves, Generating Sequences With Recurrent Neural Networks,
    arXiv:1308.0850, equations (38) to (41).

    Deck: chapter 5, advanced gradient descent, method 5.
    """

    hyperparameters: ClassVar = {
        "rho": Number(0, 1, example=0.9),
        "momentum": Number(0, 1, example=0.9),
        "epsilon": Number(example=1e-7),
        "centered": flag,
    }
    shifts = True
    slots = (
        (Slot("velocity", "_velocities"),),
        (Slot("momentum", "_momentums", only_if="momentum"),),
        (Slot("average_gradient", "_average_gradients", only_if="centered"),),
    )
    conventions: ClassVar = {
        "paper": {"epsilon": 0.0},
        "torch": {"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8},
        "deck": {"epsilon": 1e-8},
    }

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        rho: float = Default(0.9),
        momentum: float = 0.0,
        epsilon: float | None = Default(1e-7),
        centered: bool = False,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate, rho=rho, momentum=momentum, epsilon=epsilon, centered=centered, **common
        )

    @property
    def rule(self) -> partial:
        """The rule that `momentum` and the convention select."""
        if not self.momentum:
            return self.bind(rmsprop_rule, inside=self.convention == "keras")
        if self.convention == "torch":
            return self.bind(rmsprop_torch_momentum_rule)
        return self.bind(rmsprop_momentum_rule, inside=self.convention in ("keras", "deck"))
