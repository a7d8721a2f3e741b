"""Nadam: Adam with Nesterov momentum."""

from keras_course_ext.optimizers.rules.elementwise import Tensor, as_dtype_of, sqrt, square
from keras_course_ext.optimizers.rules.means import bias_corrected, ema_by_difference


def momentum_at(t, *, beta_1, momentum_decay) -> Tensor:
    """The momentum of step t, μₜ = β₁ (1 − 0.5 · 0.96^(ψ t)), which rises from β₁ / 2 to β₁.

    Args:
        t: The number of the step, 1, 2, …, a scalar.
        beta_1: β₁ in [0, 1), the momentum in the end.
        momentum_decay: ψ ≥ 0, how fast it rises.

    Returns:
        μₜ, a scalar.

    Example:
        >>> from keras_course_ext.optimizers.rules.nadam import momentum_at
        >>> [round(momentum_at(t, beta_1=0.9, momentum_decay=1.0), 4) for t in (0, 1, 100)]
        [0.45, 0.468, 0.8924]
    """
    return beta_1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))


def momentum_product(u_product, *, beta_1, momentum_decay, t) -> Tensor:
    """The running product of the momenta, Πₜ = Πₜ₋₁ μₜ.

    Args:
        u_product: Πₜ₋₁, a scalar; 1 before the first step.
        beta_1: β₁ in [0, 1), the momentum in the end.
        momentum_decay: ψ ≥ 0, see `momentum_at`.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        Πₜ, a scalar.

    Example:
        >>> from keras_course_ext.optimizers.rules.nadam import momentum_product
        >>> momentum_product(1.0, beta_1=0.5, momentum_decay=1.0, t=1)
        0.26
    """
    # (Π β₁) (1 − …), not Π μₜ: Keras multiplies, and so rounds, in this order.
    return u_product * beta_1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))


def nadam_rule(
    g, w, m, v, *, lr, beta_1, beta_2, epsilon, momentum_decay, t, u_product
) -> tuple[Tensor, Tensor, Tensor]:
    """Nadam, w ← w − η m̂ / (√v̂ + ε) with m̂ = μₜ₊₁ m / (1 − Πₜ₊₁) + (1 − μₜ) g / (1 − Πₜ).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, keeps the denominator away from 0.
        momentum_decay: ψ ≥ 0, see `momentum_at`.
        t: The number of the step, 1, 2, …, a scalar.
        u_product: Πₜ = μ₁ μ₂ … μₜ, a scalar.

    Returns:
        The new (w, m, v).

    Example:
        >>> from keras_course_ext.optimizers.rules.nadam import nadam_rule
        >>> constants = {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0, "momentum_decay": 1.0}
        >>> w, m, v = nadam_rule(2.0, 1.0, 0.0, 0.0, lr=0.5, t=1, u_product=0.26, **constants)
        >>> [round(float(new), 4) for new in (w, m, v)]
        [0.4275, 1.0, 1.0]
    """
    # Keras computes 1 − β in the precision of the weights.
    beta_1, beta_2 = as_dtype_of(beta_1, w), as_dtype_of(beta_2, w)
    mu = momentum_at(t, beta_1=beta_1, momentum_decay=momentum_decay)
    mu_next = momentum_at(t + 1, beta_1=beta_1, momentum_decay=momentum_decay)
    m = ema_by_difference(m, g, beta_1)  # m ← β₁ m + (1 − β₁) g
    v = ema_by_difference(v, square(g), beta_2)  # v ← β₂ v + (1 − β₂) g²
    m_hat = mu_next * m / (1 - u_product * mu_next) + (1 - mu) * g / (1 - u_product)
    v_hat = bias_corrected(v, beta_2, t)  # v̂ = v / (1 − β₂ᵗ)
    w = w - m_hat * lr / (sqrt(v_hat) + epsilon)  # w ← w − η m̂ / (√v̂ + ε)
    return w, m, v
