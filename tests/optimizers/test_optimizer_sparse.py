"""Sparse gradients: an Embedding with repeated rows trains like the dense model that it is."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import every_state

import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers.sparse import summed_rows

ROWS, WIDTH, STEPS = 6, 3, 20
WORDS = np.random.default_rng(0).integers(0, ROWS - 1, size=(STEPS, 8, 4))
TARGETS = np.random.default_rng(1).normal(size=(STEPS, 8, WIDTH)).astype("float32")
TABLE: Any = np.random.default_rng(2).normal(size=(ROWS, WIDTH)).astype("float32")
START: Any = keras.initializers.Constant(TABLE)

COMMON = {
    "clipnorm": {"clipnorm": 0.1},
    "global_clipnorm": {"global_clipnorm": 0.1},
    "clipvalue": {"clipvalue": 0.02},
    "weight_decay": {"weight_decay": 0.1},
    "accumulation": {"gradient_accumulation_steps": 2},
    "loss_scale_factor": {"loss_scale_factor": 64.0},
}


def train(optimizer, look_up) -> np.ndarray:
    table = keras.Variable(TABLE)
    for words, target in zip(WORDS, TARGETS, strict=True):
        with tf.GradientTape() as tape:
            out = tf.reduce_mean(look_up(table.value, words), axis=1)
            loss = tf.reduce_mean(tf.square(out - target))
        gradient = tape.gradient(loss, table.value)
        assert isinstance(gradient, tf.IndexedSlices) == (look_up is tf.gather)
        optimizer.apply([gradient], [table])
    return table.numpy()


def one_hot_product(table, words):
    return tf.one_hot(words, ROWS) @ table


@every_state
def test_repeated_rows_train_like_the_dense_model(case):
    assert np.ptp([len(np.unique(words)) for words in WORDS]) < WORDS[0].size
    sparse, dense = train(case.ours(), tf.gather), train(case.ours(), one_hot_product)
    np.testing.assert_allclose(sparse, dense, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("common", COMMON.values(), ids=COMMON)
def test_repeated_rows_with_the_common_arguments(common):
    sparse = train(ours.Adam(0.01, **common), tf.gather)
    dense = train(ours.Adam(0.01, **common), one_hot_product)
    np.testing.assert_allclose(sparse, dense, rtol=1e-6, atol=1e-6)


@keras.saving.register_keras_serializable(package="test_optimizer_sparse")
class OneHotProduct(keras.layers.Layer):
    """What an Embedding is, written as a product."""

    def build(self, input_shape):
        self.embeddings = self.add_weight(shape=(ROWS, WIDTH), initializer=START)

    def call(self, words):
        return tf.one_hot(words, ROWS) @ self.embeddings


@pytest.mark.parametrize(("mode", "steps_accumulated"), [("graph", None), ("jit", 2)])
def test_embedding_under_fit(mode, steps_accumulated):
    trained = []
    for layer in (keras.layers.Embedding(ROWS, WIDTH, START), OneHotProduct()):
        model: Any = keras.Sequential([keras.Input((4,), dtype="int32"), layer])
        model.add(keras.layers.GlobalAveragePooling1D())
        optimizer = ours.Adam(0.01, clipnorm=0.1, gradient_accumulation_steps=steps_accumulated)
        model.compile(optimizer, "mse", jit_compile=mode == "jit")
        model.fit(
            WORDS.reshape(-1, 4).astype("int32"),
            TARGETS.reshape(-1, WIDTH),
            batch_size=8,
            shuffle=False,
            verbose=0,
        )
        trained.append(model.get_weights()[0])
    assert np.max(np.abs(trained[0] - TABLE)) > 0.05
    np.testing.assert_allclose(*trained, rtol=1e-6, atol=1e-6)


def test_rows_are_summed():
    gradient = tf.IndexedSlices(
        tf.constant([[1.0], [2.0], [4.0]]), tf.constant([2, 0, 2]), tf.constant([4, 1])
    )
    np.testing.assert_array_equal(summed_rows(gradient), [[2.0], [0.0], [5.0], [0.0]])
    dense = tf.ones(3)
    assert summed_rows(dense) is dense
    assert summed_rows(None) is None


def test_a_sparse_gradient_without_a_shape_is_refused():
    optimizer, table = ours.SGD(0.1), keras.Variable(TABLE)
    gradient = tf.IndexedSlices(tf.ones((1, WIDTH)), tf.constant([0]))
    with pytest.raises(ValueError, match=r"dense_shape=variable\.shape"):
        optimizer.apply([gradient], [table])
