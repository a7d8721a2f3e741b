"""NovoGrad: gradients divided by a running norm of the layer, then momentum."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, sqrt, square, where
from keras_course_ext.optimizers.rules.means import ema
from keras_course_ext.optimizers.rules.tensorwise import reshape, total


def novograd_rule(
    g, w, m, v, *, lr, beta_1, beta_2, epsilon, wd, t
) -> tuple[Tensor, Tensor, Tensor]:
    """NovoGrad, m ← β₁ m + (g / (√v + ε) + λ w), then w ← w − η m, with v the mean of ‖g‖².

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The momentum, of the shape of `g`; 0 before the first step.
        v: The running mean of ‖g‖², an array of one element. It starts as the first ‖g‖².
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, keeps the denominator away from 0.
        wd: λ ≥ 0, the weight decay.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.novograd import novograd_rule
        >>> g, w, zero = np.array([3.0, 4.0]), np.array([1.0, 2.0]), np.zeros(2)
        >>> constants = {"lr": 0.5, "beta_1": 0.9, "beta_2": 0.98, "epsilon": 0.0, "wd": 0.0}
        >>> w, m, v = novograd_rule(g, w, zero, np.zeros(1), t=1, **constants)
        >>> w, v  # a step of the length η
        (array([0.7, 1.6]), array([25.]))
    """
    squares = reshape(total(square(g)), v.shape)
    v = where(t <= 1, squares, ema(v, squares, beta_2))  # v ← β₂ v + (1 − β₂) ‖g‖²
    m = beta_1 * m + (g / (sqrt(v) + epsilon) + wd * w)  # m ← β₁ m + g / (√v + ε) + λ w
    return w - lr * m, m, v
