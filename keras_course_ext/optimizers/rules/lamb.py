"""Lamb: Adam's direction, at a length in proportion to the weights of the layer."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, sqrt, square
from keras_course_ext.optimizers.rules.means import bias_corrected, ema_by_difference
from keras_course_ext.optimizers.rules.tensorwise import ratio, total


def lamb_rule(g, w, m, v, *, lr, beta_1, beta_2, epsilon, wd, t) -> tuple[Tensor, Tensor, Tensor]:
    """Lamb, r = m̂ / (√v̂ + ε) + λ w, then w ← w − η ‖w‖ / ‖r‖ · r.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, keeps the denominator away from 0.
        wd: λ ≥ 0, the weight decay.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.lamb import lamb_rule
        >>> g, w, zero = np.array([0.5, -30.0]), np.array([3.0, 4.0]), np.zeros(2)
        >>> constants = {"lr": 0.1, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 0.0, "wd": 0.0}
        >>> new, m, v = lamb_rule(g, w, zero, zero, t=1, **constants)
        >>> float(np.linalg.norm(new - w).round(6))  # η ‖w‖
        0.5
    """
    m = ema_by_difference(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = ema_by_difference(v, square(g), beta_2)  # v ← β₂ v + (1 − β₂) g²
    m_hat = bias_corrected(m, beta_1, t)  # m̂ = m / (1 − β₁ᵗ)
    v_hat = bias_corrected(v, beta_2, t)  # v̂ = v / (1 − β₂ᵗ)
    r = m_hat / (sqrt(v_hat) + epsilon) + wd * w  # r = m̂ / (√v̂ + ε) + λ w
    # The power, as in Keras: it rounds differently from the square in `tensorwise.norm`.
    trust = ratio(sqrt(total(w**2)), sqrt(total(r**2)))  # ‖w‖ / ‖r‖
    return w - trust * lr * r, m, v
