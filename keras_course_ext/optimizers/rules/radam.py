"""RAdam: Adam whose step is not divided by √v before v is a mean of enough gradients."""

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    as_dtype_of,
    as_float64,
    maximum,
    sqrt,
    square,
    where,
)
from keras_course_ext.optimizers.rules.means import ema_by_difference


def rectification(t, beta_2, threshold) -> Tensor:
    """r, by which the variance of 1 / √v falls short of what it is in the end; 0: don't adapt.

        ρ∞ = 2 / (1 − β₂) − 1
        ρ  = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        r  = √[(ρ − 4) (ρ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρ)]

    Args:
        t: The number of the step, 1, 2, …, a scalar in double precision: ρ begins as the
            difference of two numbers near ρ∞.
        beta_2: β₂ in (0.6, 1).
        threshold: The largest ρ, at least 4, at which r is set to 0.

    Returns:
        r in [0, 1], a scalar.

    Example:
        >>> from keras_course_ext.optimizers.rules.radam import rectification
        >>> [round(rectification(t, 0.999, 4.0), 4) for t in (1.0, 4.0, 5.0, 6.0, 5000.0)]
        [0.0, 0.0, 0.0173, 0.0258, 0.9829]
    """
    rho_inf = 2 / (1 - beta_2) - 1
    rho = rho_inf - 2 * t * beta_2**t / (1 - beta_2**t)
    share = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
    return where(rho > threshold, sqrt(maximum(share, 0.0)), 0.0)


def radam_rule(
    g, w, m, v, *, lr, beta_1, beta_2, epsilon, threshold, corrected, t
) -> tuple[Tensor, Tensor, Tensor]:
    """RAdam, w ← w − η r m̂ √(1 − β₂ᵗ) / (√v + ε), and w ← w − η m̂ as long as r is 0.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in (0.6, 1), the share of v that is kept.
        epsilon: ε ≥ 0, keeps the denominator away from 0.
        threshold: The largest ρ, a number of at least 4, at which the step is not adapted yet.
        corrected: Whether ε is added to the corrected root: r m̂ / (√v̂ + ε).
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.radam import radam_rule
        >>> constants = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "threshold": 4.0}
        >>> g, w, zero = np.array([0.5, -30.0]), np.array([1.0, 2.0]), np.zeros(2)
        >>> w, m, v = radam_rule(g, w, zero, zero, lr=0.1, t=1, corrected=False, **constants)
        >>> w.round(6)  # the first steps are gradient descent with momentum
        array([0.95, 5.  ])
    """
    m = ema_by_difference(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = ema_by_difference(v, square(g), beta_2)  # v ← β₂ v + (1 − β₂) g²
    t, lr = as_float64(t), as_float64(lr)
    r = rectification(t, beta_2, threshold)
    root = sqrt(1 - beta_2**t)
    alpha = as_dtype_of(lr / (1 - beta_1**t), w)
    adapted = as_dtype_of(r * root, w) / (
        sqrt(v) + (as_dtype_of(epsilon * root, w) if corrected else epsilon)
    )
    return w - alpha * m * where(r > 0, adapted, 1.0), m, v
