"""RMSprop: without and with momentum, centred or not, ε inside or outside of the root.

The rules take the mean gradient a as a last slot if RMSprop is centred, and return its new value.
"""

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    divide_no_nan,
    maximum,
    sqrt,
    square,
)
from keras_course_ext.optimizers.rules.means import ema


def rmsprop_rule(g, w, v, *a, lr, rho, epsilon, inside=True) -> tuple[Tensor, ...]:
    """RMSprop, v ← ρ v + (1 − ρ) g², then w ← w − η g / √(v + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        *a: The running mean of g, of the shape of `g`, if it is centred: v − a² then takes the
            place of v; 0 before the first step.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the means that is kept.
        epsilon: ε ≥ 0, keeps the root away from 0.
        inside: Whether the denominator is √(v + ε), or √v + ε where 0 / 0
            counts as 0. Defaults to True.

    Returns:
        The new (w, v, *a).

    Example:
        >>> from keras_course_ext.optimizers.rules.rmsprop import rmsprop_rule
        >>> rmsprop_rule(2.0, 1.0, 4.0, lr=0.5, rho=0.75, epsilon=0.0)
        (0.5, 4.0)
        >>> rmsprop_rule(2.0, 1.0, 4.0, lr=0.5, rho=0.75, epsilon=2.0, inside=False)
        (0.75, 4.0)
        >>> rmsprop_rule(2.0, 1.0, 6.0, 0.0, lr=0.5, rho=0.5, epsilon=0.0)  # v − a² = 4
        (0.5, 5.0, 1.0)
    """
    v, *centre = means(g, v, *a, rho=rho)
    return w - divided(lr * g, v, *centre, epsilon=epsilon, inside=inside), v, *centre


def rmsprop_momentum_rule(g, w, v, b, *a, lr, rho, mu, epsilon, inside=True) -> tuple[Tensor, ...]:
    """RMSprop with momentum: v as in `rmsprop_rule`, b ← μ b + η g / √(v + ε), w ← w − b.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g².
        b: The velocity, of the shape of `g`; 0 before the first step.
        *a: The running mean of g, if it is centred, as in `rmsprop_rule`.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the means that is kept.
        mu: μ in [0, 1], the share of the velocity that is kept.
        epsilon: ε ≥ 0, keeps the root away from 0.
        inside: Whether the denominator is √(v + ε), or √v + ε. Defaults to True.

    Returns:
        The new (w, v, b, *a).

    Example:
        >>> from keras_course_ext.optimizers.rules.rmsprop import rmsprop_momentum_rule
        >>> constants = {"lr": 0.5, "rho": 0.75, "mu": 0.5, "epsilon": 0.0}
        >>> rmsprop_momentum_rule(2.0, 1.0, 4.0, 1.0, **constants)
        (0.0, 4.0, 1.0)
    """
    v, *centre = means(g, v, *a, rho=rho)
    b = mu * b + divided(lr * g, v, *centre, epsilon=epsilon, inside=inside)
    return w - b, v, b, *centre


def rmsprop_torch_momentum_rule(g, w, v, b, *a, lr, rho, mu, epsilon) -> tuple[Tensor, ...]:
    """RMSprop with momentum in torch's form, b ← μ b + g / (√v + ε), then w ← w − η b.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g².
        b: The fading sum of the divided gradients, of the shape of `g`; 0 before the first step.
        *a: The running mean of g, if it is centred, as in `rmsprop_rule`.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the means that is kept.
        mu: μ in [0, 1], the share of the sum that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, v, b, *a).

    Example:
        >>> from keras_course_ext.optimizers.rules.rmsprop import rmsprop_torch_momentum_rule
        >>> constants = {"lr": 0.5, "rho": 0.75, "mu": 0.5, "epsilon": 2.0}
        >>> rmsprop_torch_momentum_rule(2.0, 1.0, 4.0, 1.0, **constants)
        (0.5, 4.0, 1.0)
    """
    v, *centre = means(g, v, *a, rho=rho)
    b = mu * b + divided(g, v, *centre, epsilon=epsilon, inside=False)
    return w - lr * b, v, b, *centre


def means(g, v, *a, rho) -> tuple[Tensor, ...]:
    """The running means, v ← ρ v + (1 − ρ) g² and, if it is centred, a ← ρ a + (1 − ρ) g."""
    return ema(v, square(g), rho), *(ema(mean, g, rho) for mean in a)


def divided(step, v, *a, epsilon, inside) -> Tensor:
    """`step` divided by √(v + ε) or √v + ε; by v − a² in the place of v if it is centred."""
    for mean in a:
        v = v - square(mean)
    if inside:
        return step / sqrt(v + epsilon)
    # Rounding can take the variance v − a² below 0 when the gradient stays the same.
    return divide_no_nan(step, sqrt(maximum(v, 0.0) if a else v) + epsilon)
