"""The page of a record, and the short form that a notebook shows."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keras_course_ext import _html
from keras_course_ext._language import checked_language
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import Finding, in_order
from keras_course_ext.monitoring.diagnosis.layer_table import LayerRow, layer_rows
from keras_course_ext.monitoring.diagnosis.report import figure, tested
from keras_course_ext.monitoring.diagnosis.wording import name_of, translated
from keras_course_ext.monitoring.page.activation_chart import activation_chart
from keras_course_ext.monitoring.page.depth_chart import depth_chart
from keras_course_ext.monitoring.page.heat_map import heat_map
from keras_course_ext.monitoring.page.remedies import remedy
from keras_course_ext.monitoring.page.update_chart import update_chart
from keras_course_ext.monitoring.page.versions import versions
from keras_course_ext.monitoring.page.wording import PLAIN, say
from keras_course_ext.monitoring.record.history import GradientHistory

_FOLDER = __package__ or ""
_CHARTS = (heat_map, depth_chart, activation_chart, update_chart)
_MOST_CONCERNED = 12
_NONE = "–"


@dataclass(frozen=True)
class Card:
    """A finding as the page shows it."""

    name: str
    layer: str
    epoch: int
    step: int
    plain: str
    evidence: str
    cause: str
    advice: tuple[str, ...]
    code: str
    symptoms: tuple[str, ...]
    concerned: tuple[str, ...]
    more: int


@dataclass(frozen=True)
class Row:
    """A layer as the page shows it; texts, and the width of the signal's bar in percent."""

    name: str
    kind: str
    norm: str
    signal: str
    bar: float
    others: tuple[str, ...]
    state: str
    fine: bool


def write_page(
    history: GradientHistory,
    path: str | os.PathLike,
    language: str | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> None:
    """Write the page of a record to a file.

    Args:
        history: The record.
        path: The file.
        language: "en" or "ko"; None for that of `set_language`.
        configuration: What the monitor was made with, by name.

    Raises:
        ImportError: If jinja2 is not installed.
    """
    text = page(history, language, configuration)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def page(
    history: GradientHistory,
    language: str | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> str:
    """Return the page of a record, which needs no other file and no network."""
    language = checked_language(language)
    charts = [chart(history, language) for chart in _CHARTS]
    return _html.render(
        _FOLDER,
        "page.html.jinja",
        "A report as a page",
        **_values(history, language),
        charts=[chart for chart in charts if chart is not None],
        configuration={**_facts(history, language), **(configuration or {})},
        versions=versions(),
    )


def summary(history: GradientHistory, language: str | None = None) -> str | None:
    """Return verdict and map of the layers for a notebook; None where jinja2 is not installed."""
    if not _html.has_jinja2():
        return None
    values = _values(history, checked_language(language))
    return _html.render(_FOLDER, "summary.html.jinja", "A summary", **values)


def finding_summary(finding: Finding, language: str | None = None) -> str | None:
    """Return a finding for a notebook; None where jinja2 is not installed."""
    if not _html.has_jinja2():
        return None
    language = checked_language(language)
    card = _card(finding, GradientHistory(), language)
    values = {"say": _speaker(language), "card": card, "language": language}
    return _html.render(_FOLDER, "finding.html.jinja", "A finding", **values)


def summary_of(shown: GradientHistory | Finding) -> str | None:
    """Return the HTML of a record or a finding for a notebook."""
    return finding_summary(shown) if isinstance(shown, Finding) else summary(shown)


def _values(history: GradientHistory, language: str) -> dict[str, Any]:
    findings = diagnose(history)
    rows = layer_rows(history, findings)[::-1]
    shown = [name for name in _OTHERS if any(getattr(row, name) is not None for row in rows)]
    return {
        "language": language,
        "say": _speaker(language),
        "verdict": _verdict(history, findings, language),
        "fine": not findings,
        "cards": [_card(finding, history, language) for finding in findings],
        "tested": tested(history, language),
        "headings": [say(language, _OTHERS[name]) for name in shown],
        "rows": [_row(row, shown, language) for row in rows] if history.keys else [],
        "counts": say(
            language,
            "{layers} layers, {steps} recorded steps",
            layers=len(history.layers),
            steps=len(history.steps),
        ),
    }


_OTHERS = {
    "update_ratio": "update ratio",
    "zero_share": "zeros",
    "saturated_share": "saturated",
    "dead_units": "dead units",
}


def _speaker(language: str) -> Any:
    return lambda english, **figures: say(language, english, **figures)


def _verdict(history: GradientHistory, findings: list[Finding], language: str) -> str:
    if not history.keys:
        return say(language, "Nothing was recorded yet")
    if not findings:
        return say(language, "No problem found")
    if len(findings) == 1:
        return say(language, "1 problem found")
    return say(language, "{count} problems found", count=len(findings))


def _card(finding: Finding, history: GradientHistory, language: str) -> Card:
    evidence = translated(language, finding.evidence)
    name = name_of(finding, language)
    return Card(
        name[:1].upper() + name[1:],
        finding.layer,
        finding.epoch,
        finding.step,
        say(language, PLAIN.get(finding.kind, "")),
        evidence[:1].upper() + evidence[1:],
        translated(language, finding.cause),
        _advice(finding, language),
        remedy(finding, history.layers, language),
        tuple(name_of(symptom, language) for symptom in finding.symptoms),
        finding.layers[:_MOST_CONCERNED],
        max(len(finding.layers) - _MOST_CONCERNED, 0),
    )


def _advice(finding: Finding, language: str) -> tuple[str, ...]:
    """Return what to change: each remedy, or the advice of a rule without remedies."""
    texts = [remedy.text for remedy in finding.remedies]
    if not texts or finding.advice != in_order(texts):
        texts = [finding.advice, *texts[1:]]  # which names the layers, unlike the first remedy
    return tuple(translated(language, text) for text in texts)


def _row(row: LayerRow, shown: list[str], language: str) -> Row:
    info = row.layer
    kind = info.kind if info.activation in (None, "linear") else f"{info.kind} · {info.activation}"
    signal = row.signal if row.signal is not None else 0.0
    return Row(
        info.name,
        kind,
        _text(row.grad_norm),
        _text(row.signal),
        round(100 * min(signal, 1.0), 1) if signal == signal else 0.0,
        tuple(_other(name, getattr(row, name)) for name in shown),
        translated(language, row.state),
        row.state == "ok",
    )


def _text(value: float | None) -> str:
    return _NONE if value is None else figure(value)


def _other(name: str, value: float | None) -> str:
    if value is None or value != value:
        return _text(value)
    if name == "dead_units":
        return f"{value:.0f}"
    return f"{value:.1e}" if name == "update_ratio" else f"{value:.0%}"


def _facts(history: GradientHistory, language: str) -> dict[str, Any]:
    steps = history.steps
    if not len(steps):
        return {}
    epochs = {int(e) for block in history.blocks() for e in block.epochs}
    count = {"count": len(steps), "first": steps[0], "last": steps[-1]}
    yes = "yes" if history.loss_scaled else "no"
    return {
        say(language, "recorded steps"): say(language, "{count}, from {first} to {last}", **count),
        say(language, "epochs"): f"{min(epochs)}–{max(epochs)}",
        say(language, "recorded values"): f"{len(history):,}",
        say(language, "loss scaling"): say(language, yes),
    }
