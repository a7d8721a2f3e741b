"""The report: every layer with weights, what was not recorded, and what was tested."""

import io

import numpy as np
import pytest
from rich.console import Console
from test_names import LONG
from test_plot import history_of

from keras_course_ext.callbacks.epoch_logs import EpochLogs
from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo, diagnose
from keras_course_ext.monitoring.diagnosis.report import gradient_table, print_report


def printed(history, width=80):
    console = Console(file=io.StringIO(), width=width)
    print_report(history, console)
    return console.file.getvalue()


def rows(history):
    lines = printed(history).splitlines()
    (start,) = [i for i, line in enumerate(lines) if line.startswith("──")]
    return {line.split()[0]: line.split()[1:] for line in lines[start + 1 :] if line[:1] == " "}


def test_report_of_a_sick_and_of_a_healthy_run():
    sick = printed(history_of(0.236))
    assert sick.count("starves") == 4
    assert "vanishing gradient in 'h0'" in sick
    assert sick.index("out") < sick.index("h7") < sick.index("h0")
    healthy = printed(history_of(0.5, count=4))
    assert "starves" not in healthy
    # 0.5 a layer, over three hops.
    assert "No rule fired. Weakest signal: 0.12 of the output's, at 'h0'." in healthy
    assert max(map(len, healthy.splitlines())) <= 80


@pytest.mark.parametrize("layers", [(), (LayerInfo("a"),)])
def test_report_of_nothing_claims_nothing(layers):
    text = printed(GradientHistory(layers))
    assert text.startswith("Nothing was recorded yet: pass the monitor to `fit(")
    assert "rule" not in text
    assert "layer" not in text


def of_layers(layers, values, loss_scaled=False, epochs=None):
    """A record of `grad_norm`, by (layer, tensor): one value a step."""
    history = GradientHistory(layers, loss_scaled)
    keys = [Key(*name, "grad_norm") for name in values]
    table = np.array(list(values.values()), np.float32).T
    history.append(range(len(table)), epochs or [0] * len(table), keys, table)
    return history


def test_every_layer_with_weights_has_a_row_with_the_role_of_its_weight():
    layers = [
        LayerInfo("tokens", "Embedding", weights=("table",), roles=("embedding",)),
        LayerInfo("norm", "LayerNormalization", weights=("beta", "gamma")),
        LayerInfo("cell", "GRU", weights=("bias", "recurrent_kernel", "kernel")),
        LayerInfo("drop", "Dropout", weights=()),
        LayerInfo("shift", "Own", weights=("w",), roles=("bias",)),
        LayerInfo("out"),
    ]
    names = [("tokens", "table"), ("norm", "gamma"), ("cell", "kernel"), ("shift", "w")]
    norms = {name: [2.0 + i] for i, name in enumerate(names)}
    signals = {(n, "output"): [s] for n, s in (("tokens", 1.0), ("cell", 3.0), ("out", 4.0))}
    found = rows(of_layers(layers, {**norms, ("out", "kernel"): [7.0], **signals}))
    assert found == {
        "out": ["kernel", "7.00", "1.00", "ok"],
        "shift": ["bias", "5.00", "–", "ok"],
        "cell": ["kernel", "4.00", "0.75", "ok"],
        "norm": ["scale", "3.00", "–", "ok"],
        "tokens": ["embedding", "2.00", "0.25", "ok"],
    }


def without_gradient():
    layers = [LayerInfo("first"), LayerInfo("round", weights=()), LayerInfo("out")]
    history = of_layers(layers, {("out", "kernel"): [1.0] * 4, ("out", "output"): [1.0] * 4})
    keys = [Key(n, w, "weight_norm") for n in ("first", "out") for w in ("kernel", "bias")]
    history.append(range(4), [0] * 4, keys, np.ones((4, 4)))
    history.append(range(4), [0] * 4, [Key("out", "bias", "grad_norm")], np.ones((4, 1)))
    return history


def test_a_layer_without_gradient_is_told():
    history = without_gradient()
    assert rows(history)["first"] == ["kernel", "–", "–", "no", "gradient"]
    (finding,) = diagnose(history)
    assert (finding.kind, finding.layer, finding.layers) == ("no_gradient", "first", ("first",))
    assert (finding.epoch, finding.step) == (0, 0)
    assert "no gradient of 'kernel', 'bias' at any recorded step" in finding.evidence
    assert "stop_gradient" in finding.advice


def test_what_was_not_kept_is_no_finding():
    layers = [LayerInfo("left_out"), LayerInfo("out")]
    history = of_layers(layers, {("out", "kernel"): [1.0], ("out", "output"): [1.0]})
    assert rows(history)["left_out"] == ["kernel", "–", "–", "not", "recorded"]
    assert not diagnose(history)
    assert "The signal was recorded at one layer only, 'out', so that" in printed(history)
    only = without_gradient().select(statistics="weight_norm")
    assert not diagnose(only)
    assert "signal between layers was not recorded" in printed(only)


@pytest.mark.parametrize(("signal", "figure"), [(0.0, "0"), (np.nan, "not finite")])
def test_no_share_of_nothing(signal, figure):
    values = {(n, t): [signal] for n in ("a", "out") for t in ("kernel", "output")}
    text = " ".join(printed(of_layers([LayerInfo("a"), LayerInfo("out")], values, True)).split())
    assert f"No rule fired, but the signal at the output, 'out', is {figure}." in text


def test_medians_are_over_finite_steps_and_the_others_are_counted():
    values = {(n, t): [9, 9, 1, np.inf, 3, np.nan] for n in "ab" for t in ("kernel", "output")}
    layers = [LayerInfo("a"), LayerInfo("b")]
    history = of_layers(layers, values, loss_scaled=True, epochs=[0, 0, 1, 1, 1, 1])
    history.append(
        range(6),
        [0, 0, 1, 1, 1, 1],
        [Key("", "model", "grad_norm")],
        [[x] for x in values["a", "kernel"]],
    )
    assert rows(history)["a"] == ["kernel", "2.00", "1.00", "ok"]
    text = " ".join(printed(history).split())
    assert "At 2 of 4 recorded steps of epoch 1 a gradient was not finite (loss scaling" in text
    assert "Weakest signal: 1.00 of the output's" in text
    assert EpochLogs().end_epoch(history, 1)[0] == {"grad_norm": 2.0}
    assert "not finite" not in printed(history.before(3))


def test_epoch_logs_of_an_epoch_without_a_finite_norm():
    history = GradientHistory()
    history.append([0], [0], [Key("", "model", "grad_norm")], [[np.inf]])
    assert np.isnan(EpochLogs().end_epoch(history, 0)[0]["grad_norm"])


def test_a_report_of_long_names_fits_into_80_columns():
    layers = [*(LayerInfo(n, roles=("embedding",), weights=("w",)) for n in LONG), LayerInfo("out")]
    keys = [Key(n, "w", s) for n in LONG for s in ("weight_norm", "update_ratio")]
    keys += [Key("out", t, "grad_norm") for t in ("kernel", "output")]
    statistics = ("mean", "zero_share", "saturated_share", "dead_units")
    keys += [Key(n, "output", s) for n in LONG for s in statistics]
    history = GradientHistory(layers)
    history.append([0], [0], keys, np.full((1, len(keys)), 1e-30))
    lines = printed(history).splitlines()
    assert max(map(len, lines)) <= 80
    names = [line.split()[0] for line in lines if "embedding" in line]
    assert len(names) == len(set(names)) == len(LONG)
    console = Console(file=io.StringIO(), width=80)
    console.print(gradient_table(history))
    lines = console.file.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 39
    assert len({line.split()[0] for line in lines if "…" in line}) == len(LONG)


def test_markup_and_newlines_in_names_are_text():
    names = ["[red]a[/]", "[/bold]", "b\nc", "\x1b[2J"]
    values = {(n, t): [1.0] for n in names for t in ("kernel", "output")}
    text = printed(of_layers([LayerInfo(n) for n in names], values))
    for shown in ("[red]a[/]", "[/bold]", r"b\nc", r"\x1b[2J"):
        assert f" {shown} " in text
