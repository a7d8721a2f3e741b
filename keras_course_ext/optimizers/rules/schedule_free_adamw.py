"""Schedule-free AdamW: an average of the weights instead of a learning rate schedule."""

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    divide_no_nan,
    minimum,
    sqrt,
    square,
)
from keras_course_ext.optimizers.rules.means import bias_corrected, ema_by_difference


def schedule_free_adamw_rule(
    g, w, z, v, *, lr, beta_1, beta_2, epsilon, warmup_steps, wd, c, at_average, t
) -> tuple[Tensor, Tensor, Tensor]:
    """Schedule-free AdamW: z takes the steps, x averages z, and the gradient is taken between.

        v ← β₂ v + (1 − β₂) g²,  v̂ = v / (1 − β₂ᵗ)
        z ← z − γₜ g / (√v̂ + ε) − γₜ λ y,  γₜ = γ · min(1, t / `warmup_steps`)
        x ← (1 − c) x + c z
        y ← (1 − β₁) z + β₁ x

    Args:
        g: dL/dy, the gradient.
        w: The weights, of the shape of `g`: y = (1 − β₁) z + β₁ x, or x if `at_average`.
        z: The weights that take the steps; those of the model before the first step.
        v: The running mean of g²; 0 before the first step.
        lr: γ, the learning rate, a scalar.
        beta_1: β₁ in (0, 1), how near y is to the average x.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, keeps the denominator away from 0.
        warmup_steps: Integer ≥ 0. Over how many steps γ rises from 0; with 0 it is there at once.
        wd: λ ≥ 0, the weight decay, at y.
        c: γₜ² / Σᵢ γᵢ², the share of this step in the average, a scalar.
        at_average: 1 if w holds x, 0 if it holds y, a scalar.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (y, z, v).

    Example:
        >>> from keras_course_ext.optimizers.rules import schedule_free_adamw_rule
        >>> constants = {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0, "wd": 0.0}
        >>> scalars = {"warmup_steps": 0, "c": 1.0, "at_average": 0.0, "t": 1}
        >>> schedule_free_adamw_rule(2.0, 1.0, 1.0, 0.0, **constants, **scalars)
        (0.5, 0.5, 1.0)
    """
    lr = warmed_up(lr, warmup_steps, t)
    y = w + at_average * (1 - beta_1) * (z - w)
    x = average_of(y, z, beta_1)
    v = ema_by_difference(v, square(g), beta_2)  # v ← β₂ v + (1 − β₂) g²
    v_hat = bias_corrected(v, beta_2, t)  # v̂ = v / (1 − β₂ᵗ)
    z = z - lr * g / (sqrt(v_hat) + epsilon) - lr * wd * y
    x = (1 - c) * x + c * z
    return point_between(z, x, beta_1), z, v


def point_between(z, x, beta_1) -> Tensor:
    """The point where the gradient is taken, y = (1 − β₁) z + β₁ x."""
    return (1 - beta_1) * z + beta_1 * x


def average_of(y, z, beta_1) -> Tensor:
    """The average, x = (y − (1 − β₁) z) / β₁."""
    return (y - (1 - beta_1) * z) / beta_1


def share_of_step(weight_sum, *, lr, warmup_steps, t) -> tuple[Tensor, Tensor]:
    """The sum Σᵢ γᵢ² after a step, and the share c = γₜ² / Σᵢ γᵢ² of the step in the average."""
    added = warmed_up(lr, warmup_steps, t) ** 2
    weight_sum = weight_sum + added
    # The sum is 0 while a schedule is at 0.
    return weight_sum, divide_no_nan(added, weight_sum)


def warmed_up(lr, warmup_steps, t) -> Tensor:
    """The learning rate during the warm-up, γ · min(1, t / warmup_steps)."""
    return lr * minimum(t / warmup_steps, 1.0) if warmup_steps else lr
