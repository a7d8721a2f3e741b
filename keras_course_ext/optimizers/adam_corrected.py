"""Adam as its Algorithm 1 has it, both means corrected; AMSGrad with corrections and without."""

from keras_course_ext.optimizers.elementwise import Tensor, divide_no_nan, maximum, sqrt, square


def adam_corrected_rule(
    g: Tensor,
    w: Tensor,
    m: Tensor,
    v: Tensor,
    *,
    lr: Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    t: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Adam, Algorithm 1: m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), w ← w − η m̂ / (√v̂ + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v).

    Example:
        >>> from keras_course_ext.optimizers.adam_corrected import adam_corrected_rule
        >>> w, m, v = adam_corrected_rule(
        ...     0.5, 1.0, 0.0, 0.0, lr=0.1, beta_1=0.9, beta_2=0.999, epsilon=0.5, t=1
        ... )
        >>> round(w, 6)  # at the first step m̂ = g and √v̂ = |g|: 1 − 0.1 · 0.5 / (0.5 + 0.5)
        0.95
    """
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * square(g)
    m_hat = m / (1 - beta_1**t)
    v_hat = v / (1 - beta_2**t)
    return w - divide_no_nan(lr * m_hat, sqrt(v_hat) + epsilon), m, v


def amsgrad_corrected_rule(
    g: Tensor,
    w: Tensor,
    m: Tensor,
    v: Tensor,
    v_max: Tensor,
    *,
    lr: Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    t: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """AMSGrad in torch's form: w ← w − η m̂ / (√v̂ + ε), where v̂ is the largest v, corrected.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g.
        v: The running mean of g².
        v_max: The largest v so far, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v, v_max).

    Example:
        >>> from keras_course_ext.optimizers.adam_corrected import amsgrad_corrected_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0}
        >>> amsgrad_corrected_rule(2.0, 1.0, 0.0, 0.0, 16.0, t=1, **constants)  # m̂ = 2, √v̂ = 8
        (0.875, 1.0, 1.0, 16.0)
    """
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * square(g)
    v_max = maximum(v_max, v)
    m_hat = m / (1 - beta_1**t)
    v_hat = v_max / (1 - beta_2**t)
    return w - divide_no_nan(lr * m_hat, sqrt(v_hat) + epsilon), m, v, v_max


def amsgrad_uncorrected_rule(
    g: Tensor,
    w: Tensor,
    m: Tensor,
    v: Tensor,
    v_hat: Tensor,
    *,
    lr: Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """AMSGrad, Algorithm 2: v̂ ← max(v̂, v), w ← w − η m / (√v̂ + ε), without corrections.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g.
        v: The running mean of g².
        v_hat: v̂, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, is added to the root; the paper has none. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, m, v, v_hat).

    Example:
        >>> from keras_course_ext.optimizers.adam_corrected import amsgrad_uncorrected_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0}
        >>> amsgrad_uncorrected_rule(2.0, 1.0, 0.0, 0.0, 16.0, **constants)  # m = 1, √v̂ = 4
        (0.875, 1.0, 1.0, 16.0)
    """
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * square(g)
    v_hat = maximum(v_hat, v)
    return w - divide_no_nan(lr * m, sqrt(v_hat) + epsilon), m, v, v_hat
