"""Nesterov momentum: the gradient is taken ahead, where the velocity leads."""

from keras_course_ext.optimizers.rules.elementwise import Tensor


def nesterov_rule(g, w, v, *, lr, mu) -> tuple[Tensor, Tensor]:
    """Nesterov momentum, v ← μ v − η g, then w ← w + μ v − η g.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The velocity, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        mu: μ in [0, 1], the share of the velocity that is kept.

    Returns:
        The new (w, v).

    Example:
        >>> from keras_course_ext.optimizers.rules.nesterov import nesterov_rule
        >>> w, v = 1.0, 0.0
        >>> for _ in range(3):  # downhill on w²/2, whose gradient is w
        ...     w, v = nesterov_rule(w, w, v, lr=0.1, mu=0.9)
        ...     print(round(w, 6))
        0.81
        0.5751
        0.327321
    """
    v = mu * v - lr * g
    return w + (mu * v - lr * g), v


def nesterov_torch_rule(g, w, b, *, lr, mu) -> tuple[Tensor, Tensor]:
    """Nesterov momentum in torch's form, b ← μ b + g, then w ← w − η (g + μ b).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        b: The faded sum of the gradients, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        mu: μ in [0, 1], the share of the sum that is kept.

    Returns:
        The new (w, b).

    Example:
        >>> from keras_course_ext.optimizers.rules.nesterov import nesterov_torch_rule
        >>> nesterov_torch_rule(2.0, 1.0, -2.0, lr=0.25, mu=0.5)
        (0.375, 1.0)
    """
    b = mu * b + g
    return w - lr * (g + mu * b), b
