"""TensorFlow's own kernels for some of the rules: the same formula, one pass over the memory.

A kernel renews a variable and its slots in place, where the rule as a formula makes a pass and a
temporary of the variable's size for every operation. The formulas stay the reference: a test holds
every kernel to its rule.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import tensorflow as tf

Arguments: TypeAlias = Mapping[str, Any]
"""The scalars of a step and the hyperparameters of a rule, by the names of the rule's arguments."""

Renew: TypeAlias = Callable[[tf.Tensor, Any, Sequence[Any]], Any]
"""Takes g, w and the slots of one variable, and renews w and the slots in place."""

Kernel: TypeAlias = Callable[[Arguments], Renew]
"""Computes once a step what all variables have in common."""


def _gradient_descent(a: Arguments) -> Renew:
    def renew(g: tf.Tensor, w: Any, slots: Sequence[Any]) -> Any:
        return tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=a["lr"], delta=g)

    return renew


def _momentum(a: Arguments, nesterov: bool = False) -> Renew:
    def renew(g: tf.Tensor, w: Any, slots: Sequence[Any]) -> Any:
        return tf.raw_ops.ResourceApplyKerasMomentum(
            var=w.handle,
            accum=slots[0].handle,
            lr=a["lr"],
            grad=g,
            momentum=a["mu"],
            use_nesterov=nesterov,
        )

    return renew


def _adam(a: Arguments) -> Renew:
    dtype = a["lr"].dtype
    beta_1, beta_2, epsilon = a["beta_1"], a["beta_2"], a["epsilon"]
    alpha = a["lr"] * tf.sqrt(1 - beta_2 ** a["t"]) / (1 - beta_1 ** a["t"])
    # The kernel takes 1 − β of the rounded β, which for 0.999 in float32 is 1.3e-5 too large, and
    # so is then v. α and ε make up for it.
    excess_1, excess_2 = (float(1 - dtype.as_numpy_dtype(b)) / (1 - b) for b in (beta_1, beta_2))
    alpha = tf.cast(tf.cast(alpha, tf.float64) * (excess_2**0.5 / excess_1), dtype)
    zero = tf.zeros((), dtype)

    def renew(g: tf.Tensor, w: Any, slots: Sequence[Any]) -> Any:
        return tf.raw_ops.ResourceApplyAdam(
            var=w.handle,
            m=slots[0].handle,
            v=slots[1].handle,
            beta1_power=zero,  # the kernel would make another α of them
            beta2_power=zero,
            lr=alpha,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=epsilon * excess_2**0.5,
            grad=g,
        )

    return renew


# By name, because the engine comes before the files of the rules, and those know nothing of it.
_PACKAGE = __name__.rpartition(".")[0]
KERNELS: Mapping[str, Kernel] = {
    f"{_PACKAGE}.gradient_descent.gradient_descent_rule": _gradient_descent,
    f"{_PACKAGE}.momentum.momentum_rule": _momentum,
    f"{_PACKAGE}.nesterov.nesterov_rule": partial(_momentum, nesterov=True),
    f"{_PACKAGE}.adam.adam_rule": _adam,
}


def kernel_of(rule: Callable[..., Any]) -> Kernel | None:
    """Returns the kernel that computes exactly a rule, or `None`."""
    return KERNELS.get(f"{rule.__module__}.{rule.__qualname__}")
