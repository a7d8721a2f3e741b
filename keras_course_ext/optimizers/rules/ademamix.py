"""AdEMAMix: Adam with a second, much slower mean of the gradients."""

import math

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    as_dtype_of,
    as_float64,
    divide_no_nan,
    minimum,
    sqrt,
    square,
)
from keras_course_ext.optimizers.rules.means import ema


def slow_share(t, *, beta_1, beta_3, warmup_steps) -> Tensor:
    """β₃ of a step, which rises from β₁ so that the half-life of the mean grows linearly.

        β₃(t) = min(exp(ln β₁ ln β₃ / ((1 − t/T) ln β₃ + t/T ln β₁)), β₃)

    Args:
        t: The number of the step, 1, 2, …, a scalar in double precision.
        beta_1: β₁ in (0, 1), where it begins.
        beta_3: β₃ in (0, 1), where it ends.
        warmup_steps: T ≥ 0, the number of steps until then.

    Returns:
        β₃(t), a scalar.

    Example:
        >>> from keras_course_ext.optimizers.rules.ademamix import slow_share
        >>> options = {"beta_1": 0.9, "beta_3": 0.9999, "warmup_steps": 100}
        >>> [round(slow_share(t, **options), 5) for t in (1, 10, 50, 100)]
        [0.9909, 0.99901, 0.9998, 0.9999]
    """
    if not warmup_steps:
        return beta_3
    done = minimum(t / warmup_steps, 1.0)
    fast, slow = math.log(beta_1), math.log(beta_3)
    return minimum(math.e ** (fast * slow / ((1 - done) * slow + done * fast)), beta_3)


def ademamix_rule(
    g, w, m_1, m_2, v, *, lr, beta_1, beta_2, beta_3, alpha, warmup_steps, epsilon, t
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """AdEMAMix, w ← w − η (m̂₁ + α m₂) / (√v̂ + ε), with a fast and a slow mean of g.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m_1: The fast running mean of g, of the shape of `g`; 0 before the first step.
        m_2: The slow running mean of g, of the shape of `g`; 0 before the first step.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m₁ that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        beta_3: β₃ in [0, 1), the share of m₂ that is kept, after the warm-up.
        alpha: α ≥ 0, the weight of m₂, after the warm-up.
        warmup_steps: T, an integer ≥ 0. Over how many steps α and β₃ rise.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m_1, m_2, v).

    Example:
        >>> from keras_course_ext.optimizers.rules.ademamix import ademamix_rule
        >>> constants = {"beta_1": 0.5, "beta_2": 0.5, "beta_3": 0.75, "epsilon": 0.0}
        >>> options = {"lr": 0.5, "alpha": 2.0, "warmup_steps": 0, "t": 1}
        >>> ademamix_rule(2.0, 1.0, 0.0, 0.0, 0.0, **constants, **options)
        (0.25, 1.0, 0.5, 2.0)
    """
    long_t = as_float64(t)
    # In float32 1 − 0.9999 would be wrong by 2e-4, and 1 − 0.999ᵗ by 1e-5.
    keep = slow_share(long_t, beta_1=beta_1, beta_3=beta_3, warmup_steps=warmup_steps)
    m_1 = ema(m_1, g, beta_1)  # m₁ ← β₁ m₁ + (1 − β₁) g
    m_2 = as_dtype_of(keep, g) * m_2 + as_dtype_of(1 - keep, g) * g  # m₂ ← β₃ m₂ + (1 − β₃) g
    v = ema(v, square(g), beta_2)  # v ← β₂ v + (1 − β₂) g²
    if warmup_steps:
        alpha = as_dtype_of(alpha * minimum(long_t / warmup_steps, 1.0), g)
    m_hat = m_1 / as_dtype_of(1 - beta_1**long_t, g)  # m̂₁ = m₁ / (1 − β₁ᵗ)
    v_hat = v / as_dtype_of(1 - beta_2**long_t, g)  # v̂ = v / (1 − β₂ᵗ)
    return w - divide_no_nan(lr * (m_hat + alpha * m_2), sqrt(v_hat) + epsilon), m_1, m_2, v
