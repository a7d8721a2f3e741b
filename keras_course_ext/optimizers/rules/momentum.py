"""Momentum: the steps add up in a velocity that fades."""

from keras_course_ext.optimizers.rules.elementwise import Tensor


def momentum_rule(g, w, v, *, lr, mu) -> tuple[Tensor, Tensor]:
    """Momentum, v ← μ v − η g, then w ← w + v.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The velocity, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        mu: μ in [0, 1], the share of the velocity that is kept.

    Returns:
        The new (w, v).

    Example:
        >>> from keras_course_ext.optimizers.rules.momentum import momentum_rule
        >>> momentum_rule(2.0, 1.0, 0.5, lr=0.25, mu=0.5)
        (0.75, -0.25)
    """
    v = mu * v - lr * g
    return w + v, v


def momentum_torch_rule(g, w, b, *, lr, mu) -> tuple[Tensor, Tensor]:
    """Momentum in torch's form, b ← μ b + g, then w ← w − η b.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        b: The faded sum of the gradients, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        mu: μ in [0, 1], the share of the sum that is kept.

    Returns:
        The new (w, b).

    Example:
        >>> from keras_course_ext.optimizers.rules.momentum import momentum_torch_rule
        >>> momentum_torch_rule(2.0, 1.0, -2.0, lr=0.25, mu=0.5)
        (0.75, 1.0)
    """
    b = mu * b + g
    return w - lr * b, b
