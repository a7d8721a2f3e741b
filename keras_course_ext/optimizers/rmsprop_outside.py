"""RMSprop with ε outside of the root or without ε: the forms of the paper, torch and Keras 2."""

from keras_course_ext.optimizers.elementwise import Tensor, divide_no_nan, maximum, sqrt, square


def rmsprop_outside_rule(
    g: Tensor, w: Tensor, v: Tensor, *, lr: Tensor, rho: float, epsilon: float
) -> tuple[Tensor, Tensor]:
    """RMSprop with ε outside of the root, v ← ρ v + (1 − ρ) g², then w ← w − η g / (√v + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g², of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the mean that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, v).

    Example:
        >>> from keras_course_ext.optimizers.rmsprop_outside import rmsprop_outside_rule
        >>> rmsprop_outside_rule(2.0, 1.0, 4.0, lr=0.5, rho=0.75, epsilon=2.0)
        (0.75, 4.0)
    """
    v = rho * v + (1 - rho) * square(g)
    return w - divide_no_nan(lr * g, sqrt(v) + epsilon), v


def rmsprop_outside_centered_rule(
    g: Tensor, w: Tensor, v: Tensor, a: Tensor, *, lr: Tensor, rho: float, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Centered RMSprop with ε outside of the root, w ← w − η g / (√(v − a²) + ε).

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g².
        a: The running mean of g, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the means that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, v, a).

    Example:
        >>> from keras_course_ext.optimizers.rmsprop_outside import rmsprop_outside_centered_rule
        >>> constants = {"lr": 0.5, "rho": 0.5, "epsilon": 2.0}
        >>> rmsprop_outside_centered_rule(2.0, 1.0, 6.0, 0.0, **constants)  # v − a² = 4
        (0.75, 5.0, 1.0)
    """
    v = rho * v + (1 - rho) * square(g)
    a = rho * a + (1 - rho) * g
    # v − a² is a variance, but rounding can take it below 0 when the gradient stays the same.
    return w - divide_no_nan(lr * g, sqrt(maximum(v - square(a), 0.0)) + epsilon), v, a


def rmsprop_outside_momentum_rule(
    g: Tensor, w: Tensor, v: Tensor, b: Tensor, *, lr: Tensor, rho: float, mu: float, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """RMSprop with momentum and ε outside of the root, b ← μ b + η g / (√v + ε), then w ← w − b.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g².
        b: The velocity, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the mean that is kept.
        mu: μ in [0, 1], the share of the velocity that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, v, b).

    Example:
        >>> from keras_course_ext.optimizers.rmsprop_outside import rmsprop_outside_momentum_rule
        >>> constants = {"lr": 0.5, "rho": 0.75, "mu": 0.5, "epsilon": 2.0}
        >>> rmsprop_outside_momentum_rule(2.0, 1.0, 4.0, 1.0, **constants)
        (0.25, 4.0, 0.75)
    """
    v = rho * v + (1 - rho) * square(g)
    b = mu * b + divide_no_nan(lr * g, sqrt(v) + epsilon)
    return w - b, v, b


def rmsprop_outside_centered_momentum_rule(
    g: Tensor,
    w: Tensor,
    v: Tensor,
    b: Tensor,
    a: Tensor,
    *,
    lr: Tensor,
    rho: float,
    mu: float,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centered RMSprop with momentum, b ← μ b + η g / (√(v − a²) + ε), then w ← w − b.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g².
        b: The velocity, of the shape of `g`; 0 before the first step.
        a: The running mean of g.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the means that is kept.
        mu: μ in [0, 1], the share of the velocity that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, v, b, a).

    Example:
        >>> from keras_course_ext.optimizers import rmsprop_outside
        >>> constants = {"lr": 0.5, "rho": 0.5, "mu": 0.5, "epsilon": 2.0}
        >>> rule = rmsprop_outside.rmsprop_outside_centered_momentum_rule
        >>> rule(2.0, 1.0, 6.0, 1.0, 0.0, **constants)  # v − a² = 4
        (0.25, 5.0, 0.75, 1.0)
    """
    v = rho * v + (1 - rho) * square(g)
    a = rho * a + (1 - rho) * g
    b = mu * b + divide_no_nan(lr * g, sqrt(maximum(v - square(a), 0.0)) + epsilon)
    return w - b, v, b, a


def rmsprop_torch_momentum_rule(
    g: Tensor, w: Tensor, v: Tensor, b: Tensor, *, lr: Tensor, rho: float, mu: float, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """RMSprop with momentum in torch's form, b ← μ b + g / (√v + ε), then w ← w − η b.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g².
        b: The faded sum of the divided gradients, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the mean that is kept.
        mu: μ in [0, 1], the share of the sum that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, v, b).

    Example:
        >>> from keras_course_ext.optimizers.rmsprop_outside import rmsprop_torch_momentum_rule
        >>> constants = {"lr": 0.5, "rho": 0.75, "mu": 0.5, "epsilon": 2.0}
        >>> rmsprop_torch_momentum_rule(2.0, 1.0, 4.0, 1.0, **constants)
        (0.5, 4.0, 1.0)
    """
    v = rho * v + (1 - rho) * square(g)
    b = mu * b + divide_no_nan(g, sqrt(v) + epsilon)
    return w - lr * b, v, b


def rmsprop_torch_centered_momentum_rule(
    g: Tensor,
    w: Tensor,
    v: Tensor,
    b: Tensor,
    a: Tensor,
    *,
    lr: Tensor,
    rho: float,
    mu: float,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centered RMSprop with momentum in torch's form, b ← μ b + g / (√(v − a²) + ε), w ← w − η b.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        v: The running mean of g².
        b: The faded sum of the divided gradients.
        a: The running mean of g.
        lr: η, the learning rate, a scalar.
        rho: ρ in [0, 1], the share of the means that is kept.
        mu: μ in [0, 1], the share of the sum that is kept.
        epsilon: ε ≥ 0, is added to the root. With ε = 0, 0 / 0 counts as 0.

    Returns:
        The new (w, v, b, a).

    Example:
        >>> from keras_course_ext.optimizers import rmsprop_outside
        >>> constants = {"lr": 0.5, "rho": 0.5, "mu": 0.5, "epsilon": 2.0}
        >>> rule = rmsprop_outside.rmsprop_torch_centered_momentum_rule
        >>> rule(2.0, 1.0, 6.0, 1.0, 0.0, **constants)  # v − a² = 4
        (0.5, 5.0, 1.0, 1.0)
    """
    v = rho * v + (1 - rho) * square(g)
    a = rho * a + (1 - rho) * g
    b = mu * b + divide_no_nan(g, sqrt(maximum(v - square(a), 0.0)) + epsilon)
    return w - lr * b, v, b, a
