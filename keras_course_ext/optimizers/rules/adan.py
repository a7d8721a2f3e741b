"""Adan: Nesterov's momentum, estimated from the differences of the gradients."""

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    divide_no_nan,
    sqrt,
    square,
    where,
)
from keras_course_ext.optimizers.rules.means import bias_corrected, ema


def adan_algorithm_1_rule(
    g, w, m, v, n, g_old, *, lr, beta_1, beta_2, beta_3, epsilon, wd, t
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Adan, Algorithm 1: w ← (w − η (m + β₂ v) / (√n + ε)) / (1 + η λ).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`. It starts as the first gradient.
        v: The running mean of g − g_old, of the shape of `g`; 0 before the first step.
        n: The running mean of (g + β₂ (g − g_old))². It starts as the square of the first gradient.
        g_old: The gradient of the step before.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept; the paper's 1 − β₁.
        beta_2: β₂ in [0, 1), the share of v that is kept; the paper's 1 − β₂.
        beta_3: β₃ in [0, 1), the share of n that is kept; the paper's 1 − β₃.
        epsilon: ε ≥ 0, keeps the denominator away from 0. With ε = 0, 0 / 0 counts as 0.
        wd: λ ≥ 0, the weight decay.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v, n, g_old).

    Example:
        >>> from keras_course_ext.optimizers.rules.adan import adan_algorithm_1_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.5, "beta_3": 0.5, "epsilon": 0.0}
        >>> adan_algorithm_1_rule(2.0, 1.0, 0.0, 0.0, 0.0, 0.0, wd=0.0, t=1, **constants)
        (0.5, 2.0, 0.0, 4.0, 2.0)
    """
    first = t <= 1
    # Times 1, because a rule must return new arrays.
    d = where(first, 0.0 * g, g - g_old)  # g − g_old
    m = where(first, 1.0 * g, ema(m, g, beta_1))  # m ← β₁ m + (1 − β₁) g
    v = ema(v, d, beta_2)  # v ← β₂ v + (1 − β₂) (g − g_old)
    n2 = square(g + beta_2 * d)
    n = where(first, n2, ema(n, n2, beta_3))  # n ← β₃ n + (1 − β₃) (g + β₂ (g − g_old))²
    w = w - divide_no_nan(lr * (m + beta_2 * v), sqrt(n) + epsilon)
    return w / (1 + lr * wd), m, v, n, 1.0 * g


def adan_rule(
    g, w, m, v, n, g_old, *, lr, beta_1, beta_2, beta_3, epsilon, wd, t
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Adan with bias corrections: w ← (w − η (m̂ + β₂ v̂) / (√n̂ + ε)) / (1 + η λ).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running mean of g − g_old, of the shape of `g`; 0 before the first step.
        n: The running mean of (g + β₂ (g − g_old))²; 0 before the first step.
        g_old: The gradient of the step before.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        beta_3: β₃ in [0, 1), the share of n that is kept.
        epsilon: ε ≥ 0, keeps the denominator away from 0. With ε = 0, 0 / 0 counts as 0.
        wd: λ ≥ 0, the weight decay.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v, n, g_old).

    Example:
        >>> from keras_course_ext.optimizers.rules.adan import adan_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.5, "beta_3": 0.5, "epsilon": 0.0}
        >>> adan_rule(2.0, 1.0, 0.0, 0.0, 0.0, 0.0, wd=0.0, t=1, **constants)
        (0.5, 1.0, 0.0, 2.0, 2.0)
    """
    d = where(t <= 1, 0.0 * g, g - g_old)  # g − g_old
    m = ema(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = ema(v, d, beta_2)  # v ← β₂ v + (1 − β₂) (g − g_old)
    n = ema(n, square(g + beta_2 * d), beta_3)  # n ← β₃ n + (1 − β₃) (g + β₂ (g − g_old))²
    m_hat = bias_corrected(m, beta_1, t)  # m̂ = m / (1 − β₁ᵗ)
    v_hat = bias_corrected(v, beta_2, t)  # v̂ = v / (1 − β₂ᵗ)
    n_hat = bias_corrected(n, beta_3, t)  # n̂ = n / (1 − β₃ᵗ)
    w = w - divide_no_nan(lr * (m_hat + beta_2 * v_hat), sqrt(n_hat) + epsilon)
    return w / (1 + lr * wd), m, v, n, 1.0 * g
