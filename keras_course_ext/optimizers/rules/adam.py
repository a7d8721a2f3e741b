"""Adam: Algorithm 1 of the paper, its form with ε̂, and AMSGrad."""

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    divide_no_nan,
    maximum,
    sqrt,
    square,
)
from keras_course_ext.optimizers.rules.means import bias_corrected, ema, ema_by_difference


def adam_algorithm_1_rule(
    g, w, m, v, *, lr, beta_1, beta_2, epsilon, t
) -> tuple[Tensor, Tensor, Tensor]:
    """Adam, Algorithm 1: m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), w ← w − η m̂ / (√v̂ + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v).

    Example:
        >>> from keras_course_ext.optimizers.rules.adam import adam_algorithm_1_rule
        >>> w, m, v = adam_algorithm_1_rule(
        ...     0.5, 1.0, 0.0, 0.0, lr=0.1, beta_1=0.9, beta_2=0.999, epsilon=0.5, t=1
        ... )
        >>> round(w, 6)  # at the first step m̂ = g and √v̂ = |g|: 1 − 0.1 · 0.5 / (0.5 + 0.5)
        0.95
    """
    m = ema(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = ema(v, square(g), beta_2)  # v ← β₂ v + (1 − β₂) g²
    m_hat = bias_corrected(m, beta_1, t)  # m̂ = m / (1 − β₁ᵗ)
    v_hat = bias_corrected(v, beta_2, t)  # v̂ = v / (1 − β₂ᵗ)
    w = w - divide_no_nan(lr * m_hat, sqrt(v_hat) + epsilon)  # w ← w − η m̂ / (√v̂ + ε)
    return w, m, v


def adam_rule(g, w, m, v, *, lr, beta_1, beta_2, epsilon, t) -> tuple[Tensor, Tensor, Tensor]:
    """Adam with ε̂, end of section 2: w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε̂).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε̂ ≥ 0, keeps the denominator away from 0. Algorithm 1 has ε = ε̂ / √(1 − β₂ᵗ).
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.adam import adam_rule
        >>> g, w, zero = np.array([0.5, -30.0]), np.array([1.0, 2.0]), np.zeros(2)
        >>> constants = {"lr": 0.1, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 0.0}
        >>> w, m, v = adam_rule(g, w, zero, zero, t=1, **constants)
        >>> w.round(6)  # the first step is η long for every gradient
        array([0.9, 2.1])
    """
    m = ema_by_difference(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = ema_by_difference(v, square(g), beta_2)  # v ← β₂ v + (1 − β₂) g²
    alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)  # α = η √(1 − β₂ᵗ) / (1 − β₁ᵗ)
    w = w - m * alpha / (sqrt(v) + epsilon)  # w ← w − α m / (√v + ε̂)
    return w, m, v


def amsgrad_algorithm_2_rule(
    g, w, m, v, v_hat, *, lr, beta_1, beta_2, epsilon
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """AMSGrad, Algorithm 2: v̂ ← max(v̂, v), w ← w − η m / (√v̂ + ε), without corrections.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g.
        v: The running mean of g².
        v_hat: v̂, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, is added to the root; the paper has none. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, m, v, v_hat).

    Example:
        >>> from keras_course_ext.optimizers.rules.adam import amsgrad_algorithm_2_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0}
        >>> amsgrad_algorithm_2_rule(2.0, 1.0, 0.0, 0.0, 16.0, **constants)  # m = 1, √v̂ = 4
        (0.875, 1.0, 1.0, 16.0)
    """
    m = ema(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = ema(v, square(g), beta_2)  # v ← β₂ v + (1 − β₂) g²
    v_hat = maximum(v_hat, v)  # v̂ ← max(v̂, v)
    w = w - divide_no_nan(lr * m, sqrt(v_hat) + epsilon)  # w ← w − η m / (√v̂ + ε)
    return w, m, v, v_hat


def amsgrad_torch_rule(
    g, w, m, v, v_max, *, lr, beta_1, beta_2, epsilon, t
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """AMSGrad in torch's form: w ← w − η m̂ / (√v̂ + ε), where v̂ is the largest v, corrected.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g.
        v: The running mean of g².
        v_max: The largest v so far, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v, v_max).

    Example:
        >>> from keras_course_ext.optimizers.rules.adam import amsgrad_torch_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0}
        >>> amsgrad_torch_rule(2.0, 1.0, 0.0, 0.0, 16.0, t=1, **constants)  # m̂ = 2, √v̂ = 8
        (0.875, 1.0, 1.0, 16.0)
    """
    m = ema(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = ema(v, square(g), beta_2)  # v ← β₂ v + (1 − β₂) g²
    v_max = maximum(v_max, v)  # v_max ← max(v_max, v)
    m_hat = bias_corrected(m, beta_1, t)  # m̂ = m / (1 − β₁ᵗ)
    v_hat = bias_corrected(v_max, beta_2, t)  # v̂ = v_max / (1 − β₂ᵗ)
    w = w - divide_no_nan(lr * m_hat, sqrt(v_hat) + epsilon)  # w ← w − η m̂ / (√v̂ + ε)
    return w, m, v, v_max


def amsgrad_rule(
    g, w, m, v, v_hat, *, lr, beta_1, beta_2, epsilon, t
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
        epsilon: ε̂ ≥ 0, keeps the denominator away from 0. Algorithm 1 has ε = ε̂ / √(1 − β₂ᵗ).
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v, v_hat).

    Example:
        >>> from keras_course_ext.optimizers.rules.adam import amsgrad_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0}
        >>> amsgrad_rule(2.0, 1.0, 0.0, 0.0, 16.0, t=1, **constants)  # √v̂ stays 4
        (0.875, 1.0, 1.0, 16.0)
    """
    m = ema_by_difference(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = ema_by_difference(v, square(g), beta_2)  # v ← β₂ v + (1 − β₂) g²
    v_hat = maximum(v_hat, v)  # v̂ ← max(v̂, v)
    alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)  # α = η √(1 − β₂ᵗ) / (1 − β₁ᵗ)
    w = w - m * alpha / (sqrt(v_hat) + epsilon)  # w ← w − α m / (√v̂ + ε̂)
    return w, m, v, v_hat
