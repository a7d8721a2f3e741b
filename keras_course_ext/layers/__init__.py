"""Keras layers over the explicit gradients of `keras_course_ext.ops`.

They stand beside Keras's own layers in Sequential and Functional models, take the same arguments,
hold the same weights in the same order, and are saved under the package name `keras_course_ext`.
"""

from keras_course_ext.layers.dense import Dense
from keras_course_ext.layers.perceptron import Perceptron
from keras_course_ext.layers.relu import ReLU
from keras_course_ext.layers.sigmoid import Sigmoid
from keras_course_ext.layers.softmax import Softmax
from keras_course_ext.layers.softplus import Softplus
from keras_course_ext.layers.tanh import Tanh

__all__ = ["Dense", "Perceptron", "ReLU", "Sigmoid", "Softmax", "Softplus", "Tanh"]
