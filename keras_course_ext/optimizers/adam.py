"""Adam: momentum for the direction, RMSprop for the length of the step."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Unpack

import keras

from keras_course_ext.optimizers.adam_corrected import (
    adam_corrected_rule,
    amsgrad_corrected_rule,
    amsgrad_uncorrected_rule,
)
from keras_course_ext.optimizers.arguments import (
    CommonArguments,
    Default,
    LearningRate,
    Number,
    flag,
)
from keras_course_ext.optimizers.base import RuleOptimizer
from keras_course_ext.optimizers.elementwise import Tensor, maximum, sqrt, square
from keras_course_ext.optimizers.slots import Slot


def adam_rule(
    g: Tensor,
    w: Tensor,
    m: Tensor,
    v: Tensor,
    *,
    lr: Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    t: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Adam, w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, keeps the denominator away from 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.adam import adam_rule
        >>> g, w, zero = np.array([0.5, -30.0]), np.array([1.0, 2.0]), np.zeros(2)
        >>> constants = {"lr": 0.1, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 0.0}
        >>> w, m, v = adam_rule(g, w, zero, zero, t=1, **constants)
        >>> w.round(6)  # the first step is η long, whatever the gradient
        array([0.9, 2.1])
    """
    # m + (1 − β) (g − m) is β m + (1 − β) g, rounded as Keras rounds it.
    m = m + (g - m) * (1 - beta_1)
    v = v + (square(g) - v) * (1 - beta_2)
    alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - m * alpha / (sqrt(v) + epsilon), m, v


def amsgrad_rule(
    g: Tensor,
    w: Tensor,
    m: Tensor,
    v: Tensor,
    v_hat: Tensor,
    *,
    lr: Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    t: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """AMSGrad: Adam with v̂ ← max(v̂, v), the largest v so far, in the denominator.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g.
        v: The running mean of g².
        v_hat: v̂, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, keeps the denominator away from 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v, v_hat).

    Example:
        >>> from keras_course_ext.optimizers.adam import amsgrad_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0}
        >>> amsgrad_rule(2.0, 1.0, 0.0, 0.0, 16.0, t=1, **constants)  # √v̂ stays 4
        (0.875, 1.0, 1.0, 16.0)
    """
    m = m + (g - m) * (1 - beta_1)
    v = v + (square(g) - v) * (1 - beta_2)
    v_hat = maximum(v_hat, v)
    alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - m * alpha / (sqrt(v_hat) + epsilon), m, v, v_hat


_RULES = {
    "keras": (adam_rule, amsgrad_rule),
    "paper": (adam_corrected_rule, amsgrad_uncorrected_rule),
    "torch": (adam_corrected_rule, amsgrad_corrected_rule),
    "deck": (adam_rule, amsgrad_rule),
}


def adam_rule_of(convention: str, amsgrad: bool) -> Callable[..., Any]:
    """Returns the rule of Adam in a convention, with or without the largest v so far."""
    return _RULES[convention][amsgrad]


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Adam(RuleOptimizer):
    """Adam: the direction from the mean gradient, the step size from the mean squared gradient.

        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)

    t = 1, 2, … numbers the steps. m and v start at 0 and are too small at first; the factor of
    roots and powers makes up for it. With `amsgrad` the largest v so far takes the place of v in
    the denominator, so that the steps can only shrink:

        v̂ ← max(v̂, v)

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, about the most that a weight moves in a step. Defaults to 0.001.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-7.
        amsgrad: Boolean. Whether to divide by the largest v so far. Defaults to False.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> kce.optimizers.Adam(learning_rate=0.1).apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(4)  # the first step is η long, whatever the gradient
        array([0.9, 2.1], dtype=float32)

    Differs from the paper:
        Algorithm 1 corrects both means first and adds ε to the corrected root. `convention="paper"`
        is

            w ← w − η m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)

        with ε = 1e-8 by default. The form above is the paper's second, at the end of section 2,
        where ε is called ε̂; the two are the same for ε̂ = ε √(1 − β₂ᵗ). AMSGrad has a paper of its
        own, whose Algorithm 2 corrects nothing, so that its first steps are longer by up to (1 −
        β₁) / √(1 − β₂). With `amsgrad`, `convention="paper"` is that:

            w ← w − η m / (√v̂ + ε),  v̂ ← max(v̂, v)

        The paper has no ε there; here ε = 0 is allowed, and 0 / 0 counts as 0.

    Differs from torch:
        `convention="torch"` is Algorithm 1, with ε = 1e-8 by default. With `amsgrad` the maximum is
        taken of the uncorrected v and corrected then:

            w ← w − η m̂ / (√v̂ + ε),  v_max ← max(v_max, v),  v̂ = v_max / (1 − β₂ᵗ)

    Differs from the deck:
        None in the update. With `convention="deck"` ε is 1e-8 by default, as the deck prints it;
        Keras 2 itself had 1e-7.
        `Adam(lr = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-08, decay = 0.0)` runs, with a
        DeprecationWarning.

    Reference: Kingma, Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, Algorithm 1 and
    section 2; AMSGrad in Reddi, Kale, Kumar, On the Convergence of Adam and Beyond, ICLR 2018,
    Algorithm 2.

    Deck: chapter 1, `Adam(0.01)`; chapter 5, advanced gradient descent, method 6.
    """

    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "epsilon": Number(example=1e-7),
        "amsgrad": flag,
    }
    shifts = True
    slots = (
        (Slot("momentum", "_momentums"), Slot("velocity", "_velocities")),
        (Slot("velocity_hat", "_velocity_hats", only_if="amsgrad"),),
    )
    conventions: ClassVar = {
        "paper": {"epsilon": 1e-8},
        "torch": {"epsilon": 1e-8},
        "deck": {"epsilon": 1e-8},
    }

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = Default(1e-7),
        amsgrad: bool = False,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, amsgrad=amsgrad, **common
        )

    @property
    def rule(self) -> partial:
        """The rule of the convention and of `amsgrad`, with β₁, β₂ and ε filled in."""
        return partial(
            adam_rule_of(self.convention, self.amsgrad),
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )
