"""Nadam: Adam that looks ahead as Nesterov's momentum does."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.base import RuleOptimizer
from keras_course_ext.optimizers.elementwise import Tensor, as_dtype_of, sqrt, square
from keras_course_ext.optimizers.slots import Shared, Slot


def momentum_at(t: Tensor, *, beta_1: float, momentum_decay: float) -> Tensor:
    """The momentum of step t, μₜ = β₁ (1 − 0.5 · 0.96^(ψ t)), which rises from β₁ / 2 to β₁.

    Args:
        t: The number of the step, 1, 2, …, a scalar.
        beta_1: β₁ in [0, 1), the momentum in the end.
        momentum_decay: ψ ≥ 0, how fast it rises.

    Returns:
        μₜ, a scalar.

    Example:
        >>> from keras_course_ext.optimizers.nadam import momentum_at
        >>> [round(momentum_at(t, beta_1=0.9, momentum_decay=1.0), 4) for t in (0, 1, 100)]
        [0.45, 0.468, 0.8924]
    """
    return beta_1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))


def nadam_rule(
    g: Tensor,
    w: Tensor,
    m: Tensor,
    v: Tensor,
    *,
    lr: Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    momentum_decay: float,
    t: Tensor,
    u_product: Tensor,
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
        >>> from keras_course_ext.optimizers.nadam import nadam_rule
        >>> constants = {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0, "momentum_decay": 1.0}
        >>> w, m, v = nadam_rule(2.0, 1.0, 0.0, 0.0, lr=0.5, t=1, u_product=0.26, **constants)
        >>> [round(float(new), 4) for new in (w, m, v)]
        [0.4275, 1.0, 1.0]
    """
    # 1 − β is taken in the precision of the weights, as Keras takes it.
    beta_1, beta_2 = as_dtype_of(beta_1, w), as_dtype_of(beta_2, w)
    mu = momentum_at(t, beta_1=beta_1, momentum_decay=momentum_decay)
    mu_next = momentum_at(t + 1, beta_1=beta_1, momentum_decay=momentum_decay)
    m = m + (g - m) * (1 - beta_1)
    v = v + (square(g) - v) * (1 - beta_2)
    m_hat = mu_next * m / (1 - u_product * mu_next) + (1 - mu) * g / (1 - u_product)
    v_hat = v / (1 - beta_2**t)
    return w - m_hat * lr / (sqrt(v_hat) + epsilon), m, v


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Nadam(RuleOptimizer):
    """Nadam: Adam with Nesterov's look ahead, by a momentum that rises from step to step.

        μₜ = β₁ (1 − 0.5 · 0.96^(ψ t))
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        m̂ = μₜ₊₁ m / (1 − μ₁ μ₂ … μₜ₊₁) + (1 − μₜ) g / (1 − μ₁ μ₂ … μₜ)
        v̂ = v / (1 − β₂ᵗ)
        w ← w − η m̂ / (√v̂ + ε)

    t = 1, 2, … numbers the steps. Where Adam takes the mean gradient so far, m̂ already takes what
    the mean will be made of at the next step.

        convention   ψ, `momentum_decay`   ε      η
        "keras"      1                     1e-7   0.001
        "paper"      0.004                 1e-8   0.002
        "torch"      0.004                 1e-8   0.002

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, about the most that a weight moves in a step. Defaults to 0.001.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-7.
        momentum_decay: Float ≥ 0. ψ, how fast the momentum rises: at 1 it comes to 0.99 β₁ in 96
            steps, at 0.004 in 24,000. Defaults to 1.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> optimizer = kce.optimizers.Nadam(learning_rate=0.1, convention="paper")
        >>> optimizer.apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(4)
        array([0.8944, 2.1056], dtype=float32)

    Differs from Keras:
        None in the update. ψ is fixed to 1 there, 250 times the paper's, so that the momentum has
        risen after some hundred steps.

    Differs from the paper:
        None for `convention="paper"`, whose μₜ is written with 0.96^(t / 250) there; its β₁, called
        μ, is 0.99.

    Differs from torch:
        None for `convention="torch"`, which is `torch.optim.NAdam`; its `weight_decay` is the
        decoupled one there only with `decoupled_weight_decay=True`.

    Reference: Dozat, Incorporating Nesterov Momentum into Adam, ICLR 2016 workshop, and the report
    of the same title, Stanford 2015, Algorithm 8.
    """

    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "epsilon": Number(example=1e-7),
        "momentum_decay": Number(example=0.004),
    }
    shifts = True
    slots = ((Slot("momentum", "_momentums"), Slot("velocity", "_velocities")),)
    shared = (Shared("u_product", "_u_product", start=1.0),)
    conventions: ClassVar = {
        "paper": {"learning_rate": 0.002, "epsilon": 1e-8, "momentum_decay": 0.004},
        "torch": {"learning_rate": 0.002, "epsilon": 1e-8, "momentum_decay": 0.004},
    }

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = Default(1e-7),
        momentum_decay: float = Default(1.0),
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            momentum_decay=momentum_decay,
            **common,
        )

    def shared_values(self, old: Mapping[str, Any], *, lr: Any, t: Any) -> Mapping[str, Any]:
        """Multiplies the running product by μₜ."""
        mu = 1.0 - 0.5 * 0.96 ** (t * self.momentum_decay)
        # (Π β₁) (1 − …), not Π μₜ: rounded as Keras rounds it.
        return {"u_product": old["u_product"] * self.beta_1 * mu}

    @property
    def rule(self) -> partial:
        """`nadam_rule` with β₁, β₂, ε and ψ filled in."""
        return partial(
            nadam_rule,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            momentum_decay=self.momentum_decay,
        )
