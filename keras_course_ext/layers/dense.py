"""The dense layer with explicit gradients."""

from typing import Any

import keras
import tensorflow as tf

from keras_course_ext import activations, ops


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Dense(keras.layers.Dense):
    """A drop-in for `keras.layers.Dense` whose backward pass is written by hand.

        Z  = X W + B
        A  = f(Z)
        dZ = dA · f'(Z)
        dX = dZ Wᵀ,  dW = Xᵀ dZ,  dB = sum of dZ over the batch

    `kce.ops.affine` computes the first and the last line, the activation function the other two.

    Args:
        units: Number of outputs, an integer of at least 1.
        activation: f: a name, a callable or None for the identity; see `kce.activations.get`.
            Defaults to None.
        *args: The further arguments of `keras.layers.Dense`, in its order: `use_bias`,
            `kernel_initializer`, `bias_initializer`, ...
        **kwargs: The same by keyword.

    Input shape: `(batch, ..., inputs)`, rank 2 or higher. Output shape: `(batch, ..., units)`.

    Raises:
        TypeError: When it is called on complex or ragged tensors.
        ValueError: If the shape of the inputs does not fit, or an argument is out of range.

    Example:
        >>> import keras
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((2,)), kce.layers.Dense(3, activation="relu")])
        >>> [w.shape for w in model.get_weights()]
        [(2, 3), (3,)]

    Differs from Keras:
        Names such as "relu" mean the functions of `kce.activations`. With LoRA enabled, when
        quantized, and for sparse inputs the layer computes as Keras's own does, with TensorFlow's
        gradients.

    Deck: chapter 1, `Dense(64, activation='relu')`; chapter 4, error back-propagation.
    """

    def __init__(self, units: int, activation: Any = None, *args: Any, **kwargs: Any):
        super().__init__(units, activations.get(activation), *args, **kwargs)

    def call(self, inputs, training=None):
        """Compute A = f(X W + B)."""
        if self.lora_enabled or isinstance(inputs, tf.SparseTensor):
            return super().call(inputs, training=training)
        # Converting the variables to tensors casts them to the compute dtype. Integer inputs, which
        # Keras does not cast, are cast to the same; a cast would drop the imaginary part of complex
        # ones, so `affine` refuses these.
        w = tf.convert_to_tensor(self.kernel)
        b = None if self.bias is None else tf.convert_to_tensor(self.bias)
        x = inputs if inputs.dtype.is_complex else tf.cast(inputs, w.dtype)
        z = ops.affine(x, w, b)
        return z if self.activation is None else self.activation(z)

    def quantize(self, mode=None, type_check=True, **kwargs):
        """Quantize as `keras.layers.Dense` does, which refuses subclasses."""
        super().quantize(mode, type_check=type_check and type(self) is not Dense, **kwargs)

    def get_config(self):
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "activation": activations.serialize(self.activation),
        }
