"""The rules on task and outcome: each on records with known answers, healthy twins beside them."""

from dataclasses import replace

import numpy as np
import pytest
from task_records import (
    BINARY,
    CLASSES,
    LABELS,
    NUMBERS,
    ONE_HOT,
    PIXELS,
    add,
    output_of,
    record,
)

from keras_course_ext.monitoring import GradientHistory, LayerInfo, diagnose
from keras_course_ext.monitoring.record.task import InputInfo

MSE, BCE = "mean_squared_error", "binary_crossentropy"
CCE, SPARSE = "categorical_crossentropy", "sparse_categorical_crossentropy"
ACCURACY = {"accuracy": 0.1}

# What is wrong whatever the weights are: output, kind (None: nothing), words of the first remedy.
CONTRADICTIONS = {
    "softmax on one unit": (("softmax", BINARY, BCE), "zero_gradient", 'Dense(1, activation="si'),
    "the same, squared error": (("softmax", BINARY, MSE), "zero_gradient", BCE),
    "the same, for numbers": (("softmax", NUMBERS, MSE), "zero_gradient", "Dense(1, activation=N"),
    "the same, for classes": (("softmax", CLASSES, SPARSE), "zero_gradient", "Dense(5"),
    "sigmoid on one unit": (("sigmoid", BINARY, BCE), None, ""),
    "softmax": (("softmax", ONE_HOT, CCE, 5), None, ""),
    "softmax, class numbers": (("softmax", CLASSES, SPARSE, 5), None, ""),
    "sigmoid for numbers": (("sigmoid", 40 * NUMBERS, MSE), "output_range", "activation=None"),
    "sigmoid for numbers up to 1": (("sigmoid", np.clip(NUMBERS, 0, 1), MSE), None, ""),
    "a little above 1": (("sigmoid", BINARY * 1.02, MSE), None, ""),
    "tanh for numbers": (("tanh", 5 * NUMBERS, MSE), "output_range", "activation=None"),
    "tanh for -1 and 1": (("tanh", 2 * BINARY - 1, MSE), None, ""),
    "ReLU for numbers": (("relu", NUMBERS, MSE), "output_range", "activation=None"),
    "ReLU for prices": (("relu", np.abs(NUMBERS), MSE), None, ""),
    "large prices": (("sigmoid", 1e5 + 1e5 * NUMBERS, MSE), "output_range", "Scale the targets"),
    "pixels": (("sigmoid", PIXELS, MSE, 32), "output_range", "y / 255"),
    "scaled pixels": (("sigmoid", PIXELS / 255, BCE, 32), None, ""),
    "softmax for several labels": (("softmax", LABELS, MSE, 4), "output_range", BCE),
    "labels -1 and 1": (("sigmoid", 2 * BINARY - 1, BCE), "output_range", "(y + 1) / 2"),
    "labels 1 and 2": (("sigmoid", BINARY + 1, BCE), "labels", "y = y - 1"),
    "labels from 1": (("softmax", CLASSES + 1, SPARSE, 5), "labels", "y = y - 1"),
    "a class too many": (("softmax", CLASSES, SPARSE, 4), "labels", "Dense(5"),
    "more units than classes": (("softmax", CLASSES, SPARSE, 10), None, ""),
    "a NaN label": (("linear", np.where(NUMBERS > 2, np.nan, NUMBERS), MSE), "labels", "isfinite"),
    "crossentropy of one unit": (("sigmoid", BINARY, CCE), "loss_mismatch", BCE),
    "logits": (("linear", BINARY, BCE), "loss_mismatch", 'activation="sigmoid"'),
    "logits that are declared": (("linear", BINARY, BCE, 1, True), None, ""),
    "logits of classes": (("linear", ONE_HOT, CCE, 5), "loss_mismatch", 'activation="softmax"'),
    "declared logits of classes": (("linear", CLASSES, SPARSE, 5, True), None, ""),
    "tanh as probability": (("tanh", BINARY, BCE), "loss_mismatch", 'activation="sigmoid"'),
    "crossentropy of numbers": (("linear", 9 * NUMBERS, BCE), "loss_mismatch", MSE),
    "several labels under softmax": (("softmax", LABELS, CCE, 4), "loss_mismatch", BCE),
    "fractions as class numbers": (("softmax", NUMBERS, SPARSE, 5), "loss_mismatch", MSE),
    "softmax twice": (
        ("softmax", CLASSES, SPARSE, 5, True, None, ("out", "flatten")),
        "loss_mismatch",
        "without from_logits",
    ),
    "softmax that Keras sees through": (("softmax", CLASSES, SPARSE, 5, True), None, ""),
    "broadcast classes": (("softmax", CLASSES, MSE, 5), "loss_mismatch", SPARSE),
    "broadcast steps": (("linear", NUMBERS, MSE, 1, False, (7, 1)), "loss_mismatch", "return_seq"),
    "cosine of one number": (("linear", NUMBERS, "cosine_similarity"), "loss_mismatch", MSE),
    "unknown loss": (("linear", NUMBERS, "own"), None, ""),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_contradictions_are_known_at_the_first_batch(name):
    output, kind, words = CONTRADICTIONS[name]
    history = record(output_of(*output), losses=[1.0], metrics={})
    history.observations[0] = type(history.observations[0])(outputs=(output_of(*output),))
    found = diagnose(history)
    assert [f.kind for f in found] == ([kind] if kind else []), found
    if kind:
        assert (found[0].layer, found[0].severity) == ("out", "error")
        assert words in found[0].remedies[0].text
        assert found[0].evidence.endswith(".")


GOOD, BAD = (0.3, 0.6, 0.9), (0.0, 0.0, 0.0)
HUGE = (InputInfo(columns=4, largest_scale=2e3, std=1e3, largest=9e3),)
LARGE = (InputInfo(columns=4, largest_scale=80.0, std=80.0, largest=255.0),)
LINEAR = [LayerInfo("hidden", units=8, activation="linear")]
SOFT = [LayerInfo("hidden", units=8, activation="softmax")]
ONES = [LayerInfo("hidden", units=8, activation="tanh", initializer="Ones")]
NORMALIZED = [LayerInfo("norm", "Normalization", None, None, ()), *LINEAR]
RISING = [1.0, 0.9, 3.0, 0.8, 2.5, 0.9, 4.0]
HOUSES = ("linear", 300 + 80 * NUMBERS, MSE)
CELLS = ("linear", NUMBERS, MSE)
# What is a matter of degree: output, the rest of the record, kind.
DEGREES = {
    "nothing learned": (CELLS, {"progress": (0.0,) * 6}, "stalled"),
    "learned": (CELLS, {"progress": GOOD}, None),
    "still falling": (CELLS, {"progress": (-0.9, -0.6, -0.4, -0.2, -0.1, 0.0)}, None),
    "unbalanced": (("sigmoid", BINARY * (np.arange(256) % 16 == 0), BCE), {}, None),
    "too early": (CELLS, {"progress": (0.0,)}, None),
    "no loss known": (("linear", NUMBERS, "own"), {"losses": [1.0] * 6}, None),
    "huge inputs": (CELLS, {"progress": (0.5, 0.6, 0.6), "inputs": HUGE}, "unscaled_input"),
    "large inputs": (CELLS, {"progress": (0.1, 0.2, 0.2), "inputs": LARGE}, "unscaled_input"),
    "large inputs, learned": (CELLS, {"progress": GOOD, "inputs": LARGE}, None),
    "normalized in the network": (
        CELLS,
        {"progress": (0.1, 0.2, 0.2), "inputs": LARGE, "hidden": [*NORMALIZED[:1], *SOFT[:0]]},
        None,
    ),
    "large targets": (HOUSES, {"progress": (-9.0, -8.0, -7.5)}, "unscaled_target"),
    "large targets, learned": (HOUSES, {"progress": GOOD}, None),
    "linear": (CELLS, {"progress": (0.1, 0.2, 0.2), "hidden": LINEAR}, "capacity"),
    "linear, and enough": (CELLS, {"progress": (0.3, 0.9, 0.95), "hidden": LINEAR}, None),
    "hidden softmax": (CELLS, {"progress": (0.1, 0.2, 0.2), "hidden": SOFT}, "capacity"),
    "equal weights": (CELLS, {"progress": (0.1, 0.2, 0.2), "hidden": ONES}, "symmetric"),
    "equal weights that learn": (CELLS, {"progress": GOOD, "hidden": ONES}, None),
    "up and down": (CELLS, {"losses": RISING}, "unstable"),
    "away": (CELLS, {"losses": [2.0, 1.0, 0.9, 5.0, 40.0]}, "unstable"),
    "binary crossentropy of a softmax": (
        ("softmax", ONE_HOT, BCE, 5),
        {"progress": (0.1, 0.2, 0.2)},
        "loss_mismatch",
    ),
    "the same, learned": (("softmax", ONE_HOT, BCE, 5), {"progress": GOOD}, None),
    "squared error, learned": (("softmax", ONE_HOT, MSE, 5), {"progress": GOOD}, None),
    "class numbers as amounts": (
        ("linear", CLASSES, MSE),
        {"progress": GOOD, "metrics": ACCURACY},
        "loss_mismatch",
    ),
    "counts": (("linear", CLASSES, MSE), {"progress": GOOD}, None),
    "hinge of a sigmoid": (("sigmoid", BINARY, "hinge"), {"losses": [1.0] * 3}, "loss_mismatch"),
}


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("name", DEGREES)
def test_matters_of_degree_whatever_the_scale_of_the_loss(name, scale):
    output, rest, kind = DEGREES[name]
    history = record(output_of(*output), **rest)
    if scale != 1.0:
        history = scaled(history, scale)
    assert [f.kind for f in diagnose(history)] == ([kind] if kind else []), diagnose(history)


def scaled(history, factor):
    """Return the record of the same run with the loss multiplied."""
    for i, o in enumerate(history.observations):
        loss = o.logs.index("loss")
        values = [v * factor if j == loss else v for j, v in enumerate(o.values)]
        outputs = tuple(
            replace(x, constant_loss=None if x.constant_loss is None else x.constant_loss * factor)
            for x in o.outputs
        )
        history.observations[i] = replace(o, values=tuple(values), outputs=outputs)
    return history


def moved(history, ratios):
    add(history, "hidden", "kernel", "grad_norm", np.ones(len(ratios)))
    return add(history, "hidden", "kernel", "update_ratio", ratios)


MOVES = {
    "tiny": ((0.0, 0.0, 0.0), [1e-7] * 3, "update_too_small"),
    "tiny in a good run": (GOOD, [1e-7] * 3, None),
    "few steps": ((0.0, 0.01, 0.02), [1e-3] * 3, "update_too_small"),
    "few steps of a good run": (GOOD, [1e-3] * 3, None),
    "too large": ((0.0, 0.0, 0.0), [0.5] * 3, "update_too_large"),
    "large in a good run": (GOOD, [0.5] * 3, None),
    "thrown at first": ((0.0, 0.0, 0.0), [20.0, 0.02, 0.02], "update_too_large"),
}


@pytest.mark.parametrize("name", MOVES)
def test_updates_and_outcome(name):
    progress, ratios, kind = MOVES[name]
    found = diagnose(moved(record(output_of(*CELLS), progress=progress), ratios))
    assert [f.kind for f in found] == ([kind] if kind else [])
    if kind:
        assert dict(found[0].remedies[0].changes).keys() & {"learning_rate", "epochs_factor"}


def test_one_leads_and_its_symptoms_stand_under_it():
    history = record(output_of("sigmoid", 40 * NUMBERS, MSE), progress=BAD, inputs=LARGE)
    (finding,) = diagnose(history)
    assert finding.kind == "output_range"
    assert "unscaled_input" in [s.kind for s in finding.symptoms]
    assert "It explains" in str(finding)
    (finding,) = diagnose(record(output_of(*CELLS), progress=BAD, inputs=LARGE, hidden=LINEAR))
    assert (finding.kind, finding.symptoms[0].kind) == ("unscaled_input", "capacity")


def test_notes_are_given_on_request():
    history = record(output_of(*CELLS), progress=GOOD, hidden=ONES)
    assert diagnose(history) == []
    assert [(f.kind, f.severity) for f in diagnose(history, notes=True)] == [("symmetric", "note")]


def test_constant_labels():
    output = output_of("sigmoid", np.ones(256, int), BCE)
    (finding,) = diagnose(record(output, losses=[0.3, 0.01, 0.001]))
    assert finding.kind == "labels"
    rare = output_of("softmax", np.zeros(300, int), SPARSE, 5)
    assert diagnose(record(rare, losses=[0.3, 0.2, 0.1])) == []  # the other classes are rare


def test_a_saved_record_says_what_the_run_said(tmp_path):
    history = moved(record(output_of(*CELLS), progress=BAD, inputs=LARGE), [1e-3] * 3)
    for ending in ("json", "jsonl"):
        history.save(tmp_path / f"record.{ending}")
        again = GradientHistory.load(tmp_path / f"record.{ending}")
        assert again.observations == history.observations
        assert diagnose(again) == diagnose(history)
    assert history.before(10).observations == history.observations[:1]


def deep(kinds, signals, inputs=None):
    """Return a record of layers with these signals, by name."""
    history = record(output_of(*CELLS), progress=(0.0, 0.0, 0.0), hidden=[])
    names = [*signals]
    sources = inputs or dict(zip(names[1:], ([n] for n in names), strict=False))
    history.layers = tuple(
        LayerInfo(n, kinds.get(n, "Dense"), "sigmoid", inputs=tuple(sources.get(n, ())))
        for n in names
    )
    for name, signal in signals.items():
        add(history, name, "kernel", "grad_norm", [1.0] * 3)
        add(history, name, "output", "grad_norm", [signal] * 3)
    return history


def test_five_sigmoids_at_chance_are_no_healthy_run():
    signals = {f"h{i}": 0.24 ** (5 - i) for i in range(5)} | {"out": 1.0}
    (finding,) = diagnose(deep({}, signals))
    assert (finding.kind, finding.layer) == ("vanishing", "h0")
    good = deep({}, signals)
    for i, observation in enumerate(good.observations):
        good.observations[i] = replace(observation, values=(0.1,))
    assert diagnose(good) == []


def test_a_branch_beside_a_strong_path_is_no_vanishing():
    signals = {"embed": 1.0, "a": 1e-5, "b": 1e-4, "c": 1e-3, "d": 0.01, "out": 1.0}
    inputs = {"a": ["embed"], "b": ["a"], "c": ["b"], "d": ["c"], "out": ["embed", "d"]}
    kinds = [f.kind for f in diagnose(deep({}, signals, inputs))]
    assert "vanishing" not in kinds
    inputs |= {"a": [], "embed": []}  # a branch of its own, from the inputs on
    assert diagnose(deep({}, signals, inputs))[0].layer == "a"


def test_weights_that_no_optimizer_was_given_are_no_finding():
    history = record(output_of(*CELLS))
    add(history, "hidden", "kernel", "weight_norm", [1.0] * 3)
    add(history, "out", "kernel", "grad_norm", [1.0] * 3)
    assert [f.kind for f in diagnose(history)] == ["no_gradient"]
    hidden = LayerInfo("hidden", untrained=("kernel", "bias"))
    history.layers = (hidden, history.layers[1])
    assert diagnose(history) == []


def test_one_of_two_dead_units_in_xor():
    hidden = [LayerInfo("hidden", units=2, activation="relu")]
    history = record(output_of("sigmoid", BINARY, BCE), progress=(0.2, 0.25, 0.25), hidden=hidden)
    add(history, "hidden", "output", "dead_units", [1.0] * 3)
    assert [f.kind for f in diagnose(history)] == ["dead_units"]
    history = record(output_of("sigmoid", BINARY, BCE), hidden=hidden)
    add(history, "hidden", "output", "dead_units", [1.0] * 3)
    assert diagnose(history) == []
