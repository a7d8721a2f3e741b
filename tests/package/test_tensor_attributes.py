"""Keras still reads its private attributes of tensors, and nothing breaks without them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext as kce
from keras_course_ext._logits import noted_logits, recall_logits, remember_logits
from keras_course_ext._masks import mask_of, put_mask

IDS = np.array([[1, 2, 0], [3, 0, 0]])
SCORES = np.array([[200.0, -200.0]], "float32")
TARGETS = np.array([[0.0, 1.0]], "float32")


def test_keras_notes_logits_and_masks_where_we_read_them():
    z = tf.constant(SCORES)
    for activation in (keras.activations.softmax, keras.activations.sigmoid):
        np.testing.assert_array_equal(noted_logits(activation(z)), z)
    embedded = keras.layers.Embedding(4, 2, mask_zero=True)(IDS)
    np.testing.assert_array_equal(mask_of(embedded), IDS != 0)


def test_keras_reads_the_logits_that_we_note():
    p = remember_logits(tf.constant([[1.0, 0.0]]), tf.constant(SCORES))
    assert float(keras.losses.CategoricalCrossentropy()(TARGETS, p)) == 400.0
    assert recall_logits(p, from_logits=False)[1]


def test_keras_reads_the_mask_that_we_attach():
    errors = put_mask(tf.constant([[1.0], [5.0]]), tf.constant([True, False]))
    assert float(keras.losses.MeanSquaredError()(np.zeros((2, 1)), errors)) == 1.0


class Sealed:
    """A tensor that refuses attributes."""

    __slots__ = ()


def test_tensors_without_attributes():
    sealed = Sealed()
    assert noted_logits(remember_logits(sealed, SCORES)) is None
    assert mask_of(put_mask(sealed, True)) is None


@pytest.mark.parametrize(
    "loss", [kce.losses.CategoricalCrossentropy, kce.losses.BinaryCrossentropy]
)
def test_without_noted_logits_the_loss_is_that_of_the_probabilities(loss):
    p = tf.constant([[0.25, 0.75]])
    assert noted_logits(p) is None
    np.testing.assert_allclose(loss()(TARGETS, p), -np.log(0.75), rtol=1e-6)
