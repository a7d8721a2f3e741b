"""The detector of what is not finite: what it looks at, and the row that it makes of a step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.monitoring.capture.non_finite import NonFinite
from keras_course_ext.monitoring.capture.spec import spec_of
from keras_course_ext.monitoring.record.schema import Key, TensorId
from keras_course_ext.monitoring.record.statistics import names_of
from keras_course_ext.monitoring.record.sums import is_missing
from keras_course_ext.monitoring.transport.collector import Collector

WANTED = [*names_of("weight"), "mean", "std", "zero_share"]
SIGNAL = {name: TensorId(name, "output", "output") for name in ("hidden", "last")}
OUTPUT = {
    "hidden": Key("hidden", "output", "grad_norm"),
    "last": Key("last", "output", "grad_norm"),
}


def network(bias=True):
    layers = [keras.Input((3,)), keras.layers.Dense(4, use_bias=bias, name="hidden")]
    return keras.Sequential([*layers, keras.layers.Dense(2, name="last")])


def decoded(spec, row):
    collector = Collector(spec.layout, [], tf.distribute.get_strategy(), None, False, None)
    keys, values = collector._decode(row[None, None])
    return {k: v for k, v in zip(keys, values[0], strict=True) if not is_missing(v)}


def detected(model, change=lambda tensors: None, scale=None):
    """Return what is known of a step whose tensors are small whole numbers, but for a change."""
    spec = spec_of(model, WANTED, histograms=False)
    weights = list(zip(spec.layout.weights, spec.variables, strict=True))
    tensors = {
        **{("gradient", *k[:2]): np.arange(1.0, 1 + np.prod(w.shape)).reshape(w.shape)
           for k, w in weights},
        **{(kind, name): np.ones((5, 2)) for kind in ("output", "signal") for name in SIGNAL},
    }  # fmt: skip
    change(tensors)
    t = {k: tf.constant(x, tf.float32) for k, x in tensors.items()}
    detector = NonFinite(spec)
    detector.see_weights()
    detector.see_outputs({name: [t["output", name]] for name in SIGNAL})
    pairs = [(t["gradient", *k[:2]], w) for k, w in weights]
    signals = {signal: [t["signal", name]] for name, signal in SIGNAL.items()}
    detector.see_gradients(pairs, signals, scale)
    vector = detector.vector().numpy()
    found = decoded(spec, detector.row_of(vector))
    suspicious = [bool(detector.found()), bool(detector.suspicious(vector[None])[0])]
    assert suspicious == [not np.isfinite(vector).all()] * 2
    return found


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
    spec = spec_of(model, WANTED, histograms=False)
    detectors = []

    @tf.function(jit_compile=request.param, autograph=False)
    def vector(x, factor):
        with tf.GradientTape() as tape:
            hidden = model.layers[0](x)
            last = model.layers[1](hidden)
            loss = tf.reduce_sum(tf.square(last)) * factor
        *gradients, of_hidden, of_last = tape.gradient(
            loss, [*(w.value for w in spec.variables), hidden, last]
        )
        detector = NonFinite(spec)
        detector.see_weights()
        detector.see_outputs({"hidden": [hidden], "last": [last]})
        signals = {SIGNAL["hidden"]: [of_hidden], SIGNAL["last"]: [of_last]}
        detector.see_gradients(list(zip(gradients, spec.variables, strict=True)), signals, None)
        detectors.append(detector)
        return detector.vector()

    def found(factor):
        return broken(
            decoded(spec, detectors[-1].row_of(vector(tf.ones((5, 3, 3)), factor).numpy()))
        )

    vector(tf.ones((5, 3, 3)), 1.0)
    by_itself = [
        spec.layout.signals[p.place].layer for p in detectors[-1]._sums if p.kind == "signal"
    ]
    return by_itself, found


def test_without_an_activation_the_bias_gradient_sums_that_of_the_output(traced):
    by_itself, found = traced
    assert by_itself == ["hidden"]
    signals = {OUTPUT["hidden"], OUTPUT["last"]}
    assert signals <= found(np.float32(np.nan))
    assert not found(np.float32(1.0))


def broken(found):
    return {key for key, value in found.items() if not np.isfinite(value)}


def test_of_a_finite_step_the_small_vectors_are_known():
    found = detected(network())
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
    found = detected(network(), scale=tf.constant(4.0))
    assert found[Key("hidden", "bias", "grad_max_abs")] == pytest.approx(1.0)


# What is not finite, and which statistics show it.
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

    found = detected(network(), change)
    assert broken(found) == FAULTS[place]
    if place[0] == "gradient":
        assert found[Key("hidden", "bias", "grad_non_finite")] == 1


def test_a_kernel_is_looked_at_where_its_layer_has_no_bias():
    def change(tensors):
        tensors["gradient", "hidden", "kernel"][0, 0] = np.nan

    assert broken(detected(network(bias=False), change)) == {Key("hidden", "kernel", "grad_norm")}
    assert not broken(detected(network(), change))
