"""What Keras gets wrong, and ours right.

Of every item there are two tests: that Keras is still wrong, which fails as soon as Keras is
mended, and that ours is right. The items are listed in docs/keras_is_wrong.md.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from problems import regression_data, regression_model

import keras_course_ext.optimizers as ours

HERE = pathlib.Path(__file__).parent
NOTE = "docs/keras_is_wrong.md"

# Keras reads a variable by `np.array` when it saves, which NumPy 2.4 dislikes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

KERAS = tuple(map(int, re.findall(r"\d+", keras.__version__)[:3]))

keras_is_wrong = pytest.mark.skipif(
    KERAS < (3, 15, 1), reason="was seen on Keras 3.15.1; older ones were not looked at"
)


def fixed(what: str) -> str:
    return f"Keras {keras.__version__} fixed {what}: remove this test and the note in {NOTE}"


def error_of(call: Callable[[], Any]) -> str:
    """The message of the error that a call ends in; "" if it ends well."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def difference(x: Any, y: Any) -> float:
    return float(np.max(np.abs(np.asarray(x) - np.asarray(y))))


def flat(model: Any) -> np.ndarray:
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


# Repeated rows of an Embedding's gradient.

ROWS = [1, 1, 3, 1]
"""The rows of a table of 4 that were looked up."""

VALUES = np.array([[3.0, 4.0], [1.0, -4.0], [0.5, 0.5], [2.0, 0.5]], "float32")
TABLE: Any = np.ones((4, 2), "float32")


def trained_table(optimizer: Any, sparse: bool, steps: int = 5) -> np.ndarray:
    table = keras.Variable(TABLE)
    one_hot = np.eye(4, dtype="float32")[ROWS]
    for step in range(steps):
        values = VALUES * (-0.6) ** step
        gradient: Any = tf.constant(one_hot.T @ values)
        if sparse:
            gradient = tf.IndexedSlices(tf.constant(values), tf.constant(ROWS), tf.constant([4, 2]))
        optimizer.apply([gradient], [table])
    return table.numpy()


def sparse_error(make: Any) -> float:
    return difference(trained_table(make(), sparse=True), trained_table(make(), sparse=False))


SPARSE = {
    "adam": lambda lib: lib.Adam(0.1),
    "adagrad": lambda lib: lib.Adagrad(0.1),
    "rmsprop": lambda lib: lib.RMSprop(0.1),
    "clipnorm": lambda lib: lib.SGD(0.1, clipnorm=2.0),
    "global_clipnorm": lambda lib: lib.SGD(0.1, global_clipnorm=2.0),
    "clipvalue": lambda lib: lib.SGD(0.1, clipvalue=2.0),
}
every_sparse = pytest.mark.parametrize("make", SPARSE.values(), ids=SPARSE)


@keras_is_wrong
@every_sparse
def test_keras_does_not_sum_repeated_rows(make):
    assert sparse_error(lambda: make(keras.optimizers)) > 0.01, fixed("repeated rows")


@every_sparse
def test_ours_sums_repeated_rows(make):
    assert sparse_error(lambda: make(ours)) < 1e-6


@keras_is_wrong
def test_keras_cannot_unscale_a_sparse_gradient():
    optimizer = keras.optimizers.SGD(0.1, loss_scale_factor=8.0)
    error = error_of(lambda: trained_table(optimizer, sparse=True))
    assert "TypeError" in error, fixed("loss_scale_factor with an Embedding")
    assert "IndexedSlices" in error


def test_ours_unscales_a_sparse_gradient():
    scaled = trained_table(ours.SGD(0.1 * 8.0, loss_scale_factor=8.0), sparse=True)
    np.testing.assert_allclose(scaled, trained_table(ours.SGD(0.1), sparse=False), rtol=1e-6)


# Accumulation of gradients with a moving average of the weights.


def accumulation_error(make: Any, **common: Any) -> float:
    """Between 4 micro-batches of 4 and a batch of 16."""
    x, y = regression_data(320)
    trained = []
    for batch, steps in ((4, 4), (16, None)):
        model = regression_model()
        model.compile(make(0.1, gradient_accumulation_steps=steps, **common), "mse")
        model.fit(x, y, batch_size=batch, shuffle=False, verbose=0)
        trained.append(flat(model))
    return difference(*trained)


EMA = {"use_ema": True, "ema_momentum": 0.9}


@keras_is_wrong
def test_keras_averages_the_weights_of_every_micro_batch():
    assert accumulation_error(keras.optimizers.SGD) < 1e-6
    error = accumulation_error(keras.optimizers.SGD, **EMA)
    assert error > 1e-3, fixed("use_ema with accumulation")


@pytest.mark.parametrize("common", [EMA, EMA | {"ema_overwrite_frequency": 2}])
def test_ours_averages_the_weights_of_every_update(common):
    assert accumulation_error(ours.SGD) < 1e-6
    assert accumulation_error(ours.SGD, **common) < 1e-6


def average_under_a_constraint(make: Any) -> np.ndarray:
    """The average of a weight that every step would carry below 0, where it may not be."""
    w = keras.Variable([0.1, 1.0])
    w.constraint = keras.constraints.NonNeg()
    optimizer = make(0.5, use_ema=True, ema_momentum=0.5)
    for _ in range(3):
        optimizer.apply([tf.constant([1.0, 0.0])], [w])
    optimizer.finalize_variable_values([w])
    return w.numpy()


@keras_is_wrong
def test_keras_averages_weights_that_the_model_never_had():
    average = average_under_a_constraint(keras.optimizers.SGD)
    assert average[0] < -0.1, fixed("use_ema with a constraint")


def test_ours_averages_the_weights_after_their_constraint():
    np.testing.assert_array_equal(average_under_a_constraint(ours.SGD), [0.0, 1.0])


# Two replicas.


@pytest.fixture(scope="module")
def two_replicas(tmp_path_factory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("mirrored") / "results.json"
    folders = [str(HERE), str(HERE.parent), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
    command = [sys.executable, str(HERE / "keras_is_wrong_run.py"), str(path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(path.read_text())


@pytest.mark.slow
@keras_is_wrong
def test_keras_cannot_accumulate_on_two_replicas(two_replicas):
    assert isinstance(two_replicas["accumulation/keras/one"], list)
    error = two_replicas["accumulation/keras/two"]
    assert isinstance(error, str), fixed("accumulation under MirroredStrategy")
    assert error.startswith("RuntimeError")
    assert "merge_call" in error


@pytest.mark.slow
def test_ours_accumulates_on_two_replicas(two_replicas):
    one, two = (two_replicas[f"accumulation/ours/{n}"] for n in ("one", "two"))
    np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@keras_is_wrong
def test_keras_clips_before_it_sums_the_replicas(two_replicas):
    one, two = (two_replicas[f"clipping/keras/{n}"] for n in ("one", "two"))
    assert difference(one, two) > 0.01, fixed("clipping under MirroredStrategy")


@pytest.mark.slow
def test_ours_clips_the_sum_of_the_replicas(two_replicas):
    one, two = (two_replicas[f"clipping/ours/{n}"] for n in ("one", "two"))
    np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@keras_is_wrong
def test_schedule_free_of_keras_goes_elsewhere_on_two_replicas(two_replicas):
    one, two = (two_replicas[f"schedule_free/keras/{n}"] for n in ("one", "two"))
    error = difference(one, two)
    assert error > 0.01, fixed("ScheduleFreeAdamW under MirroredStrategy")


@pytest.mark.slow
def test_ours_schedule_free_on_two_replicas(two_replicas):
    one, two = (two_replicas[f"schedule_free/ours/{n}"] for n in ("one", "two"))
    np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-5)


# Schedule-free training.


def schedule_free_path(cls: Any, beta_1: float) -> np.ndarray:
    w, path = keras.Variable([1.0, -2.0]), []
    optimizer = cls(0.1, beta_1=beta_1)
    for g in ([1.0, -0.5], [0.5, 0.5], [-2.0, 1.0], [1.0, 1.0]):
        optimizer.apply([tf.constant(g)], [w])
        path.append(w.numpy())
    return np.array(path)


@keras_is_wrong
def test_schedule_free_of_keras_ignores_beta_1():
    paths = [schedule_free_path(keras.optimizers.ScheduleFreeAdamW, b) for b in (0.1, 0.9)]
    assert difference(*paths) < 1e-5, fixed("beta_1 of ScheduleFreeAdamW on TensorFlow")


def test_ours_schedule_free_heeds_beta_1():
    """y = (1 − β₁) z + β₁ x, where x is the running mean of z: two β₁ give z and x."""
    y_1, y_9 = (schedule_free_path(ours.ScheduleFreeAdamW, b) for b in (0.1, 0.9))
    slope = (y_9 - y_1) / 0.8
    z, x = y_1 - 0.1 * slope, y_1 + 0.9 * slope
    np.testing.assert_allclose(x, np.cumsum(z, axis=0) / np.arange(1, 5)[:, None], atol=1e-5)
    assert difference(y_1, y_9) > 0.01


# Weight decay.


def exclude_after_build(optimizer: Any) -> None:
    w = keras.Variable([1.0])
    optimizer.build([w])
    optimizer.exclude_from_weight_decay(var_list=[w])


@keras_is_wrong
def test_keras_takes_an_exclusion_after_build():
    """Its own check asks for an attribute `_built`, which no optimizer has."""
    optimizer = keras.optimizers.Adam(0.1, weight_decay=0.5)
    error = error_of(lambda: exclude_after_build(optimizer))
    assert error == "", fixed("exclude_from_weight_decay after build")


def test_ours_refuses_an_exclusion_after_build():
    with pytest.raises(ValueError, match="built"):
        exclude_after_build(ours.Adam(0.1, weight_decay=0.5))


# Names.


@keras_is_wrong
def test_keras_does_not_find_its_lamb():
    assert keras.optimizers.Lamb
    error = error_of(lambda: keras.optimizers.get("lamb"))
    assert "lamb" in error, fixed('keras.optimizers.get("lamb")')


def test_ours_finds_its_lamb():
    assert type(ours.get("lamb")).__name__ == "Lamb"


# Half precision.


def adamax_step(cls: Any) -> np.ndarray:
    w = keras.Variable([1.0, -2.0], dtype="float16")
    cls(0.1).apply([tf.constant([0.0, 0.5], "float16")], [w])
    return w.numpy().astype("float32")


@keras_is_wrong
def test_adamax_of_keras_divides_0_by_0_in_float16():
    assert np.isnan(adamax_step(keras.optimizers.Adamax)[0]), fixed("Adamax in float16")


def test_ours_adamax_in_float16():
    np.testing.assert_allclose(adamax_step(ours.Adamax), [1.0, -2.1], rtol=1e-3)


# Files.


def hand_over_state(source: Any, target: Any, folder: pathlib.Path) -> None:
    """Saves the state of an optimizer and loads it into another, for a model of one variable."""
    path = folder / "source.weights.h5"
    for optimizer in (source, target):
        model: Any = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, use_bias=False)])
        model.compile(optimizer, "mse", run_eagerly=True)
        optimizer.build(model.trainable_variables)
        if optimizer is source:
            model.train_on_batch(*regression_data(8))
            model.save_weights(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                model.load_weights(path)


@keras_is_wrong
def test_keras_takes_the_state_of_another_optimizer(tmp_path):
    """RMSprop reads Adam's mean of g as its mean of g²: negative numbers, under a root."""
    adam, rmsprop = keras.optimizers.Adam(), keras.optimizers.RMSprop(momentum=0.9)
    error = error_of(lambda: hand_over_state(adam, rmsprop, tmp_path))
    assert error == "", fixed("loading the state of another optimizer")
    assert np.min(rmsprop._velocities[0]) < 0


def test_ours_refuses_the_state_of_another_optimizer(tmp_path):
    with pytest.raises(ValueError, match=r"(?i)adam|momentum|velocity"):
        hand_over_state(ours.Adam(), ours.RMSprop(momentum=0.9), tmp_path)


@pytest.mark.parametrize("cls", [ours.Adam, ours.RMSprop])
def test_ours_takes_its_own_state(cls, tmp_path):
    hand_over_state(cls(), cls(), tmp_path)
