"""Adamax: Adam with the largest recent gradient in the place of the root mean square."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, divide_no_nan, maximum
from keras_course_ext.optimizers.rules.means import ema_by_difference


def adamax_rule(g, w, m, u, *, lr, beta_1, beta_2, epsilon, t) -> tuple[Tensor, Tensor, Tensor]:
    """Adamax, u ← max(β₂ u, |g|), then w ← w − η / (1 − β₁ᵗ) · m / (u + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        u: The fading maximum of |g|, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of u that is kept.
        epsilon: ε ≥ 0, keeps the denominator away from 0. With ε = 0, 0 / 0 counts as 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, u).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.adamax import adamax_rule
        >>> g, w, zero = np.array([0.5, -30.0]), np.array([1.0, 2.0]), np.zeros(2)
        >>> constants = {"lr": 0.1, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 0.0}
        >>> w, m, u = adamax_rule(g, w, zero, zero, t=1, **constants)
        >>> w.round(6)  # the first step is η long for every gradient
        array([0.9, 2.1])
    """
    m = ema_by_difference(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    u = maximum(beta_2 * u, abs(g))  # u ← max(β₂ u, |g|)
    return w - divide_no_nan(lr * m, (1 - beta_1**t) * (u + epsilon)), m, u


def adamax_torch_rule(
    g, w, m, u, *, lr, beta_1, beta_2, epsilon, t
) -> tuple[Tensor, Tensor, Tensor]:
    """Adamax in torch's form, u ← max(β₂ u, |g| + ε), then w ← w − η / (1 − β₁ᵗ) · m / u.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        u: The fading maximum of |g| + ε, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of u that is kept.
        epsilon: ε ≥ 0, keeps u away from 0. With ε = 0, 0 / 0 counts as 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, u).

    Example:
        >>> from keras_course_ext.optimizers.rules.adamax import adamax_torch_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.5, "epsilon": 2.0}
        >>> adamax_torch_rule(2.0, 1.0, 0.0, 0.0, t=1, **constants)
        (0.75, 1.0, 4.0)
    """
    m = ema_by_difference(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    u = maximum(beta_2 * u, abs(g) + epsilon)  # u ← max(β₂ u, |g| + ε)
    return w - divide_no_nan(lr * m, (1 - beta_1**t) * u), m, u
