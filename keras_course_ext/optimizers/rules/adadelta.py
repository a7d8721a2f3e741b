"""Adadelta: the mean size of the recent steps takes the place of the learning rate."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, sqrt, square
from keras_course_ext.optimizers.rules.means import ema


def adadelta_rule(g, w, a, d, *, lr, rho, epsilon) -> tuple[Tensor, Tensor, Tensor]:
    """Adadelta, Δ = −√(d + ε) / √(a + ε) · g, then w ← w + η Δ.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        a: The running mean of g², of the shape of `g`; 0 before the first step.
        d: The running mean of Δ², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the means that is kept.
        epsilon: ε > 0, keeps the roots away from 0 and starts the first step.

    Returns:
        The new (w, a, d).

    Example:
        >>> from keras_course_ext.optimizers.rules.adadelta import adadelta_rule
        >>> adadelta_rule(4.0, 1.0, 0.0, 0.0, lr=1.0, rho=0.5, epsilon=1.0)  # Δ = −4 / 3
        (-0.33333333333333326, 8.0, 0.8888888888888888)
    """
    a = ema(a, square(g), rho)  # a ← ρ a + (1 − ρ) g²
    delta = -(sqrt(d + epsilon) * g / sqrt(a + epsilon))  # Δ = −√(d + ε) / √(a + ε) · g
    d = ema(d, square(delta), rho)  # d ← ρ d + (1 − ρ) Δ²
    return w + lr * delta, a, d
