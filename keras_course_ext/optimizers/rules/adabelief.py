"""AdaBelief: Adam with the variance around m in the place of the mean square."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, sqrt, square
from keras_course_ext.optimizers.rules.means import bias_corrected, ema_by_difference


def adabelief_rule(g, w, m, s, *, lr, beta_1, beta_2, epsilon, t) -> tuple[Tensor, Tensor, Tensor]:
    """AdaBelief, s ← β₂ s + (1 − β₂) (g − m)² + ε, then w ← w − η m̂ / (√ŝ + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        s: The running mean of (g − m)², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of s that is kept.
        epsilon: ε ≥ 0, keeps s and the denominator away from 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, s).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.adabelief import adabelief_rule
        >>> g, w, zero = np.array([0.5, -30.0]), np.array([1.0, 2.0]), np.zeros(2)
        >>> constants = {"lr": 0.09, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 0.0}
        >>> w, m, s = adabelief_rule(g, w, zero, zero, t=1, **constants)
        >>> w.round(6)  # g is 10 m, and g − m is 0.9 g
        array([0.9, 2.1])
    """
    m = ema_by_difference(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    s = ema_by_difference(s, square(g - m), beta_2) + epsilon  # s ← β₂ s + (1 − β₂) (g − m)² + ε
    m_hat = bias_corrected(m, beta_1, t)  # m̂ = m / (1 − β₁ᵗ)
    s_hat = bias_corrected(s, beta_2, t)  # ŝ = s / (1 − β₂ᵗ)
    w = w - lr * m_hat / (sqrt(s_hat) + epsilon)  # w ← w − η m̂ / (√ŝ + ε)
    return w, m, s
