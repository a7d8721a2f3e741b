"""Lookahead and LayerWise: what they refuse, their rates, files, and factors under `fit`."""

import pathlib
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES
from problems import regression_data, regression_model

import keras_course_ext.optimizers as ours

# Keras reads a variable by `np.array` when it saves, which NumPy 2.4 dislikes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WRAPPERS: dict[str, Any] = {
    "lookahead": ours.Lookahead,
    "layer_wise": lambda inner: ours.LayerWise(inner, {".*": 0.5}),
}
every_wrapper = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
every_mode = pytest.mark.parametrize("mode", MODES)


def test_lookahead_does_not_go_around_another_average():
    with pytest.raises(TypeError, match="Use one of the two"):
        ours.Lookahead(ours.ScheduleFreeAdamW())


WRONG = {
    "no dictionary": (["a"], "must be a dictionary"),
    "empty": ({}, "must be a dictionary"),
    "regex": ({"(": 0.1}, r"'\(' among its keys, which is no regular expression"),
    "no string": ({3: 0.1}, "3 among its keys, which is no regular expression"),
    "unknown": ({"a": {"momentum": 0.1}}, r"factors of \['momentum'\] for 'a'"),
    "negative": ({"a": -1.0}, r"multipliers\['a'\]\['learning_rate'\]"),
    "text": ({"a": {"weight_decay": "no"}}, r"multipliers\['a'\]\['weight_decay'\]"),
}


@pytest.mark.parametrize(("multipliers", "message"), WRONG.values(), ids=WRONG)
def test_wrong_multipliers_are_refused(multipliers, message):
    with pytest.raises(ValueError, match=message):
        ours.LayerWise(ours.Adam(), multipliers)


def test_a_pattern_that_is_found_nowhere_is_refused():
    optimizer = ours.LayerWise(ours.Adam(), {"kernel": 0.1, "encoder/": 0.5})
    with pytest.raises(ValueError, match=r"'encoder/' in the path of no variable. The paths are"):
        optimizer.build(regression_model().trainable_variables)


PATHS = ["dense_1/kernel", "dense_1/bias", "dense_10/kernel", "block/dense_1/kernel", "my_bias"]
MATCHES = {
    "a part": ("dense_1", [0, 1, 3]),
    "a part, slash behind": ("dense_1/", [0, 1, 3]),
    "a part, slash before": ("/dense_1", [3]),
    "parts": ("dense_1/kernel", [0, 3]),
    "the rest of a part": ("dense_1.*", [0, 1, 2, 3]),
    "the end": ("bias", [1]),
    "alternatives": ("bias|my_bias", [1, 4]),
    "alternatives of parts": ("dense_(1|10)/kernel", [0, 2, 3]),
    "from the beginning": ("^dense_1", [0, 1]),
    "to the end": ("kernel$", [0, 2, 3]),
    "across": ("block/.*kernel", [3]),
    "longer than it is greedy": ("dense_10?", [0, 1, 2, 3]),
    "all": (".*", [0, 1, 2, 3, 4]),
}


@pytest.mark.parametrize(("pattern", "found"), MATCHES.values(), ids=MATCHES)
def test_a_pattern_matches_whole_parts_of_a_path(pattern, found):
    class Named:
        def __init__(self, path):
            self.name = self.path = path

    optimizer = ours.LayerWise(ours.SGD(1.0), {pattern: 0.5})
    rates = [row["learning_rate"] for row in optimizer.resolve([Named(p) for p in PATHS])]
    assert [i for i, rate in enumerate(rates) if rate == 0.5] == found


def test_a_pattern_in_a_part_of_a_name_is_refused():
    with pytest.raises(ValueError, match=r"'dense' in the path of no variable.*`\.\*` stands"):
        ours.LayerWise(ours.SGD(), {"dense": 0.5}).build([keras.Variable([1.0], name="dense_1")])


@pytest.mark.parametrize("inner", [ours.AdamW, ours.Lamb, ours.LARS])
def test_factors_multiply_and_resolve_lists_them(inner):
    """Caffe's rule, the bias at twice the rate and without decay, on top of the layer's factor."""
    schedule: Any = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.5, 0.25])
    caffe = {"first": {"learning_rate": 0.1, "weight_decay": 3.0}, "second/kernel": 0.5}
    caffe["bias"] = {"learning_rate": 2.0, "weight_decay": 0.0}
    optimizer = ours.LayerWise(inner(schedule, weight_decay=0.5), caffe)
    optimizer.exclude_from_weight_decay(var_names=["second"])
    model = two_layers(optimizer)
    rates, decays = [0.1, 0.2, 0.5, 2.0], [1.5, 0.0, 0.0, 0.0]

    def check(rate):
        rows = optimizer.resolve(model)
        assert [row["path"] for row in rows] == [w.path for w in model.trainable_variables]
        np.testing.assert_allclose([r["learning_rate"] for r in rows], np.multiply(rates, rate))
        np.testing.assert_allclose([r["weight_decay"] for r in rows], decays)

    check(0.5)
    model.train_on_batch(*regression_data(16))
    check(0.25)
    optimizer = ours.LayerWise(ours.SGD(1.0), caffe)
    before = [np.array(w) for w in model.trainable_variables]
    optimizer.apply(
        [tf.ones(w.shape) for w in model.trainable_variables], model.trainable_variables
    )
    for w, start, rate in zip(model.trainable_variables, before, rates, strict=True):
        np.testing.assert_allclose(w, start - rate, rtol=1e-5, atol=1e-6)


def test_a_trajectory_has_no_paths():
    optimizer = ours.LayerWise(ours.SGD(), {".*": 0.5})
    for wrapped in (optimizer, ours.Lookahead(ours.LayerWise(ours.SGD(), {".*": 0.5}))):
        with pytest.raises(TypeError, match="has no path for the patterns of `L"):
            ours.trajectory(wrapped, lambda w: w, [1.0], 3)


@every_wrapper
def test_the_learning_rate_can_be_set(wrap):
    w, optimizer = keras.Variable([1.0]), wrap(ours.SGD(0.5))
    optimizer.learning_rate = 0.0
    optimizer.apply([tf.ones(1)], [w])
    assert w.numpy() == 1.0
    optimizer.learning_rate = 0.25
    again = type(optimizer).from_config(optimizer.get_config())
    assert float(again.learning_rate) == 0.25


@every_wrapper
def test_reduce_lr_on_plateau(wrap):
    model = regression_model()
    model.compile(wrap(ours.SGD(0.5)), "mse")
    reduce: Any = keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.5, patience=1, min_delta=1e9, cooldown=0
    )
    model.fit(*regression_data(16), epochs=3, verbose=0, callbacks=[reduce])
    assert float(model.optimizer.learning_rate) == 0.125


@every_wrapper
def test_a_schedule_inside(wrap):
    schedule: Any = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.5, 0.0])
    w, optimizer = keras.Variable([1.0]), wrap(ours.SGD(schedule))
    optimizer.apply([tf.ones(1)], [w])
    once = w.numpy()
    assert once < 1.0
    optimizer.apply([tf.ones(1)], [w])
    np.testing.assert_array_equal(w, once)


@pytest.mark.parametrize("inner", [ours.Adam, ours.Lamb])
@every_wrapper
def test_what_the_optimizer_inside_does_not_decay_is_not_decayed(wrap, inner):
    trained = []
    for exclude, decay in ((True, 0.5), (False, None)):
        optimizer = inner(0.1, weight_decay=decay)
        if exclude:
            optimizer.exclude_from_weight_decay(var_names=["w"])
        w = keras.Variable([1.0, 2.0], name="w")
        wrap(optimizer).apply([tf.ones(2)], [w])
        trained.append(w.numpy())
    np.testing.assert_array_equal(*trained)


FACTORS = {
    "first/": {"learning_rate": 0.5, "weight_decay": 0.0},
    "bias": {"weight_decay": 0.5},
    "second/bias": {"weight_decay": 0.5},
}


def two_layers(optimizer: Any, **arguments: Any) -> Any:
    keras.utils.set_random_seed(0)
    model: Any = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5, activation="tanh", name="first"),
            keras.layers.Dense(3, name="second"),
        ]
    )
    model.compile(optimizer, "mse", **arguments)
    return model


INSIDE: dict[str, Any] = {
    "adamw": lambda rate, decay: ours.AdamW(rate, weight_decay=decay),
    "lamb": lambda rate, decay: ours.Lamb(rate, weight_decay=decay),
    "lookahead": lambda rate, decay: ours.Lookahead(ours.Lamb(rate, weight_decay=decay), 2),
}


@pytest.mark.thin("graph-*")
@pytest.mark.parametrize("make", INSIDE.values(), ids=INSIDE)
@every_mode
def test_factors_are_an_optimizer_for_every_group(make, mode):
    x, y = regression_data(80)
    model = two_layers(
        ours.LayerWise(make(0.05, 0.4), FACTORS),
        run_eagerly=mode == "eager",
        jit_compile=mode == "jit",
    )
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    apart = two_layers("sgd")
    w = apart.trainable_variables
    groups = [(make(0.025, 0.0), w[:2]), (make(0.05, 0.4), w[2:3]), (make(0.05, 0.1), w[3:])]
    for begin in range(0, 80, 8):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(apart(x[begin : begin + 8]) - y[begin : begin + 8]))
        grads = iter(tape.gradient(loss, w))
        for optimizer, members in groups:
            optimizer.apply([next(grads) for _ in members], members)
    for together, alone in zip(model.trainable_variables, w, strict=True):
        np.testing.assert_allclose(together, alone, rtol=2e-5, atol=2e-6)


@pytest.mark.thin("graph-*")
@pytest.mark.parametrize("inner", [ours.Adam, ours.Momentum, ours.RMSprop])
@every_mode
def test_large_variables_with_different_factors_in_one_step(inner, mode):
    """In graph mode these go through TensorFlow's kernels, or XLA for RMSprop."""
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=(300, 256)).astype("float32") for _ in range(3)]
    names, factors = ("a", "b", "c"), (0.5, 0.0, 1.0)
    weights = [keras.Variable(x, name=n) for x, n in zip(starts, names, strict=True)]
    grads = [tf.constant(rng.normal(size=x.shape), "float32") for x in starts]
    together = ours.LayerWise(inner(0.1), {"^a$": 0.5, "^b$": 0.0})
    together.build(weights)
    step = MODES[mode](lambda: together.apply(grads, weights))
    alone = [keras.Variable(x) for x in starts]
    singles = [inner(0.1 * factor) for factor in factors]
    for _ in range(3):
        step()
        for optimizer, g, w in zip(singles, grads, alone, strict=True):
            optimizer.apply([g], [w])
    for w, exact in zip(weights, alone, strict=True):
        np.testing.assert_allclose(w, exact, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(weights[1], starts[1])


def test_a_factor_does_not_change_the_share_of_a_schedule_free_step():
    """Half of the rate for all is half of the rate."""
    g = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    trained = []
    for optimizer in (
        ours.LayerWise(ours.ScheduleFreeAdamW(0.2, weight_decay=0.1), {".*": 0.5}),
        ours.ScheduleFreeAdamW(0.1, weight_decay=0.1),
    ):
        w = keras.Variable([1.0, -2.0, 0.5])
        for row in g:
            optimizer.apply([tf.constant(row)], [w])
        y = w.numpy()
        optimizer.finalize_variable_values([w])
        trained.append([y, w.numpy()])
        assert optimizer.holds_average
    np.testing.assert_allclose(*trained, rtol=1e-6)


def test_a_schedule_free_rate_may_begin_at_0():
    schedule: Any = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.0, 0.1])
    w, optimizer = keras.Variable([1.0]), ours.ScheduleFreeAdamW(schedule)
    optimizer.apply([tf.ones(1)], [w])
    np.testing.assert_allclose(w, [1.0], rtol=1e-6)
    optimizer.apply([tf.ones(1)], [w])
    np.testing.assert_allclose(w, [0.9], rtol=2e-6)  # 1 − 0.999ᵗ in float32


FRESH_PROCESS = """
import sys
import keras, numpy as np
import keras_course_ext
from problems import regression_data

model = keras.models.load_model(sys.argv[1])
print([model.optimizer.factors_of(w) for w in model.trainable_variables])
model.train_on_batch(*regression_data(16, seed=1))
np.savez(sys.argv[2], *model.get_weights())
"""


@pytest.mark.slow
def test_factors_are_saved(tmp_path):
    model = two_layers(ours.LayerWise(ours.AdamW(0.05), FACTORS))
    model.train_on_batch(*regression_data(16, seed=0))
    model.save(tmp_path / "model.keras")
    model.train_on_batch(*regression_data(16, seed=1))
    tests = str(pathlib.Path(__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {tests!r})" + FRESH_PROCESS
    files = [str(tmp_path / "model.keras"), str(tmp_path / "fresh.npz")]
    done = subprocess.run(
        [sys.executable, "-c", code, *files], capture_output=True, text=True, check=True
    )
    assert "[(0.5, 0.0), (0.5, 0.0), (1.0, 1.0), (1.0, 0.25)]" in done.stdout
    with np.load(files[1]) as fresh:
        for key, value in zip(fresh.files, model.get_weights(), strict=True):
            np.testing.assert_allclose(fresh[key], value, rtol=1e-6, atol=1e-7)
