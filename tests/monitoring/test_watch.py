"""What is looked at in every step, and what a step that was only watched has in its row."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.monitoring.columns import Columns
from keras_course_ext.monitoring.history import Key
from keras_course_ext.monitoring.inventory import inventory
from keras_course_ext.monitoring.statistics import NOT_MEASURED, WEIGHT_STATISTICS
from keras_course_ext.monitoring.watch import Watch

WANTED = [*WEIGHT_STATISTICS, "mean", "std", "zero_share"]
OUTPUT = {
    "hidden": Key("hidden", "output", "grad_norm"),
    "last": Key("last", "output", "grad_norm"),
}


def network(bias=True):
    layers = [keras.Input((3,)), keras.layers.Dense(4, use_bias=bias, name="hidden")]
    return keras.Sequential([*layers, keras.layers.Dense(2, name="last")])


def watched(model, change=lambda tensors: None, scale=None):
    """Return the decoded row of a step whose tensors are small whole numbers, but for a change."""
    columns = Columns(inventory(model), WANTED)
    keys = [key for key, _ in columns.weights.values()]
    tensors = {
        **{("gradient", *k[:2]): np.arange(1.0, 1 + np.prod(w.shape)).reshape(w.shape)
           for k, w in columns.weights.values()},
        **{(kind, name): np.ones((5, 2)) for kind in ("output", "signal") for name in OUTPUT},
    }  # fmt: skip
    change(tensors)
    t = {k: tf.constant(x, tf.float32) for k, x in tensors.items()}
    watch = Watch(columns, {name: [t["output", name]] for name in OUTPUT})
    pairs = [(t["gradient", *k[:2]], w) for k, w in columns.weights.values()]
    signals = {key: [t["signal", name]] for name, key in OUTPUT.items()}
    watch.see_gradients(pairs, signals, scale)
    row = watch.row_of(watch.vector().numpy())
    columns.saw([*keys, *OUTPUT.values()])
    found, values = columns.decode(row[None, None])
    return {
        key: v for key, v in zip(found, values[0], strict=True) if v != np.float32(NOT_MEASURED)
    }


@pytest.fixture(params=[False, True], ids=["graph", "jit"])
def traced(request):
    """A network's own backward pass: the first layer has an activation, the second has none."""
    model = keras.Sequential(
        [
            keras.Input((3, 3)),
            keras.layers.Dense(4, activation="tanh", name="hidden"),
            keras.layers.Dense(2, name="last"),
        ]
    )
    columns = Columns(inventory(model), WANTED)
    columns.saw([*(key for key, _ in columns.weights.values()), *OUTPUT.values()])
    watches = []

    @tf.function(jit_compile=request.param, autograph=False)
    def vector(x, factor):
        with tf.GradientTape() as tape:
            hidden = model.layers[0](x)
            last = model.layers[1](hidden)
            loss = tf.reduce_sum(tf.square(last)) * factor
        weights = [w for _, w in columns.weights.values()]
        *gradients, of_hidden, of_last = tape.gradient(
            loss, [*(w.value for w in weights), hidden, last]
        )
        watches.append(Watch(columns, {"hidden": [hidden], "last": [last]}))
        signals = {OUTPUT["hidden"]: [of_hidden], OUTPUT["last"]: [of_last]}
        watches[-1].see_gradients(list(zip(gradients, weights, strict=True)), signals, None)
        return watches[-1].vector()

    def found(factor):
        row = watches[-1].row_of(vector(tf.ones((5, 3, 3)), factor).numpy())
        keys, values = columns.decode(row[None, None])
        return broken(dict(zip(keys, values[0], strict=True)))

    vector(tf.ones((5, 3, 3)), 1.0)
    by_itself = [columns.signals[p.column].layer for p in watches[-1]._sums if p.kind == "signal"]
    return by_itself, found


def test_where_no_activation_stands_between_the_bias_tells_of_its_output(traced):
    by_itself, found = traced
    assert by_itself == ["hidden"]
    signals = {OUTPUT["hidden"], OUTPUT["last"]}
    assert signals <= found(np.float32(np.nan))
    assert not found(np.float32(1.0))


def broken(found):
    return {key for key, value in found.items() if not np.isfinite(value)}


def test_of_a_finite_step_the_small_vectors_are_known():
    found = watched(network())
    assert {(k.layer, k.tensor) for k in found} == {("hidden", "bias"), ("last", "bias")}
    g = np.arange(1.0, 5.0)
    expected = {
        "grad_norm": np.sqrt(np.sum(g**2)),
        "grad_mean_abs": 2.5,
        "grad_max_abs": 4.0,
        "grad_zero_share": 0.0,
        "grad_non_finite": 0.0,
        "weight_norm": 0.0,
    }
    assert {k.statistic: v for k, v in found.items() if k.layer == "hidden"} == pytest.approx(
        expected
    )


def test_the_gradients_are_those_of_the_unscaled_loss():
    found = watched(network(), scale=tf.constant(4.0))
    assert found[Key("hidden", "bias", "grad_max_abs")] == pytest.approx(1.0)


# What is not finite, and which statistics tell of it.
FAULTS = {
    ("output", "hidden"): {Key("hidden", "output", s) for s in ("mean", "std", "zero_share")},
    ("signal", "last"): {Key("last", "output", "grad_norm")},
    ("gradient", "hidden", "bias"): {
        Key("hidden", "bias", s) for s in ("grad_norm", "grad_mean_abs", "grad_max_abs")
    },
}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", FAULTS)
def test_one_element_is_enough(place, value):
    def change(tensors):
        tensors[place][..., -1] = value

    found = watched(network(), change)
    assert broken(found) == FAULTS[place]
    if place[0] == "gradient":
        assert found[Key("hidden", "bias", "grad_non_finite")] == 1


def test_a_kernel_is_looked_at_where_its_layer_has_no_bias():
    def change(tensors):
        tensors["gradient", "hidden", "kernel"][0, 0] = np.nan

    assert broken(watched(network(bias=False), change)) == {Key("hidden", "kernel", "grad_norm")}
    assert not broken(watched(network(), change))
