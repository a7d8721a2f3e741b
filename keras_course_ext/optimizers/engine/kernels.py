"""TensorFlow's own kernels for some of the rules: the same formula, one pass over the memory.

A kernel updates a variable and its slots in place, where the rule as a formula makes a pass and a
temporary of the variable's size for every operation. The formulas are the reference: a test
compares every kernel with its rule.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import tensorflow as tf

from keras_course_ext.optimizers.rules.adam import adam_rule
from keras_course_ext.optimizers.rules.gradient_descent import gradient_descent_rule
from keras_course_ext.optimizers.rules.momentum import momentum_rule
from keras_course_ext.optimizers.rules.nesterov import nesterov_rule

Arguments: TypeAlias = Mapping[str, Any]
"""The scalars of a step and the hyperparameters of a rule, by the names of the rule's arguments."""

Renew: TypeAlias = Callable[[tf.Tensor, Any, Sequence[Any]], Any]
"""Takes g, w and the slots of one variable, and updates w and the slots in place."""

Kernel: TypeAlias = Callable[[Arguments], Renew]
"""Computes the values that all variables of a step share."""


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
    # The kernel computes 1 − β from the rounded β. For 0.999 in float32 that is 1.3e-5 too large,
    # and v with it; α and ε are scaled to compensate.
    excess_1, excess_2 = (float(1 - dtype.as_numpy_dtype(b)) / (1 - b) for b in (beta_1, beta_2))
    alpha = tf.cast(tf.cast(alpha, tf.float64) * (excess_2**0.5 / excess_1), dtype)
    zero = tf.zeros((), dtype)

    def renew(g: tf.Tensor, w: Any, slots: Sequence[Any]) -> Any:
        return tf.raw_ops.ResourceApplyAdam(
            var=w.handle,
            m=slots[0].handle,
            v=slots[1].handle,
            beta1_power=zero,  # α already contains the corrections
            beta2_power=zero,
            lr=alpha,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=epsilon * excess_2**0.5,
            grad=g,
        )

    return renew


KERNELS: Mapping[Callable[..., Any], Kernel] = {
    gradient_descent_rule: _gradient_descent,
    momentum_rule: _momentum,
    nesterov_rule: partial(_momentum, nesterov=True),
    adam_rule: _adam,
}


def kernel_of(rule: Callable[..., Any]) -> Kernel | None:
    """Returns the kernel that computes the same formula as a rule, or `None`."""
    return KERNELS.get(rule)
