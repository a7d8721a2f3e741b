"""Gradient descent: a step against the gradient."""

from keras_course_ext.optimizers.rules.elementwise import Tensor


def gradient_descent_rule(g, w, *, lr) -> tuple[Tensor]:
    """Gradient descent, w ← w − η g.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        lr: η, the learning rate, a scalar.

    Returns:
        The new w, in a tuple of one.

    Example:
        >>> from keras_course_ext.optimizers.rules.gradient_descent import gradient_descent_rule
        >>> gradient_descent_rule(2.0, 1.0, lr=0.25)
        (0.5,)
    """
    return (w - lr * g,)
