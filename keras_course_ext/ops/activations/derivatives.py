"""f' of every activation function, by name: as a formula, and on tensors.

The custom gradients of `ops` compute f' · dy in one TensorFlow kernel where there is one
(SigmoidGrad, TanhGrad, ...), and otherwise share the functions below. `backprop` multiplies by f',
and the monitor counts the elements where |f'| is small.
"""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from keras_course_ext.ops.activations.elu import elu
from keras_course_ext.ops.activations.exponential import exponential
from keras_course_ext.ops.activations.gelu import gelu, gelu_slope
from keras_course_ext.ops.activations.hard_sigmoid import hard_sigmoid
from keras_course_ext.ops.activations.leaky_relu import leaky_relu
from keras_course_ext.ops.activations.log_softmax import log_softmax, log_softmax_back
from keras_course_ext.ops.activations.relu import relu
from keras_course_ext.ops.activations.selu import selu
from keras_course_ext.ops.activations.sigmoid import sigmoid
from keras_course_ext.ops.activations.silu import silu, silu_slope
from keras_course_ext.ops.activations.softmax import softmax, softmax_back
from keras_course_ext.ops.activations.softplus import softplus
from keras_course_ext.ops.activations.softsign import softsign
from keras_course_ext.ops.activations.tanh import tanh

Map = Callable[[tf.Tensor], tf.Tensor]
PairMap = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_SELU_PRODUCT = _SELU_SCALE * _SELU_ALPHA
_LEAKY_SLOPE = 0.2


@dataclass(frozen=True)
class Derivative:
    """An activation function f and its derivative f', with A = f(Z).

    Attributes:
        formula: f' in the deck's symbols; for softmax and log_softmax, whose Jacobian is not
            diagonal, the whole of δ = ∂L/∂Z.
        function: f.
        maximum: The largest |f'|, or the largest entry of the Jacobian; inf if there is none.
        slope: f' from (Z, A), of the shape of Z, as numbers or, where f' is 0 or 1, as booleans;
            None for softmax and log_softmax.
        product: δ from (A, ∂L/∂A), where `slope` is None.
        from_output: f' from A alone (of softmax, the diagonal of its Jacobian), or None. On the
            straight half of elu and selu it returns a number ≥ `maximum` in the place of f', and
            for a function that is `piecewise_linear` one that is > 0 exactly where f' ≠ 0: enough
            to find where f' is small, in the fewest operations.
        from_input: f' from Z alone, for functions that have one output for two inputs and whose
            f' can become small; or None.
        piecewise_linear: Whether f consists of straight lines only.
    """

    formula: str
    function: Map
    maximum: float
    slope: PairMap | None = None
    product: PairMap | None = None
    from_output: Map | None = None
    from_input: Map | None = None
    piecewise_linear: bool = False

    def back(self, z: tf.Tensor, a: tf.Tensor, da: tf.Tensor) -> tf.Tensor:
        """Return δ = ∂L/∂Z, from Z, A and ∂L/∂A."""
        if self.slope is not None:
            return da * tf.cast(self.slope(z, a), da.dtype)
        assert self.product is not None
        return self.product(a, da)


def _from_output(formula: str, function: Map, maximum: float, from_output: Map) -> Derivative:
    """A function whose f' is computed from A everywhere."""
    return Derivative(
        formula, function, maximum, lambda z, a: from_output(a), from_output=from_output
    )


def _from_input(formula: str, function: Map, maximum: float, from_input: Map) -> Derivative:
    """A function whose f' is computed from Z, because two inputs have the same output."""
    return Derivative(formula, function, maximum, lambda z, a: from_input(z), from_input=from_input)


DERIVATIVES = {
    "sigmoid": _from_output("A (1 − A)", sigmoid, 1 / 4, lambda a: a * (1 - a)),
    "tanh": _from_output("(1 − A²)", tanh, 1.0, lambda a: 1 - a * a),
    "exponential": Derivative("A", exponential, float("inf"), lambda z, a: a),
    "softsign": Derivative(
        "1 / (1 + |Z|)²",
        softsign,
        1.0,
        lambda z, a: 1 / (1 + tf.abs(z)) ** 2,
        from_output=lambda a: tf.square(1 - tf.abs(a)),
    ),
    "softplus": Derivative(
        "σ(Z)",
        softplus,
        1.0,
        lambda z, a: tf.math.sigmoid(z),
        from_output=lambda a: 1 - tf.exp(-a),
    ),
    "elu": Derivative(
        "(1 if Z > 0, else A + 1)",
        elu,
        1.0,
        lambda z, a: tf.where(z > 0, tf.ones_like(a), a + 1),
        from_output=lambda a: a + 1,
    ),
    "selu": Derivative(
        "(λ if Z > 0, else A + λα)",
        selu,
        _SELU_PRODUCT,
        lambda z, a: tf.where(z > 0, tf.cast(_SELU_SCALE, z.dtype), a + _SELU_PRODUCT),
        from_output=lambda a: a + _SELU_PRODUCT,
    ),
    "silu": _from_input("σ(Z) (1 + Z (1 − σ(Z)))", silu, 1.0998393, silu_slope),
    "gelu": _from_input("(Φ(Z) + Z φ(Z))", gelu, 1.1289042, gelu_slope),
    "relu": Derivative(
        "[Z > 0]",
        relu,
        1.0,
        lambda z, a: z > 0,
        from_output=lambda a: a,
        piecewise_linear=True,
    ),
    "leaky_relu": Derivative(
        f"(1 if Z > 0, else {_LEAKY_SLOPE})",
        lambda z: leaky_relu(z, _LEAKY_SLOPE),
        1.0,
        lambda z, a: tf.where(z > 0, tf.ones_like(z), _LEAKY_SLOPE),
        piecewise_linear=True,
    ),
    "relu6": Derivative(
        "[0 < Z < 6]",
        lambda z: relu(z, max_value=6),
        1.0,
        lambda z, a: (z > 0) & (z < 6),
        from_output=lambda a: a * (6 - a),
        piecewise_linear=True,
    ),
    "hard_sigmoid": Derivative(
        "1/6 [−3 < Z < 3]",
        hard_sigmoid,
        1 / 6,
        lambda z, a: tf.where(tf.abs(z) < 3, tf.ones_like(z) / 6, 0.0),
        from_output=lambda a: a * (1 - a),
        piecewise_linear=True,
    ),
    "hard_tanh": Derivative(
        "[−1 ≤ Z ≤ 1]",
        lambda z: tf.clip_by_value(z, -1, 1),
        1.0,
        lambda z, a: tf.abs(z) <= 1,
        from_output=lambda a: 1 - tf.abs(a),
        piecewise_linear=True,
    ),
    "softmax": Derivative(
        "A (∂L/∂A − Σ ∂L/∂A · A)",
        softmax,
        1 / 4,
        product=softmax_back,
        from_output=lambda a: a * (1 - a),
    ),
    "log_softmax": Derivative(
        "∂L/∂A − softmax(Z) Σ ∂L/∂A", log_softmax, 1.0, product=log_softmax_back
    ),
}
"""From the name of a function, with its default options, to its derivative."""
