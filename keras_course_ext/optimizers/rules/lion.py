"""Lion: the sign of a mixture of gradient and momentum."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, as_dtype_of, sign
from keras_course_ext.optimizers.rules.means import ema


def lion_rule(g, w, m, *, lr, beta_1, beta_2) -> tuple[Tensor, Tensor]:
    """Lion, w ← w − η sign(β₁ m + (1 − β₁) g), then m ← β₂ m + (1 − β₂) g.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1], the share of m in the direction of the step.
        beta_2: β₂ in [0, 1], the share of m that is kept.

    Returns:
        The new (w, m).

    Example:
        >>> from keras_course_ext.optimizers.rules.lion import lion_rule
        >>> lion_rule(-2.0, 1.0, 0.0, lr=0.25, beta_1=0.5, beta_2=0.75)
        (1.25, -0.5)
    """
    # Keras computes 1 − β in the precision of the weights.
    beta_1, beta_2 = as_dtype_of(beta_1, w), as_dtype_of(beta_2, w)
    w = w - lr * sign(ema(m, g, beta_1))  # w ← w − η sign(β₁ m + (1 − β₁) g)
    m = ema(m, g, beta_2)  # m ← β₂ m + (1 − β₂) g
    return w, m
