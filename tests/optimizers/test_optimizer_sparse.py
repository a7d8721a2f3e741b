"""Sparse gradients: an Embedding with repeated rows trains like the dense model that it is."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES
from optimizer_cases import ONE_PER_STATE, every

import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers.engine.sparse import summed_rows

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


@pytest.mark.thin("adam", "nesterov", "lamb")
@every([c for c in ONE_PER_STATE if c.cls is not ours.SOAP])  # the rank of these gradients is low
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


@pytest.mark.thin("graph-None")
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


every_mode = pytest.mark.parametrize("mode", MODES)
LAZY = [
    case
    for case in ONE_PER_STATE
    if case.cls.elementwise and case.cls not in (ours.ScheduleFreeAdamW, ours.Prodigy)
]


@pytest.mark.thin("*-adam")
@pytest.mark.parametrize("case", LAZY, ids=[case.name for case in LAZY])
@every_mode
def test_lazy_rows_are_those_of_the_dense_rule_and_the_others_stand_still(case, mode):
    """A lazy table is a dense one that holds only the rows looked up, at every step the same."""
    used = np.array([4, 1, 2])
    words = used[np.random.default_rng(3).integers(0, 3, size=(5, 12))]
    words[:, :3] = used  # every one of them at every step
    table = keras.Variable(TABLE)
    alone = keras.Variable(TABLE[used])
    lazy, dense = case.ours(lazy=True, weight_decay=0.1), case.ours(weight_decay=0.1)
    lazy.build([table])
    dense.build([alone])

    def step(row):
        with tf.GradientTape(persistent=True) as tape:
            loss = tf.reduce_sum(tf.square(tf.gather(table.value, row)))
            place = tf.argmax(tf.equal(row[:, None], used[None]), axis=1)
            loss_alone = tf.reduce_sum(tf.square(tf.gather(alone.value, place)))
        lazy.apply([tape.gradient(loss, table.value)], [table])
        dense.apply([tape.gradient(loss_alone, alone.value)], [alone])

    step = MODES[mode](step)
    for row in words:
        step(tf.constant(row))
    np.testing.assert_allclose(table.numpy()[used], alone, rtol=1e-5, atol=1e-6)
    others = [i for i in range(ROWS) if i not in used]
    np.testing.assert_array_equal(table.numpy()[others], TABLE[others])
    for of_table, of_alone in zip(lazy.variables[2:], dense.variables[2:], strict=True):
        if len(of_table.shape) > 0:
            np.testing.assert_allclose(of_table.numpy()[used], of_alone, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    "common", [{"clipnorm": 0.1}, {"global_clipnorm": 0.1}, {"clipvalue": 0.02}]
)
def test_lazy_gradients_are_clipped_like_dense_ones(common):
    sparse = train(ours.SGD(0.1, lazy=True, **common), tf.gather)
    dense = train(ours.SGD(0.1, **common), one_hot_product)
    np.testing.assert_allclose(sparse, dense, rtol=1e-6, atol=1e-6)


@every_mode
def test_rows_are_summed_without_the_rest_of_the_table(mode):
    gradient = tf.IndexedSlices(
        tf.constant([[1.0], [2.0], [4.0]]), tf.constant([2, 0, 2]), tf.constant([4, 1])
    )

    def sums():
        g = summed_rows(gradient, dense=False)
        return g.values, g.indices

    values, indices = MODES[mode](sums)()
    kept = indices < 4  # under XLA the place left over stands behind the table
    np.testing.assert_array_equal(indices[kept], [0, 2])
    np.testing.assert_array_equal(values[kept], [[2.0], [5.0]])


def test_what_cannot_be_lazy_says_so():
    with pytest.raises(ValueError, match="gradient_accumulation_steps=2"):
        ours.Adam(lazy=True, gradient_accumulation_steps=2)
    with pytest.raises(ValueError, match="averages all rows"):
        ours.ScheduleFreeAdamW(lazy=True)
    with pytest.raises(ValueError, match="`lazy` must be True or False"):
        ours.Adam(lazy="yes")  # pyright: ignore[reportArgumentType]

    class Whole(ours.RuleOptimizer):
        elementwise = False

    with pytest.raises(ValueError, match=r"Write `Whole\(lazy=False\)`"):
        Whole(0.1, lazy=True)
