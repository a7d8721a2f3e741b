"""Prodigy: Adam that finds its learning rate from how far the weights have come."""

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    divide_no_nan,
    maximum,
    sqrt,
    square,
)
from keras_course_ext.optimizers.rules.tensorwise import total


def prodigy_rule(
    g, w, x_0, m, v, s, *, lr, beta_1, beta_2, epsilon, use_bias_correction, wd, d, t
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Prodigy, the step of Algorithm 4: w ← w − γ d m / (√v + d ε), where d is the estimate so far.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        x_0: The weights before the first step.
        m: The running mean of d g, of the shape of `g`; 0 before the first step.
        v: The running mean of (d g)², of the shape of `g`; 0 before the first step.
        s: The running mean of γ d² g, of the shape of `g`; 0 before the first step.
        lr: γ, a factor of the step, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept; that of s is √β₂.
        epsilon: ε ≥ 0, keeps the denominator away from 0. With ε = 0, 0 / 0 counts as 0.
        use_bias_correction: Whether γ is multiplied by Adam's √(1 − β₂ᵗ) / (1 − β₁ᵗ).
        wd: λ ≥ 0, the weight decay.
        d: The estimate of the distance to the solution, a scalar.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, x_0, m, v, s).

    Example:
        >>> from keras_course_ext.optimizers.rules.prodigy import prodigy_rule
        >>> constants = {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0, "wd": 0.0}
        >>> options = {"lr": 1.0, "use_bias_correction": False, "d": 0.5, "t": 1}
        >>> prodigy_rule(2.0, 1.0, 1.0, 0.0, 0.0, 0.0, **constants, **options)[:4]
        (0.5, 1.0, 0.5, 0.25)
    """
    gamma = _gamma(lr, beta_1, beta_2, use_bias_correction, t)
    m = beta_1 * m + (1 - beta_1) * d * g  # m ← β₁ m + (1 − β₁) d g
    v = beta_2 * v + (1 - beta_2) * square(d * g)  # v ← β₂ v + (1 − β₂) d² g²
    s = _s(g, s, gamma, beta_2, d)
    w = w - gamma * d * wd * w - divide_no_nan(gamma * d * m, sqrt(v) + d * epsilon)
    # Times 1, because a rule must return new arrays.
    return w, 1.0 * x_0, m, v, s


def prodigy_terms(
    g, w, x_0, m, v, s, *, lr, beta_1, beta_2, use_bias_correction, d, t
) -> dict[str, Tensor]:
    """What the estimate sums over all variables: ⟨g, x₀ − w⟩, and ‖s‖₁ after the step.

    Args:
        g: As in `prodigy_rule`.
        w: As in `prodigy_rule`.
        x_0: As in `prodigy_rule`.
        m: As in `prodigy_rule`; not needed.
        v: As in `prodigy_rule`; not needed.
        s: As in `prodigy_rule`.
        lr: γ, a scalar.
        beta_1: β₁.
        beta_2: β₂.
        use_bias_correction: Whether γ is multiplied by Adam's correction.
        d: The estimate so far, a scalar.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The scalars "progress" and "s_norm".
    """
    gamma = _gamma(lr, beta_1, beta_2, use_bias_correction, t)
    return {
        "progress": total(gamma * square(d) * g * (x_0 - w)),
        "s_norm": total(abs(_s(g, s, gamma, beta_2, d))),
    }


def estimated_distance(d, r, progress, s_norm, *, beta_2, d_coef) -> tuple[Tensor, Tensor]:
    """The estimate after a step, d ← max(d, c r / ‖s‖₁), with r the mean of γ d² ⟨g, x₀ − w⟩.

    Args:
        d: The estimate so far, a scalar.
        r: The running mean, a scalar; 0 before the first step.
        progress: γ d² ⟨g, x₀ − w⟩, over all variables.
        s_norm: ‖s‖₁, over all variables.
        beta_2: β₂ in [0, 1).
        d_coef: c > 0, a factor of every estimate.

    Returns:
        The new (d, r).
    """
    keep = sqrt(beta_2)
    r = keep * r + (1 - keep) * progress
    return maximum(d, divide_no_nan(d_coef * r, s_norm)), r


def _gamma(lr, beta_1, beta_2, use_bias_correction, t) -> Tensor:
    return lr * sqrt(1 - beta_2**t) / (1 - beta_1**t) if use_bias_correction else lr


def _s(g, s, gamma, beta_2, d) -> Tensor:
    keep = sqrt(beta_2)
    return keep * s + (1 - keep) * gamma * square(d) * g  # s ← √β₂ s + (1 − √β₂) γ d² g
