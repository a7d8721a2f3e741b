"""Keras layers that compute by the hand-written gradients of `keras_course_ext.ops`.

They can be mixed with Keras's own layers in Sequential and Functional models, take the same
arguments, have the same weights in the same order, and are saved under the package name
`keras_course_ext`.
"""

from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use

if TENSORFLOW_INSTALLED:
    from keras_course_ext.layers.activation import Activation
    from keras_course_ext.layers.conv1d import Conv1D
    from keras_course_ext.layers.conv2d import Conv2D
    from keras_course_ext.layers.dense import Dense
    from keras_course_ext.layers.elu import ELU
    from keras_course_ext.layers.exponential import Exponential
    from keras_course_ext.layers.gelu import GELU
    from keras_course_ext.layers.hard_sigmoid import HardSigmoid
    from keras_course_ext.layers.leaky_relu import LeakyReLU
    from keras_course_ext.layers.linear import Linear
    from keras_course_ext.layers.log_softmax import LogSoftmax
    from keras_course_ext.layers.perceptron import Perceptron
    from keras_course_ext.layers.relu import ReLU
    from keras_course_ext.layers.selu import SELU
    from keras_course_ext.layers.sigmoid import Sigmoid
    from keras_course_ext.layers.silu import SiLU
    from keras_course_ext.layers.softmax import Softmax
    from keras_course_ext.layers.softplus import Softplus
    from keras_course_ext.layers.softsign import Softsign
    from keras_course_ext.layers.step import Step
    from keras_course_ext.layers.tanh import Tanh
else:
    raise_on_use(__name__)

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Conv1D",
    "Conv2D",
    "Dense",
    "Exponential",
    "HardSigmoid",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Perceptron",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Step",
    "Tanh",
]
