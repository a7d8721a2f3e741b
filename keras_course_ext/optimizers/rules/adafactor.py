"""Adafactor: Adam's v as the product of a column and a row, and steps in proportion to w."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, maximum, minimum, sqrt, square
from keras_course_ext.optimizers.rules.tensorwise import mean


def adafactor_rule(
    g,
    w,
    r,
    c,
    *,
    lr,
    beta_2_decay,
    epsilon_1,
    epsilon_2,
    clip_threshold,
    relative_step,
    t,
) -> tuple[Tensor, Tensor, Tensor]:
    """Adafactor, Algorithm 4, for matrices: V̂ = r cᵀ / mean(r), w ← w − α U / max(1, RMS(U) / d).

    Args:
        g: dL/dw, the gradient, of rank 2 or more. Its last two axes are the matrix.
        w: The weights, of the shape of `g`.
        r: The running means of g² over the columns, of the shape of `g` without the last axis.
        c: The running means of g² over the rows, of the shape of `g` without the last axis but one.
        lr: ρ, or the largest ρ: the size of a step relative to w, a scalar.
        beta_2_decay: A number ≤ 0. The share of r and c that is kept is 1 − t^`beta_2_decay`.
        epsilon_1: ε₁ ≥ 0, is added to g².
        epsilon_2: ε₂ ≥ 0, the least size of w that counts.
        clip_threshold: d > 0, the largest RMS of U.
        relative_step: Whether ρ is min(`lr`, 1 / √t), or `lr`.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, r, c).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.adafactor import adafactor_rule
        >>> options = {"beta_2_decay": -0.8, "epsilon_1": 1e-30, "epsilon_2": 1e-3}
        >>> options |= {"clip_threshold": 1.0, "relative_step": True}
        >>> g, w = np.outer([1.0, 10.0], [1.0, 2.0, -3.0]), np.full((2, 3), 2.0)
        >>> w, r, c = adafactor_rule(g, w, np.zeros(2), np.zeros(3), lr=0.1, t=1, **options)
        >>> w.round(6)  # a product of a column and a row is divided by itself
        array([[1.8, 1.8, 2.2],
               [1.8, 1.8, 2.2]])
    """
    w, r, c, _ = _factored(
        *(g, w, r, c, lr, beta_2_decay, epsilon_1, epsilon_2, clip_threshold, relative_step, t)
    )
    return w, r, c


def adafactor_vector_rule(
    g,
    w,
    v,
    *,
    lr,
    beta_2_decay,
    epsilon_1,
    epsilon_2,
    clip_threshold,
    relative_step,
    t,
) -> tuple[Tensor, Tensor]:
    """Adafactor, Algorithm 5, for vectors: U = g / √v, w ← w − α U / max(1, RMS(U) / d).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g², of the shape of `g`.
        lr: ρ, or the largest ρ: the size of a step relative to w, a scalar.
        beta_2_decay: A number ≤ 0. The share of v that is kept is 1 − t^`beta_2_decay`.
        epsilon_1: ε₁ ≥ 0, is added to g².
        epsilon_2: ε₂ ≥ 0, the least size of w that counts.
        clip_threshold: d > 0, the largest RMS of U.
        relative_step: Whether ρ is min(`lr`, 1 / √t), or `lr`.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, v).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.adafactor import adafactor_vector_rule
        >>> options = {"beta_2_decay": -0.8, "epsilon_1": 1e-30, "epsilon_2": 1e-3}
        >>> options |= {"clip_threshold": 1.0, "relative_step": True}
        >>> g, w = np.array([0.5, -30.0]), np.array([2.0, 2.0])
        >>> adafactor_vector_rule(g, w, np.zeros(2), lr=0.1, t=1, **options)[0]
        array([1.8, 2.2])
    """
    beta_2 = 1 - t**beta_2_decay  # β₂ₜ = 1 − t^(−0.8)
    v = beta_2 * v + (1 - beta_2) * (square(g) + epsilon_1)
    return _stepped(w, g / sqrt(v), lr, epsilon_2, clip_threshold, relative_step, t), v


def adafactor_keras_rule(
    g,
    w,
    r,
    c,
    v,
    *,
    lr,
    beta_2_decay,
    epsilon_1,
    epsilon_2,
    clip_threshold,
    relative_step,
    t,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Algorithm 4 with V̂ = r cᵀ / mean(r) among the slots, as Keras keeps it.

    Args:
        g: dL/dw, the gradient, of rank 2 or more.
        w: The weights, of the shape of `g`.
        r: As in `adafactor_rule`.
        c: As in `adafactor_rule`.
        v: V̂ of the step before, of the shape of `g`; the rule does not need it.
        lr: ρ, or the largest ρ, a scalar.
        beta_2_decay: A number ≤ 0.
        epsilon_1: ε₁ ≥ 0.
        epsilon_2: ε₂ ≥ 0.
        clip_threshold: d > 0.
        relative_step: Whether ρ is min(`lr`, 1 / √t), or `lr`.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, r, c, v).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.adafactor import adafactor_keras_rule
        >>> options = {"beta_2_decay": -0.8, "epsilon_1": 0.0, "epsilon_2": 1e-3, "t": 1}
        >>> options |= {"lr": 0.1, "clip_threshold": 1.0, "relative_step": True}
        >>> g, w = np.array([[1.0, 2.0]]), np.ones((1, 2))
        >>> adafactor_keras_rule(g, w, np.zeros(1), np.zeros(2), 0.0 * g, **options)[3]
        array([[1., 4.]])
    """
    return _factored(
        *(g, w, r, c, lr, beta_2_decay, epsilon_1, epsilon_2, clip_threshold, relative_step, t)
    )


def _factored(
    g, w, r, c, lr, beta_2_decay, epsilon_1, epsilon_2, clip_threshold, relative_step, t
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    squares = square(g) + epsilon_1
    beta_2 = 1 - t**beta_2_decay  # β₂ₜ = 1 − t^(−0.8)
    r = beta_2 * r + (1 - beta_2) * mean(squares, -1)
    c = beta_2 * c + (1 - beta_2) * mean(squares, -2)
    v = (r / mean(r, -1, keepdims=True))[..., None] * c[..., None, :]  # V̂ = r cᵀ / mean(r)
    return _stepped(w, g / sqrt(v), lr, epsilon_2, clip_threshold, relative_step, t), r, c, v


def _stepped(w, u, lr, epsilon_2, clip_threshold, relative_step, t) -> Tensor:
    """W after the step by U, w − max(ε₂, RMS(w)) ρ U / max(1, RMS(U) / d)."""
    rho = minimum(lr, 1 / sqrt(t)) if relative_step else lr
    alpha = maximum(_rms(w), epsilon_2) * rho
    return w - alpha * (u / maximum(_rms(u) / clip_threshold, 1.0))


def _rms(x) -> Tensor:
    return sqrt(mean(square(x)))
