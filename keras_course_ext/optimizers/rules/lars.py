"""LARS: momentum with a learning rate for each layer, in proportion to its weights."""

from keras_course_ext.optimizers.rules.elementwise import Tensor
from keras_course_ext.optimizers.rules.tensorwise import norm, ratio


def lars_rule(g, w, v, *, lr, mu, eta, wd) -> tuple[Tensor, Tensor]:
    """LARS, λ = η ‖w‖ / (‖g‖ + β ‖w‖), v ← μ v + γ λ (g + β w), then w ← w − v.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The velocity, of the shape of `g`; 0 before the first step.
        lr: γ, the learning rate of all layers, a scalar.
        mu: μ in [0, 1], the share of the velocity that is kept.
        eta: η > 0, the trust coefficient.
        wd: β ≥ 0, the weight decay.

    Returns:
        The new (w, v).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.lars import lars_rule
        >>> g, w = np.array([0.0, 20.0]), np.array([3.0, 4.0])
        >>> new, v = lars_rule(g, w, np.zeros(2), lr=1.0, mu=0.9, eta=0.1, wd=0.0)
        >>> new.round(6)  # a step of γ η ‖w‖ against g
        array([3. , 3.5])
    """
    w_norm = norm(w)
    local = ratio(eta * w_norm, norm(g) + wd * w_norm)  # λ = η ‖w‖ / (‖g‖ + β ‖w‖)
    v = mu * v + lr * local * (g + wd * w)  # v ← μ v + γ λ (g + β w)
    return w - v, v
