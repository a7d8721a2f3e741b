"""Losses over the explicit gradients of `keras_course_ext.ops`, for `model.compile(loss=...)`.

Reduction over the batch, sample weights, masks and scaling under a distribution strategy are
those of `keras.losses.Loss`.
"""

from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use

if TENSORFLOW_INSTALLED:
    from keras_course_ext.losses.binary_crossentropy import BinaryCrossentropy
    from keras_course_ext.losses.categorical_crossentropy import CategoricalCrossentropy
    from keras_course_ext.losses.half_squared_error import HalfSquaredError
    from keras_course_ext.losses.huber import Huber
    from keras_course_ext.losses.lookup import deserialize, get, serialize
    from keras_course_ext.losses.mean_squared_error import MeanSquaredError
    from keras_course_ext.losses.perceptron_criterion import PerceptronCriterion
    from keras_course_ext.losses.sparse_categorical_crossentropy import (
        SparseCategoricalCrossentropy,
    )
else:
    raise_on_use(__name__)

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "HalfSquaredError",
    "Huber",
    "MeanSquaredError",
    "PerceptronCriterion",
    "SparseCategoricalCrossentropy",
    "deserialize",
    "get",
    "serialize",
]
