"""What `--json` prints of a record and of its findings."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.diagnosis.layer_table import LayerRow, layer_rows
from keras_course_ext.monitoring.diagnosis.wording import name_of, translated
from keras_course_ext.monitoring.record.history import GradientHistory

_FIGURES = ("grad_norm", "signal", "update_ratio", "zero_share", "saturated_share", "dead_units")


def print_json(document: Any) -> None:
    """Print a document as JSON, which has no NaN and no infinity: these are the texts of them."""
    print(json.dumps(_plain(document), ensure_ascii=False, indent=2, allow_nan=False))


def document_of(
    path: str, history: GradientHistory, findings: Sequence[Finding], language: str
) -> dict[str, Any]:
    """Return what is known of a record: its steps, its layers and its findings."""
    steps = history.steps
    return {
        "record": path,
        "steps": {
            "recorded": len(steps),
            "first": int(steps[0]) if len(steps) else None,
            "last": int(steps[-1]) if len(steps) else None,
        },
        "layers": [_layer(row) for row in layer_rows(history, findings)],
        "findings": findings_of(findings, language),
    }


def findings_of(findings: Sequence[Finding], language: str) -> list[dict[str, Any]]:
    """Return the findings, with evidence and advice in the language."""
    return [
        asdict(finding)
        | {
            "name": name_of(finding, language),
            "evidence": translated(language, finding.evidence),
            "advice": translated(language, finding.advice),
        }
        for finding in findings
    ]


def _layer(row: LayerRow) -> dict[str, Any]:
    info = row.layer
    return {
        "name": info.name,
        "kind": info.kind,
        "activation": info.activation,
        "weight": row.weight.name,
        "role": row.weight.role,
        **{name: getattr(row, name) for name in _FIGURES},
        "state": row.state,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value
