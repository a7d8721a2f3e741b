"""RMSprop: Adagrad with a memory that fades."""

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
from keras_course_ext.optimizers.base import RuleOptimizer
from keras_course_ext.optimizers.elementwise import Tensor, sqrt, square
from keras_course_ext.optimizers.rmsprop_outside import (
    rmsprop_outside_centered_momentum_rule,
    rmsprop_outside_centered_rule,
    rmsprop_outside_momentum_rule,
    rmsprop_outside_rule,
    rmsprop_torch_centered_momentum_rule,
    rmsprop_torch_momentum_rule,
)
from keras_course_ext.optimizers.slots import Slot


def rmsprop_rule(
    g: Tensor, w: Tensor, v: Tensor, *, lr: Tensor, rho: float, epsilon: float
) -> tuple[Tensor, Tensor]:
    """RMSprop, v ← ρ v + (1 − ρ) g², then w ← w − η g / √(v + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the mean that is kept.
        epsilon: ε ≥ 0, keeps the root away from 0.

    Returns:
        The new (w, v).

    Example:
        >>> from keras_course_ext.optimizers.rmsprop import rmsprop_rule
        >>> rmsprop_rule(2.0, 1.0, 4.0, lr=0.5, rho=0.75, epsilon=0.0)
        (0.5, 4.0)
    """
    v = rho * v + (1 - rho) * square(g)
    return w - lr * g / sqrt(v + epsilon), v


def rmsprop_momentum_rule(
    g: Tensor, w: Tensor, v: Tensor, b: Tensor, *, lr: Tensor, rho: float, mu: float, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """RMSprop with momentum: v as in `rmsprop_rule`, b ← μ b + η g / √(v + ε), w ← w − b.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g².
        b: The velocity, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the mean that is kept.
        mu: μ in [0, 1], the share of the velocity that is kept.
        epsilon: ε ≥ 0, keeps the root away from 0.

    Returns:
        The new (w, v, b).

    Example:
        >>> from keras_course_ext.optimizers.rmsprop import rmsprop_momentum_rule
        >>> rmsprop_momentum_rule(2.0, 1.0, 4.0, 1.0, lr=0.5, rho=0.75, mu=0.5, epsilon=0.0)
        (0.0, 4.0, 1.0)
    """
    v = rho * v + (1 - rho) * square(g)
    b = mu * b + lr * g / sqrt(v + epsilon)
    return w - b, v, b


def rmsprop_centered_rule(
    g: Tensor, w: Tensor, v: Tensor, a: Tensor, *, lr: Tensor, rho: float, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Centered RMSprop: a ← ρ a + (1 − ρ) g, and the variance v − a² in the place of v.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g².
        a: The running mean of g, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the means that is kept.
        epsilon: ε ≥ 0, keeps the root away from 0.

    Returns:
        The new (w, v, a).

    Example:
        >>> from keras_course_ext.optimizers.rmsprop import rmsprop_centered_rule
        >>> rmsprop_centered_rule(2.0, 1.0, 6.0, 0.0, lr=0.5, rho=0.5, epsilon=0.0)  # v − a² = 4
        (0.5, 5.0, 1.0)
    """
    v = rho * v + (1 - rho) * square(g)
    a = rho * a + (1 - rho) * g
    return w - lr * g / sqrt(v - square(a) + epsilon), v, a


def rmsprop_centered_momentum_rule(
    g: Tensor,
    w: Tensor,
    v: Tensor,
    b: Tensor,
    a: Tensor,
    *,
    lr: Tensor,
    rho: float,
    mu: float,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centered RMSprop with momentum: b ← μ b + η g / √(v − a² + ε), w ← w − b.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g².
        b: The velocity, of the shape of `g`; 0 before the first step.
        a: The running mean of g.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the means that is kept.
        mu: μ in [0, 1], the share of the velocity that is kept.
        epsilon: ε ≥ 0, keeps the root away from 0.

    Returns:
        The new (w, v, b, a).

    Example:
        >>> from keras_course_ext.optimizers.rmsprop import rmsprop_centered_momentum_rule
        >>> constants = {"lr": 0.5, "rho": 0.5, "mu": 0.5, "epsilon": 0.0}
        >>> rmsprop_centered_momentum_rule(2.0, 1.0, 6.0, 1.0, 0.0, **constants)  # v − a² = 4
        (0.0, 5.0, 1.0, 1.0)
    """
    v = rho * v + (1 - rho) * square(g)
    a = rho * a + (1 - rho) * g
    b = mu * b + lr * g / sqrt(v - square(a) + epsilon)
    return w - b, v, b, a


_INSIDE = (rmsprop_rule, rmsprop_centered_rule)
_INSIDE_MOMENTUM = (rmsprop_momentum_rule, rmsprop_centered_momentum_rule)
_OUTSIDE = (rmsprop_outside_rule, rmsprop_outside_centered_rule)
_OUTSIDE_MOMENTUM = (rmsprop_outside_momentum_rule, rmsprop_outside_centered_momentum_rule)
_TORCH_MOMENTUM = (rmsprop_torch_momentum_rule, rmsprop_torch_centered_momentum_rule)

_RULES = {
    ("keras", False): _INSIDE,
    ("keras", True): _INSIDE_MOMENTUM,
    ("paper", False): _OUTSIDE,
    ("paper", True): _OUTSIDE_MOMENTUM,
    ("torch", False): _OUTSIDE,
    ("torch", True): _TORCH_MOMENTUM,
    ("deck", False): _OUTSIDE,
    ("deck", True): _INSIDE_MOMENTUM,
}
"""The rule and the centered rule for every convention, without and with momentum."""


@keras.saving.register_keras_serializable(package="keras_course_ext")
class RMSprop(RuleOptimizer):
    """RMSprop: every step is divided by the recent size of the gradient.

        v ← ρ v + (1 − ρ) g²
        w ← w − η g / √(v + ε)

    Unlike Adagrad's sum, the running mean v forgets, so that the steps do not die out. With
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
        The lecture has no ε. `convention="paper"` has none either:

            w ← w − η g / √v,  where 0 / 0 = 0
            momentum > 0:                      b ← μ b + η g / √v,  w ← w − b
            centered:                          √(v − a²) in the place of √v

        An `epsilon` that is given is added to the root. Graves, who adds momentum and centers, has
        the form of "keras", with η = ε = 1e-4 and ρ = 0.95.

    Differs from torch:
        `convention="torch"` adds ε outside of the root, and keeps η out of the velocity:

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
        """The one of the rules that `momentum`, `centered` and the convention select."""
        plain, centered = _RULES[self.convention, bool(self.momentum)]
        rule = partial(centered if self.centered else plain, rho=self.rho, epsilon=self.epsilon)
        return partial(rule, mu=self.momentum) if self.momentum else rule
