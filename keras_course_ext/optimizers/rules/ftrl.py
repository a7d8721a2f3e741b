"""Ftrl: every weight is the minimum of all linearized losses so far, with L1 and L2."""

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    maximum,
    minimum,
    sign,
    sqrt,
    square,
    where,
)


def ftrl_algorithm_1_rule(g, w, n, z, *, lr, beta, l1, l2) -> tuple[Tensor, Tensor, Tensor]:
    """FTRL-Proximal, Algorithm 1: w ← −(z − sign(z) λ₁) / ((β + √n) / α + λ₂), or 0 if |z| ≤ λ₁.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        n: The sum of g², of the shape of `g`; 0 before the first step.
        z: The linear coefficients, of the shape of `g`; 0 before the first step.
        lr: α > 0, the learning rate, a scalar.
        beta: β ≥ 0, keeps the first steps short.
        l1: λ₁ ≥ 0; the larger, the more weights are 0.
        l2: λ₂ ≥ 0, pulls the weights towards 0.

    Returns:
        The new (w, n, z).

    Example:
        >>> from keras_course_ext.optimizers.rules.ftrl import ftrl_algorithm_1_rule
        >>> ftrl_algorithm_1_rule(2.0, 0.0, 0.0, 0.0, lr=0.5, beta=2.0, l1=0.0, l2=0.0)
        (-0.25, 4.0, 2.0)
    """
    n_new = n + square(g)
    sigma = (sqrt(n_new) - sqrt(n)) / lr  # σ = (√(n + g²) − √n) / α
    z = z + g - sigma * w  # z ← z + g − σ w
    shrunk = where(abs(z) <= l1, 0.0 * z, z - sign(z) * l1)
    return -shrunk / ((beta + sqrt(n_new)) / lr + l2), n_new, z


def ftrl_rule(g, w, n, z, *, lr, power, beta, l1, l2, shrinkage) -> tuple[Tensor, Tensor, Tensor]:
    """Ftrl as in Keras: with p = −`power`, w ← (clip(z, λ₁) − z) / ((β + nᵖ) / α + 2 λ₂).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        n: The sum of g², of the shape of `g`, from its first value on.
        z: The linear coefficients, of the shape of `g`; 0 before the first step.
        lr: α > 0, the learning rate, a scalar.
        power: A number ≤ 0. −p; the paper's is −1/2, with 0 the rate does not fall.
        beta: β ≥ 0, keeps the first steps short.
        l1: λ₁ ≥ 0; the larger, the more weights are 0.
        l2: λ₂ ≥ 0, half of the paper's.
        shrinkage: λₛ ≥ 0; adds 2 λₛ w to the gradient of z, not to that of n.

    Returns:
        The new (w, n, z).

    Example:
        >>> from keras_course_ext.optimizers.rules.ftrl import ftrl_rule
        >>> options = {"power": -0.5, "l1": 0.0, "l2": 0.0, "shrinkage": 0.0}
        >>> ftrl_rule(2.0, 0.0, 0.0, 0.0, lr=0.5, beta=2.0, **options)
        (-0.25, 4.0, 2.0)
    """
    # The order of the operations is Keras's, so that the results are equal to the bit.
    both_l2 = l2 + beta / (2.0 * lr)
    n_new = n + square(g)
    z = z + ((g + (2 * shrinkage) * w) - ((n_new**-power - n**-power) / lr) * w)
    quadratic = n_new**-power / lr + 2 * both_l2
    return (maximum(minimum(z, l1), -l1) - z) / quadratic, n_new, z
