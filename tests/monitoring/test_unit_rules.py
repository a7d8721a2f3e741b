"""Dead and saturated units and update ratios: records with known answers."""

import io

import keras
import numpy as np
import pytest
from rich.console import Console

from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo, diagnose
from keras_course_ext.monitoring.capture.layers import layer_entries
from keras_course_ext.monitoring.diagnosis.finding import states
from keras_course_ext.monitoring.diagnosis.report import gradient_table, print_report

STEPS = 20  # an epoch


def history_of(tensor, statistic, epochs, activation="relu", first=0, start=None, **infos):
    """Return a record of layers a, b and out, `epochs` being rows of a value for each of a and b.

    `start` are the values at the very first step; the gradients are all 1.
    """
    layers = [LayerInfo(name, "Dense", activation, units=8, **infos) for name in "ab"]
    history = GradientHistory([*layers, LayerInfo("out", activation="softmax", units=3)])
    keys = [Key(name, tensor, statistic) for name in ("a", "b")]
    norms = [Key(x.name, t, "grad_norm") for x in history.layers for t in ("kernel", "output")]
    for epoch, row in enumerate(epochs):
        steps = first + STEPS * epoch + np.arange(STEPS)
        history.append(steps, np.full(STEPS, epoch), norms, np.ones((STEPS, 6)))
        if statistic == "dead_units":
            history.append([steps[-1]], [epoch], keys, [row])
        else:
            values = np.tile(np.asarray(row, float), (STEPS, 1))
            if epoch == 0 and start is not None:
                values[0] = start
            history.append(steps, np.full(STEPS, epoch), keys, values)
    return history


OUTPUT, KERNEL = "output", "kernel"
NAN = float("nan")
# name: record, then kind, layer, epoch, step and layers of the finding
CASES = {
    "most units dead": ((OUTPUT, "dead_units", [[7, 0]]), ("dead_units", "a", 0, ("a",))),
    "three quarters dead": ((OUTPUT, "dead_units", [[4, 6]]), None),
    "dead since the second epoch": (
        (OUTPUT, "dead_units", [[0, 4], [7, 7], [7, 8]]),
        ("dead_units", "b", 1, ("a", "b")),
    ),
    "dead for a while": ((OUTPUT, "dead_units", [[8, 8], [1, 0]]), None),
    "all dead: the first": ((OUTPUT, "dead_units", [[8, 8]]), ("dead_units", "a", 0, ("a", "b"))),
    "half of the outputs zero": ((OUTPUT, "zero_share", [[0.5, 0.95]]), None),
    "saturated tanh": (
        (OUTPUT, "saturated_share", [[0.4, 0.6], [0.1, 0.7]], "tanh"),
        ("saturated", "b", 0, ("b",)),
    ),
    "saturated for a while": ((OUTPUT, "saturated_share", [[0.9, 0.9], [0.4, 0.5]], "tanh"), None),
    "saturated since the third": (
        (OUTPUT, "saturated_share", [[0.9, 0], [0.4, 0], [0.6, 0]], "sigmoid"),
        ("saturated", "a", 2, ("a",)),
    ),
    "ReLU at zero": ((OUTPUT, "saturated_share", [[0.9, 0.9]], "relu"), None),
    "ELU at -1": ((OUTPUT, "saturated_share", [[0.9, 0.9]], "elu"), None),
    "saturated, not finite": ((OUTPUT, "saturated_share", [[NAN, NAN]], "tanh"), None),
    "healthy updates": ((KERNEL, "update_ratio", [[1e-3, 1e-2], [1e-4, 1e-3]]), None),
    "large updates": (
        (KERNEL, "update_ratio", [[1e-3, 0.01], [0.2, 0.01]]),
        ("update_too_large", "a", 1, ("a",)),
    ),
    "large at the beginning": ((KERNEL, "update_ratio", [[0.5, 0.5], [0.05, 0.05]]), None),
    "small updates": (
        (KERNEL, "update_ratio", [[1e-9, 2e-9], [1e-9, 5e-10]]),
        ("update_too_small", "b", 0, ("a", "b")),
    ),
    "convergence": ((KERNEL, "update_ratio", [[1e-3, 1e-3], [1e-6, 1e-6], [0, 1e-12]]), None),
    "warm-up": ((KERNEL, "update_ratio", [[1e-8, 1e-8], [1e-4, 1e-4]]), None),
    "one kernel only": ((KERNEL, "update_ratio", [[1e-9, 1e-3]]), None),
    "resumed": ((KERNEL, "update_ratio", [[1e-9, 1e-9]], "relu", 100), None),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_found(name):
    record, expected = CASES[name]
    found = [(f.kind, f.layer, f.epoch, f.layers) for f in diagnose(history_of(*record))]
    assert found == ([expected] if expected else [])


def test_the_step_is_the_first_of_the_epoch():
    for case in ("saturated since the third", "large updates"):
        (finding,) = diagnose(history_of(*CASES[case][0]))
        assert finding.step == STEPS * finding.epoch


def test_accumulated_gradients_leave_most_steps_without_an_update():
    history = history_of(KERNEL, "update_ratio", [[0, 0]] * 2)
    for chunk in history.blocks()[1::2]:
        chunk.values[::8] = 1e-3
    assert diagnose(history) == []
    for chunk in history.blocks()[1::2]:
        chunk.values[::8] = 0.2
    assert [f.kind for f in diagnose(history)] == ["update_too_large"]


def test_no_update_without_a_gradient_is_not_a_small_one():
    history = history_of(KERNEL, "update_ratio", [[0, 0]])
    assert [f.kind for f in diagnose(history)] == ["update_too_small"]
    history.blocks()[0].values[:] = 0.0
    assert [f.kind for f in diagnose(history)] == ["zero_gradient"]


def test_output_layers_are_rightly_saturated():
    history = history_of(OUTPUT, "saturated_share", [[0.0, 0.9]], "sigmoid")
    history.layers = (*history.layers[:2], LayerInfo("out", activation="sigmoid"))
    history.append([STEPS - 1], [0], [Key("out", "output", "saturated_share")], [[1.0]])
    assert [f.layers for f in diagnose(history)] == [("b",)]
    history.append([STEPS - 1], [0], [Key("b", "logits", "grad_norm")], [[1.0]])
    assert diagnose(history) == []  # one of two heads


def test_the_number_of_units_must_be_known():
    history = history_of(OUTPUT, "dead_units", [[7, 7]])
    history.layers = tuple(LayerInfo(x.name, activation="relu") for x in history.layers)
    assert diagnose(history) == []
    again = GradientHistory.from_dict(history_of(OUTPUT, "dead_units", [[7, 7]]).to_dict())
    assert diagnose(again)[0].kind == "dead_units"


ADVICE = {
    "saturated from the first": ((OUTPUT, "saturated_share", [[0.9, 0]], "tanh"), "glorot_uniform"),
    "large": ((KERNEL, "update_ratio", [[0.9, 0.9]]), "Lower the learning rate"),
    "small": ((KERNEL, "update_ratio", [[1e-9, 1e-9]]), "Raise the learning rate"),
    "dead, nothing else known": ((OUTPUT, "dead_units", [[8, 8]]), "leaky_relu"),
}


@pytest.mark.parametrize("name", ADVICE)
def test_the_advice_is_concrete(name):
    record, words = ADVICE[name]
    (finding,) = diagnose(history_of(*record))
    assert words in finding.advice
    assert "from the first step on" in finding.advice or "saturated" not in name
    names = {"saturated": "saturated units", "dead_units": "dead units"}
    names |= {f"update_too_{size}": f"too {size} updates" for size in ("large", "small")}
    assert str(finding).startswith(f"{names[finding.kind]} in 'a'")


@pytest.mark.parametrize(("zeros", "words"), [(1.0, "from the first step on"), (0.5, "threw them")])
def test_dead_from_the_beginning_or_killed_by_a_step(zeros, words):
    history = history_of(OUTPUT, "dead_units", [[8, 0]])
    share = np.full((STEPS, 1), 1.0)
    share[0] = zeros
    history.append(range(STEPS), [0] * STEPS, [Key("a", "output", "zero_share")], share)
    (finding,) = diagnose(history)
    assert words in finding.advice
    assert finding.step == 0


def test_saturated_by_training():
    (finding,) = diagnose(
        history_of(OUTPUT, "saturated_share", [[0.9, 0]], "tanh", start=[0.1, 0.0])
    )
    assert "Training drove it there" in finding.advice


def test_a_layer_has_the_state_of_the_gravest_finding():
    history = history_of(OUTPUT, "dead_units", [[8, 0]])
    history.append(range(STEPS), [0] * STEPS, [Key("a", "kernel", "update_ratio")], [[0.5]] * STEPS)
    history.append(range(STEPS), [0] * STEPS, [Key("b", "kernel", "update_ratio")], [[0.5]] * STEPS)
    findings = diagnose(history)
    kinds = [(f.kind, [s.kind for s in f.symptoms]) for f in findings]
    assert kinds == [("update_too_large", ["dead_units"])]
    assert states(findings) == {"a": "too fast", "b": "too fast"}
    assert states(findings[0].symptoms) == {"a": "dead"}


def test_the_report_has_columns_for_what_was_recorded():
    history = history_of(OUTPUT, "dead_units", [[7, 0]])
    console = Console(file=io.StringIO(), width=80)
    print_report(history, console)
    text = console.file.getvalue()
    (line,) = [line for line in text.splitlines() if line.split()[:1] == ["a"]]
    assert line.split() == ["a", "kernel", "1.00", "1.00", "7", "dead"]
    assert "sat." not in text
    assert "dead units in 'a' (epoch 0): 7 of 8 units" in text
    for statistic, value in (("zero_share", 0.5), ("saturated_share", 0.0)):
        history.append([STEPS - 1], [0], [Key("a", "output", statistic)], [[value]])
    history.append([STEPS - 1], [0], [Key("a", "kernel", "update_ratio")], [[1e-3]])
    console = Console(file=io.StringIO(), width=80)
    console.print(gradient_table(history, wide=True))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    (line,) = [line for line in lines if line.split()[:1] == ["a"]]
    assert line.split()[1:] == [
        "kernel",
        "1.00",
        "1.00",
        "1e-03",
        "0.50",
        "0.00",
        "7",
        "dead",
    ]
    assert len(gradient_table(history).columns) == 4  # two fit beside each other


def test_the_units_of_real_layers():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3),
            keras.layers.Flatten(),
            keras.layers.Dense(5),
        ]
    )
    assert [e.info.units for e in layer_entries(model)] == [4, 144, 5]
    unbuilt = keras.Sequential([keras.layers.Dense(3), keras.layers.ReLU()])
    assert [e.info.units for e in layer_entries(unbuilt)] == [3, None]


def test_an_exploding_run_names_a_layer_and_not_the_whole_model():
    history = history_of(OUTPUT, "zero_share", [[0, 0], [0, 0]])
    norms = history.blocks()[0].values
    norms[STEPS:] = 1e5
    total = np.repeat([[1.0], [2e5]], STEPS, axis=0)
    steps = np.arange(2 * STEPS)
    history.append(steps, steps // STEPS, [Key("", "model", "grad_norm")], total)
    (finding,) = diagnose(history)
    assert (finding.kind, finding.layer) == ("exploding", "a")
