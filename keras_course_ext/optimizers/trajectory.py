"""The path of an optimizer downhill, its rule run on NumPy arrays alone."""

from collections.abc import Callable, Iterable
from itertools import count, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.optimizers import engine
from keras_course_ext.optimizers.arguments import check_count
from keras_course_ext.optimizers.layer_wise import LayerWise

if TYPE_CHECKING:
    from keras_course_ext.optimizers.base import RuleOptimizer


def trajectory(
    optimizer: "RuleOptimizer",
    gradient: Callable[[np.ndarray], Any],
    start: Any,
    steps: int,
    learning_rates: Iterable[float] | None = None,
) -> np.ndarray:
    """Follows an optimizer downhill from a point, without Keras, TensorFlow or a model.

        w₀ = start,   (wₜ, slotsₜ) = rule(∇f(wₜ₋₁), wₜ₋₁, slotsₜ₋₁; η, t)

    Args:
        optimizer: An optimizer of this package. Only its rule, its hyperparameters and its
            weight decay are used, no clipping, and the optimizer itself is left as it is.
        gradient: ∇f: takes w and returns dL/dw of the same shape.
        start: w₀, an array of any shape. It is not changed.
        steps: Integer ≥ 0. How many steps to take.
        learning_rates: η of every step. Default: what the optimizer's own learning rate or
            schedule says.

    Raises:
        TypeError: If the optimizer is a `LayerWise`.

    Returns:
        The points w₀ to w_steps, `(steps + 1, *w.shape)`, of the dtype of `start`; float64 if
        that is no floating dtype.

    Example:
    >>> import keras_course_ext as kce
    >>> valley = lambda w: w * [0.1, 2.0]  # the gradient of x²/20 + y²
    >>> path = kce.optimizers.trajectory(kce.optimizers.SGD(0.5), valley, [-7.0, 2.0], steps=2)
    >>> path.round(4)
    array([[-7.    ,  2.    ],
           [-6.65  ,  0.    ],
           [-6.3175,  0.    ]])
    """
    steps = check_count("steps", steps)
    if isinstance(optimizer, LayerWise):
        raise TypeError(
            "`trajectory` follows an array, which has no path for the patterns of `LayerWise` to "
            f"be found in. Follow the optimizer inside: `trajectory({optimizer.name}.inner, ...)`."
        )
    w = np.array(start)
    if not np.issubdtype(w.dtype, np.floating):
        w = w.astype(np.float64)
    slots = optimizer.first_slots(w)
    shared: Any = {scalar.name: scalar.start for scalar in optimizer.shared}
    rule = optimizer.rule_for(w)
    path, decay = [w], not optimizer.decays_weights_itself and optimizer.weight_decay
    if learning_rates is None:
        # A number is read once: it stands in a variable of TensorFlow's, slow to read.
        fixed = None if callable(optimizer.rate) else optimizer.rate
        learning_rates = repeat(fixed) if fixed else map(optimizer.learning_rate_at, count())
    for t, lr in zip(range(1, steps + 1), learning_rates, strict=False):
        old, shared = shared, optimizer.shared_values(shared, lr=lr, t=t)
        scalars = {"lr": lr, "t": t, **optimizer.rule_scalars(old, shared)}
        w = path[-1]
        g = np.asarray(gradient(w), w.dtype)
        if decay:
            w = w - w * decay * lr
        new, *slots = rule(g, w, *slots, **engine.asked_for(rule.func, scalars))
        path.append(new)
    return np.array(path)
