"""Muon: momentum whose matrices are made orthogonal."""

import math

from keras_course_ext.optimizers.rules.adam import adam_rule
from keras_course_ext.optimizers.rules.elementwise import Tensor
from keras_course_ext.optimizers.rules.tensorwise import norm, reshape, transpose


def newton_schulz(x, *, steps, a=3.4445, b=-4.775, c=2.0315) -> Tensor:
    """Brings all singular values near 1, X ← a X + (b X Xᵀ + c (X Xᵀ)²) X, `steps` times.

    With X = U S Vᵀ this is S ← a S + b S³ + c S⁵, without U, S and V ever being computed.

    Args:
        x: Array or tensor of rank 2. X, which is first divided by its norm, so that S ≤ 1.
        steps: Integer ≥ 1. The number of iterations.
        a: Float. The factor by which a small singular value grows in a step. Defaults to 3.4445.
        b: Float. The coefficient of S³. Defaults to −4.775.
        c: Float. The coefficient of S⁵. Defaults to 2.0315.

    Returns:
        About U Vᵀ: with the default coefficients, which favour speed, five steps bring every
        singular value of more than 0.01 ‖X‖ to between 0.68 and 1.14.

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.muon import newton_schulz
        >>> newton_schulz(np.diag([5.0, 0.1]), steps=5).round(1)
        array([[0.7, 0. ],
               [0. , 0.7]])
    """
    tall = x.shape[0] > x.shape[1]
    if tall:  # X Xᵀ is the smaller product then
        x = transpose(x)
    x = x / (norm(x) + 1e-7)
    for _ in range(steps):
        s = x @ transpose(x)
        x = a * x + (b * s + c * s @ s) @ x
    return transpose(x) if tall else x


def muon_rule(
    g, w, m, *, lr, mu, nesterov, steps, coefficients, rms_rate, by_fans, wd
) -> tuple[Tensor, Tensor]:
    """Muon, m ← μ m + g, then w ← w − η λ w − η · length · NewtonSchulz(g + μ m).

    Args:
        g: dL/dw, the gradient, of rank 2 or more.
        w: The weights, of the shape of `g`; the matrix is (all axes but the last, last
            axis), which is (fan-in, fan-out) for kernels of dense layers and convolutions.
        m: The momentum, of the shape of `g`; 0 before the first step.
        lr: η, the learning rate, a scalar.
        mu: μ in [0, 1], the share of the momentum that is kept.
        nesterov: Whether g + μ m is made orthogonal, or m itself.
        steps: Integer ≥ 1. The steps of `newton_schulz`.
        coefficients: Its a, b and c, three numbers.
        rms_rate: Length = `rms_rate` · √max(fan-in, fan-out), which makes `rms_rate` about the
            root mean square of the update; `None`: see `by_fans`.
        by_fans: Whether the length is √max(1, fan-out / fan-in) without `rms_rate`, or 1.
        wd: λ ≥ 0, the weight decay.

    Returns:
        The new (w, m).

    Example:
        >>> import numpy as np
        >>> from keras_course_ext.optimizers.rules.muon import muon_rule
        >>> g, w, zero = np.diag([100.0, 2.0]), np.eye(2), np.zeros((2, 2))
        >>> options = {"nesterov": True, "steps": 5, "coefficients": (3.4445, -4.775, 2.0315)}
        >>> lengths = {"rms_rate": None, "by_fans": False, "wd": 0.0}
        >>> w, m = muon_rule(g, w, zero, lr=0.1, mu=0.5, **options, **lengths)
        >>> w.round(2)  # both directions move by about η
        array([[0.93, 0.  ],
               [0.  , 0.93]])
    """
    # Keras rounds μ m + g as m + (g + (μ − 1) m). TensorFlow's graph optimizer reorders that sum
    # of three, so it is written as a difference of two.
    m = m - (m * (1 - mu) - g)
    x = reshape(g + mu * m if nesterov else m, (-1, w.shape[-1]))
    fan_in, fan_out = x.shape
    a, b, c = coefficients
    step = lr * newton_schulz(x, steps=steps, a=a, b=b, c=c)
    if rms_rate is not None:
        step = step * math.sqrt(max(fan_in, fan_out)) * rms_rate
    elif by_fans:
        step = step * math.sqrt(max(1.0, fan_out / fan_in))
    return w - w * wd * lr - reshape(step, w.shape), m


def muon_adamw_rule(
    g, w, m, v, *, lr, lr_ratio, beta_1, beta_2, epsilon, wd, t
) -> tuple[Tensor, Tensor, Tensor]:
    """AdamW for other variables: w ← w − η λ w, then Adam at the rate `lr_ratio` · η.

    Args:
        g: dL/dw, the gradient.
        w: The weights, of the shape of `g`.
        m: The running mean of g.
        v: The running mean of g².
        lr: η, the learning rate, a scalar.
        lr_ratio: Adam's learning rate as a share of η, ≥ 0.
        beta_1: β₁ in [0, 1), the share of m that is kept.
        beta_2: β₂ in [0, 1), the share of v that is kept.
        epsilon: ε ≥ 0, keeps the denominator away from 0.
        wd: λ ≥ 0, the weight decay.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The new (w, m, v).

    Example:
        >>> from keras_course_ext.optimizers.rules.muon import muon_adamw_rule
        >>> constants = {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0, "wd": 0.5}
        >>> muon_adamw_rule(2.0, 1.0, 0.0, 0.0, lr=0.5, lr_ratio=0.5, t=1, **constants)
        (0.5, 1.0, 1.0)
    """
    w = w - w * wd * lr
    return adam_rule(
        g, w, m, v, lr=lr * lr_ratio, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, t=t
    )
