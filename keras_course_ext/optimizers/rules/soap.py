"""SOAP: Adam in the basis in which Shampoo's preconditioner is diagonal."""

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    divide_no_nan,
    maximum,
    sqrt,
    square,
    where,
)
from keras_course_ext.optimizers.rules.means import ema
from keras_course_ext.optimizers.rules.tensorwise import (
    chosen,
    eigenvectors,
    orthogonal,
    reshape,
    transpose,
)


def soap_rule(
    g, w, m, v, *sides, lr, beta_1, beta_2, epsilon, precondition_frequency, left, right, t
) -> tuple[Tensor, ...]:
    """SOAP, Algorithm 3: G′ = Q_Lᵀ G Q_R, Adam's step N′ by G′, then w ← w − η Q_L N′ Q_Rᵀ.

    The first step only makes L, R, Q_L and Q_R, and moves no weight: a gradient is never rotated
    by eigenvectors that it is part of.

    Args:
        g: dL/dw, the gradient, of rank 2 or more. The matrix is (all axes but the last, last axis).
        w: The weights, of the shape of `g`.
        m: The running mean of g, of the shape of `g`; 0 before the first step.
        v: The running mean of the squares of the rotated g, of the shape of `g`.
        *sides: L and Q_L if `left`, then R and Q_R if `right`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v, L and R that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.
        precondition_frequency: f, an integer ≥ 1. After every f steps Q_L and Q_R are renewed.
        left: Whether the rows are rotated; otherwise Q_L is the identity.
        right: Whether the columns are rotated; otherwise Q_R is the identity.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v, *sides).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.soap import soap_rule
        >>> options = {"lr": 0.5, "beta_1": 0.0, "beta_2": 0.0, "epsilon": 0.0, "left": True}
        >>> options |= {"right": True, "precondition_frequency": 1}
        >>> state = [np.zeros((2, 2))] * 7
        >>> for t in (1, 2):  # the second step is η sign of the gradient in its own basis
        ...     state = soap_rule(np.array([[0.0, 9.0], [4.0, 0.0]]), *state, t=t, **options)
        >>> state[0].round(4) + 0.0
        array([[ 0. , -0.5],
               [-0.5,  0. ]])
    """
    first, k = t <= 1, maximum(t - 1, 1)
    matrix = reshape(g, (-1, g.shape[-1]))
    one_left, one_right = sides[:2] if left else None, sides[-2:] if right else None

    def rotated(x: Tensor) -> Tensor:
        x = transpose(one_left[1]) @ x if one_left else x
        return x @ one_right[1] if one_right else x

    def rotated_back(x: Tensor) -> Tensor:
        x = one_left[1] @ x if one_left else x
        return x @ transpose(one_right[1]) if one_right else x

    m_new = ema(m, g, beta_1)  # M ← β₁ M + (1 − β₁) G
    g_rotated = reshape(rotated(matrix), g.shape)
    v_new = ema(v, square(g_rotated), beta_2)  # V ← β₂ V + (1 − β₂) G′²
    m_rotated = rotated(reshape(m_new, matrix.shape))
    alpha = lr * sqrt(1 - beta_2**k) / (1 - beta_1**k)
    n = divide_no_nan(alpha * m_rotated, sqrt(reshape(v_new, matrix.shape)) + epsilon)
    w_new = w - reshape(rotated_back(n), w.shape)  # w ← w − η Q_L N′ Q_Rᵀ
    due = (t - 1) % precondition_frequency == 0
    renewed = []
    for side, product in (
        (one_left, lambda: matrix @ transpose(matrix)),  # L ← β₂ L + (1 − β₂) G Gᵀ
        (one_right, lambda: transpose(matrix) @ matrix),  # R ← β₂ R + (1 − β₂) Gᵀ G
    ):
        if side:
            p = ema(side[0], product(), beta_2)
            renewed += [p, _basis(p, side[1], first, due)]
    # Times 1, because a rule must return new arrays.
    kept = [where(first, 1.0 * x, x_new) for x, x_new in ((w, w_new), (m, m_new), (v, v_new))]
    return *kept, *renewed


def _basis(p, q, first, due) -> Tensor:
    """Algorithm 4: Q ← QR(P Q) when it is due; at the first step the eigenvectors of P."""
    return chosen(
        first,
        lambda: eigenvectors(p),
        lambda: chosen(due, lambda: orthogonal(p @ q), lambda: 1.0 * q),
    )
