"""Losses per sample, one per file: E and its hand-derived gradient.

`keras_course_ext.losses` adds reduction over the batch, sample weights and masks.
"""

from keras_course_ext.ops.losses.binary_crossentropy import binary_crossentropy
from keras_course_ext.ops.losses.categorical_crossentropy import categorical_crossentropy
from keras_course_ext.ops.losses.half_squared_error import half_squared_error
from keras_course_ext.ops.losses.huber import huber
from keras_course_ext.ops.losses.mean_squared_error import mean_squared_error
from keras_course_ext.ops.losses.perceptron_criterion import perceptron_criterion
from keras_course_ext.ops.losses.sparse_categorical_crossentropy import (
    sparse_categorical_crossentropy,
)

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "half_squared_error",
    "huber",
    "mean_squared_error",
    "perceptron_criterion",
    "sparse_categorical_crossentropy",
]
