"""Adagrad: the step is divided by the root of the sum of all squared gradients."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, divide_no_nan, sqrt, square


def adagrad_rule(g, w, a, *, lr, epsilon) -> tuple[Tensor, Tensor]:
    """Adagrad, a ← a + g², then w ← w − η g / √(a + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        a: The sum of the squared gradients so far, of the shape of `g`.
        lr: η, the learning rate, a scalar.
        epsilon: ε ≥ 0, keeps the root away from 0.

    Returns:
        The new (w, a).

    Example:
        >>> from keras_course_ext.optimizers.rules.adagrad import adagrad_rule
        >>> adagrad_rule(3.0, 1.0, 16.0, lr=0.5, epsilon=0.0)
        (0.7, 25.0)
    """
    a = a + square(g)
    return w - lr * g / sqrt(a + epsilon), a


def adagrad_outside_rule(g, w, a, *, lr, epsilon) -> tuple[Tensor, Tensor]:
    """Adagrad with ε outside of the root, a ← a + g², then w ← w − η g / (√a + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        a: The sum of the squared gradients so far, of the shape of `g`.
        lr: η, the learning rate, a scalar.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, a).

    Example:
        >>> from keras_course_ext.optimizers.rules.adagrad import adagrad_outside_rule
        >>> adagrad_outside_rule(3.0, 1.0, 16.0, lr=0.5, epsilon=1.0)
        (0.75, 25.0)
    """
    a = a + square(g)
    return w - divide_no_nan(lr * g, sqrt(a) + epsilon), a
