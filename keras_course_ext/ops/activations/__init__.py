"""Activation functions, one per file: f, and the hand-derived gradient dx = dy · f'(x)."""

from keras_course_ext.ops.activations.elu import elu
from keras_course_ext.ops.activations.exponential import exponential
from keras_course_ext.ops.activations.gelu import gelu
from keras_course_ext.ops.activations.hard_sigmoid import hard_sigmoid
from keras_course_ext.ops.activations.leaky_relu import leaky_relu
from keras_course_ext.ops.activations.linear import linear
from keras_course_ext.ops.activations.log_softmax import log_softmax
from keras_course_ext.ops.activations.relu import relu
from keras_course_ext.ops.activations.selu import selu
from keras_course_ext.ops.activations.sigmoid import sigmoid
from keras_course_ext.ops.activations.silu import silu
from keras_course_ext.ops.activations.softmax import softmax
from keras_course_ext.ops.activations.softplus import softplus
from keras_course_ext.ops.activations.softsign import softsign
from keras_course_ext.ops.activations.step import step
from keras_course_ext.ops.activations.tanh import tanh

__all__ = [
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "log_softmax",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "step",
    "tanh",
]
