"""The convolutional layer over two space axes, with explicit gradients."""

import keras

from keras_course_ext.layers._convolution_layer import ConvolutionLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Conv2D(ConvolutionLayer, keras.layers.Conv2D):
    """A drop-in for `keras.layers.Conv2D` whose backward pass is written by hand.

        Z  = X ∗ W + B
        A  = f(Z)
        dZ = dA · f'(Z)
        dX, dW, dB from dZ

    `kce.ops.convolution` computes the first and the last line, the activation function the other
    two.

    Args:
        filters: Number of output channels, an integer of at least 1.
        kernel_size: Height and width of the window, or one integer for both, at least 1.
        strides: Steps from one place of the window to the next, down and to the right, or one
            integer for both, at least 1. Defaults to 1.
        padding: String, "valid" or "same". Defaults to "valid".
        data_format: String, "channels_last" or "channels_first". Defaults to Keras's setting.
        dilation_rate: Steps from one entry of the window to the next, down and to the right, or
            one integer for both, at least 1. Defaults to 1. Not above 1 together with `strides`
            above 1.
        groups: Number of parts that the channels are divided into, each convolved separately.
            Defaults to 1.
        activation: f: a name, a callable or None for the identity; see `kce.activations.get`.
            Defaults to None.
        *args: The further arguments of `keras.layers.Conv2D`, in its order: `use_bias`,
            `kernel_initializer`, `bias_initializer`, ...
        **kwargs: The same by keyword.

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch, places down, places to
    the right, filters)`.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.
        ValueError: If the shape of the inputs does not fit, or an argument is out of range.

    Example:
        >>> import keras
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential(
        ...     [keras.Input((8, 8, 1)), kce.layers.Conv2D(4, 3, strides=2, activation="relu")]
        ... )
        >>> model.output_shape, [w.shape for w in model.get_weights()]
        ((None, 3, 3, 4), [(3, 3, 1, 4), (4,)])

    Differs from Keras:
        Names such as "relu" mean the functions of `kce.activations`. With `groups` above 1 and
        with "channels_first" the layer computes as Keras's own does, with TensorFlow's gradients.
        A batch of zero, where Keras's layer fails in eager mode, has an output of the right
        shape; in a graph without XLA only if the batch size is known.

    Reference: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016,
    sections 2 and 4.
    """
