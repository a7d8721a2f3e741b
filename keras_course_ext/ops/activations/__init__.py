"""Activation functions, one a file: f, the hand-derived f', and what f' does to a gradient."""

from keras_course_ext.ops.activations.linear import linear
from keras_course_ext.ops.activations.relu import relu
from keras_course_ext.ops.activations.sigmoid import sigmoid
from keras_course_ext.ops.activations.softmax import softmax
from keras_course_ext.ops.activations.softplus import softplus
from keras_course_ext.ops.activations.step import step
from keras_course_ext.ops.activations.tanh import tanh

__all__ = ["linear", "relu", "sigmoid", "softmax", "softplus", "step", "tanh"]
