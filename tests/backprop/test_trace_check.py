"""`Trace.check` finds a wrong entry wherever it is, and says where."""

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest

from keras_course_ext import layers
from keras_course_ext.backprop import TraceError, trace

RNG = np.random.default_rng(0)


def network(dtype="float32", last="tanh") -> Any:
    return keras.Sequential(
        [
            keras.Input((3,), dtype=dtype),
            layers.Dense(4, "sigmoid", name="hidden", dtype=dtype, kernel_regularizer="l2"),
            keras.layers.Dense(2, last, name="output", dtype=dtype),
        ]
    )


def traced(dtype="float32", **options):
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    loss = keras.losses.MeanSquaredError(dtype=dtype)
    return trace(network(dtype), x, y, loss, **options)


def off_by(array, relative):
    """The array with one element, the second last, moved by a share of the largest."""
    wrong = np.array(array)
    wrong.flat[-2] += relative * np.abs(wrong).max()
    return wrong


def with_wrong(found, layer, **fields):
    """The trace with other entries in one layer."""
    falsified = tuple(
        dataclasses.replace(la, **fields) if la.name == layer else la for la in found.layers
    )
    return dataclasses.replace(found, layers=falsified)


def with_wrong_weight(found, layer, i, relative):
    weights = list(found[layer].weights)
    gradient = off_by(weights[i].gradient, relative)
    weights[i] = dataclasses.replace(weights[i], gradient=gradient)
    return with_wrong(found, layer, weights=tuple(weights))


SMALLEST = {"float32": 1e-3, "float64": 1e-8}


@pytest.mark.parametrize("dtype", SMALLEST)
def test_every_falsified_entry_is_found(dtype):
    found, relative = traced(dtype), SMALLEST[dtype]
    assert found.check().ok
    cases = [
        (
            layer,
            entry,
            with_wrong(found, layer, **{field: off_by(getattr(found[layer], field), relative)}),
        )
        for layer in ("hidden", "output")
        for field, entry in (("z", "Z"), ("a", "A"), ("da", "∂L/∂A"), ("delta", "δ"))
    ]
    cases += [
        (layer, f"∂L/∂{name}", with_wrong_weight(found, layer, i, relative))
        for layer in ("hidden", "output")
        for i, name in enumerate(("kernel", "bias"))
    ]
    cases += [
        ("input", "∂L/∂A", with_wrong(found, "input", da=off_by(found["input"].da, relative)))
    ]
    cases += [("loss", "in all", dataclasses.replace(found, loss=found.loss * (1 + relative)))]
    losses = {"output": found.losses["output"] * (1 + relative)}
    cases += [("loss", "output", dataclasses.replace(found, losses=losses))]
    for layer, entry, falsified in cases:
        with pytest.raises(TraceError) as error:
            falsified.check()
        text = str(error.value)
        assert text.startswith("The trace is wrong. The worst entry: " + entry), (layer, entry)
        assert f"of '{layer}' is " in text
        assert text.count("WRONG") == 1


def test_the_message_has_the_place_and_both_values():
    found = traced()
    delta = found["output"].delta.copy()
    delta[3, 1] = 7.5
    with pytest.raises(TraceError) as error:
        with_wrong(found, "output", delta=delta).check()
    expected = found["output"].delta[3, 1]
    assert "δ[3, 1] of 'output' is 7.5 in the trace" in str(error.value)
    assert f"{expected:.6g}"[:6] in str(error.value)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("da", None, "missing in the trace"),
        ("delta", np.full((5, 2), np.nan), "nan in the trace"),
        ("a", np.zeros((2, 2)), "A of 'output'"),
    ],
    ids=["missing", "NaN", "another shape"],
)
def test_what_is_no_number_is_wrong_too(field, value, said):
    with pytest.raises(TraceError, match="The trace is wrong") as error:
        with_wrong(traced(), "output", **{field: value}).check()
    assert said in str(error.value)


def test_a_small_gradient_far_from_the_output_is_held_to_its_own_size():
    model = keras.Sequential([keras.Input((3,))])
    for i in range(8):
        model.add(layers.Dense(3, "sigmoid", name=f"layer_{i}"))
    found = trace(model, RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3)), "mse")
    kernel = found["layer_0"].weights[0].gradient
    assert 0 < np.abs(kernel).max() < 1e-5
    assert found.check().ok
    with pytest.raises(TraceError, match="kernel"):
        with_wrong_weight(found, "layer_0", 0, 1e-2).check()


def test_the_report_reads():
    report = traced().check()
    lines = str(report).splitlines()
    assert lines[-1] == "All 178 numbers agree with automatic differentiation."
    assert lines[0].split() == ["layer", "entry", "elements", "largest", "deviation", "allowed"]
    assert sum(line.endswith("ok") for line in lines) == len(report.rows) == 16
    assert report.worst in report.rows
    assert "\x1b" not in str(report)


def test_it_runs_the_model_as_it_was_traced():
    model: Any = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, "tanh"), keras.layers.Dropout(0.5), layers.Dense(2)]
    )
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    model.compile("sgd", "mse")
    found = trace(model, x, y, training=True)
    model.fit(x, y, epochs=3, verbose=0)
    trained = [v.numpy().tobytes() for v in model.variables]
    assert found.check().ok
    assert [v.numpy().tobytes() for v in model.variables] == trained


def test_rtol():
    found = traced("float64")
    assert with_wrong_weight(found, "hidden", 0, 1e-6).check(rtol=1e-5).ok
    with pytest.raises(ValueError, match="`rtol` must be at least 0"):
        found.check(rtol=-1.0)
