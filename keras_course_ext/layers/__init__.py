"""Keras layers over the explicit gradients of `keras_course_ext.ops`.

They stand beside Keras's own layers in Sequential and Functional models, take the same arguments,
hold the same weights in the same order, and are saved under the package name `keras_course_ext`.
"""

from keras_course_ext.layers.conv1d import Conv1D
from keras_course_ext.layers.conv2d import Conv2D
from keras_course_ext.layers.dense import Dense
from keras_course_ext.layers.relu import ReLU
from keras_course_ext.layers.sigmoid import Sigmoid
from keras_course_ext.layers.softmax import Softmax
from keras_course_ext.layers.softplus import Softplus
from keras_course_ext.layers.tanh import Tanh

__all__ = ["Conv1D", "Conv2D", "Dense", "ReLU", "Sigmoid", "Softmax", "Softplus", "Tanh"]
