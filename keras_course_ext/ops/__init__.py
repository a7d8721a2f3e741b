"""Pure tensor functions with hand-written gradients.

They take tensors and return tensors, are independent of Keras models, and run in eager mode, in a
graph and under XLA. Gradients, second derivatives, `ForwardAccumulator`, `tf.vectorized_map` and
SavedModel work on them as on TensorFlow's own ops.

Symbols: X or x input, Z or z weighted sum, Y or y output, W weights, B bias, t target, p
probability, E loss per sample; dY is ∂L/∂Y, the gradient that the next layer passes back.
"""

from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use

if TENSORFLOW_INSTALLED:
    from keras_course_ext.ops.activations import (
        elu,
        exponential,
        gelu,
        hard_sigmoid,
        leaky_relu,
        linear,
        log_softmax,
        relu,
        selu,
        sigmoid,
        silu,
        softmax,
        softplus,
        softsign,
        step,
        tanh,
    )
    from keras_course_ext.ops.affine import affine
    from keras_course_ext.ops.convolution import convolution
    from keras_course_ext.ops.losses import (
        binary_crossentropy,
        categorical_crossentropy,
        half_squared_error,
        huber,
        mean_squared_error,
        perceptron_criterion,
        sparse_categorical_crossentropy,
    )
else:
    raise_on_use(__name__)

__all__ = [
    "affine",
    "binary_crossentropy",
    "categorical_crossentropy",
    "convolution",
    "elu",
    "exponential",
    "gelu",
    "half_squared_error",
    "hard_sigmoid",
    "huber",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mean_squared_error",
    "perceptron_criterion",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "sparse_categorical_crossentropy",
    "step",
    "tanh",
]
