"""Yogi: Adam whose v changes by a difference of the size of g², in either direction."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, divide_no_nan, sign, sqrt, square
from keras_course_ext.optimizers.rules.means import ema


def yogi_v(g, v, beta_2) -> Tensor:
    """The running size of the squared gradient, v ← v − (1 − β₂) sign(v − g²) g²."""
    g2 = square(g)
    return v - (1 - beta_2) * sign(v - g2) * g2


def yogi_algorithm_2_rule(
    g, w, m, v, *, lr, beta_1, beta_2, epsilon
) -> tuple[Tensor, Tensor, Tensor]:
    """Yogi, Algorithm 2: v ← v − (1 − β₂) sign(v − g²) g², w ← w − η m / (√v + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running size of g², of the shape of `g`.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1); v changes by (1 − β₂) g².
        epsilon: ε ≥ 0, keeps the denominator away from 0. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, m, v).

    Example:
        >>> from keras_course_ext.optimizers.rules.yogi import yogi_algorithm_2_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0}
        >>> yogi_algorithm_2_rule(2.0, 1.0, 0.0, 10.0, **constants)[1:]  # v falls by 0.25 · 4
        (1.0, 9.0)
    """
    m = ema(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = yogi_v(g, v, beta_2)
    return w - divide_no_nan(lr * m, sqrt(v) + epsilon), m, v


def yogi_rule(g, w, m, v, *, lr, beta_1, beta_2, epsilon, t) -> tuple[Tensor, Tensor, Tensor]:
    """Yogi with Adam's corrections: w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running size of g², of the shape of `g`.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1); v changes by (1 − β₂) g².
        epsilon: ε ≥ 0, keeps the denominator away from 0. With ε = 0, 0 / 0 counts as 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v).

    Example:
        >>> from keras_course_ext.optimizers.rules.yogi import yogi_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0}
        >>> yogi_rule(2.0, 1.0, 0.0, 0.0, t=1, **constants)  # from v = 0 as Adam
        (0.5, 1.0, 1.0)
    """
    m = ema(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = yogi_v(g, v, beta_2)
    alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)  # α = η √(1 − β₂ᵗ) / (1 − β₁ᵗ)
    return w - divide_no_nan(alpha * m, sqrt(v) + epsilon), m, v
