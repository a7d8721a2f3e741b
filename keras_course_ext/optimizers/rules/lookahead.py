"""Lookahead: the weights follow another rule, and return part of the way after k steps."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, where
from keras_course_ext.optimizers.rules.scalars import scalars_of


def lookahead_rule(g, w, slow, *slots, inner, k, alpha, t, **scalars) -> tuple[Tensor, ...]:
    """Lookahead: w ← inner(w), and after every k-th step φ ← φ + α (w − φ), w ← φ.

    Args:
        g: dL/dw, the gradient.
        w: The fast weights θ, of the shape of `g`.
        slow: The slow weights φ, of the shape of `g`; w before the first step.
        *slots: The slots of the inner rule, of the shape of `g`.
        inner: The inner rule, a function with its hyperparameters filled in.
        k: Integer ≥ 1. How many fast steps make a slow one.
        alpha: α in (0, 1], how far the slow weights follow.
        t: The number of the step, 1, 2, …, a scalar.
        **scalars: The scalars that the inner rule takes, such as `lr`.

    Returns:
        The new (w, slow, *slots).

    Example:
        >>> from functools import partial
        >>> from keras_course_ext.optimizers.rules.gradient_descent import gradient_descent_rule
        >>> from keras_course_ext.optimizers.rules.lookahead import lookahead_rule
        >>> options = {"inner": partial(gradient_descent_rule), "k": 2, "alpha": 0.5, "lr": 0.25}
        >>> [float(new) for new in lookahead_rule(2.0, 1.0, 1.5, t=1, **options)]
        [0.5, 1.5]
        >>> # Every second step, w and φ meet half way between 0.5 and 1.5.
        >>> [float(new) for new in lookahead_rule(2.0, 1.0, 1.5, t=2, **options)]
        [1.0, 1.0]
    """
    w, *slots_new = inner(g, w, *slots, **scalars_of(inner.func, {**scalars, "t": t}))
    synchronize = t % k == 0
    # Times 1, because a rule must return new arrays.
    slow = where(synchronize, slow + alpha * (w - slow), 1.0 * slow)
    return where(synchronize, slow, w), slow, *slots_new
