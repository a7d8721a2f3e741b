"""The rows of the tables of a trace, which `table.py` and `html.py` lay out."""

from dataclasses import dataclass

import numpy as np

from keras_course_ext.backprop.formulas import (
    activation_formula,
    da_formula,
    delta_formula,
    loss_formula,
    part_formula,
    weight_formula,
    z_formula,
)
from keras_course_ext.backprop.numbers import array_text, lowered, number_text, raised
from keras_course_ext.backprop.objective import Term
from keras_course_ext.backprop.record import LayerTrace, TraceRecord, WeightTrace


@dataclass(frozen=True)
class Row:
    """One quantity.

    Attributes:
        quantity: Its symbol, `"Z⁽²⁾"`.
        formula: The general formula, without the symbol and the equals sign; or "".
        filled: The formula with its numbers filled in; or "".
        value: The number or the array as text.
        missing: Whether there is no number; then `value` gives the reason.
    """

    quantity: str
    formula: str
    filled: str
    value: str
    missing: bool = False


@dataclass(frozen=True)
class Block:
    """The rows of one layer, or of the loss.

    Attributes:
        title: The heading of the block.
        rows: The rows.
    """

    title: str
    rows: tuple[Row, ...]


def forward_blocks(trace: TraceRecord) -> list[Block]:
    """The forward pass, as in the first table of the deck: Z and A of each layer, W and b, E."""
    blocks = [Block(_title(layer), tuple(_forward(trace, layer))) for layer in trace.layers]
    weights = [
        Row(symbol_of(layer, weight), "", "", array_text(weight.value))
        for layer in trace.layers
        if not is_repeated(layer)
        for weight in layer.weights
    ]
    if weights:
        blocks.append(Block("weights and biases", tuple(weights)))
    return [*blocks, Block("loss", tuple(_loss(trace)))]


def backward_blocks(trace: TraceRecord) -> list[Block]:
    """The backward pass, from the output: ∂L/∂A, δ, ∂L/∂W and ∂L/∂b of each layer."""
    return [
        Block(_title(layer), tuple(_backward(trace, layer))) for layer in reversed(trace.layers)
    ]


def is_repeated(layer: LayerTrace) -> bool:
    """Whether this is a second or later call of a shared layer."""
    return ", call " in layer.name


def symbol_of(layer: LayerTrace, weight: WeightTrace) -> str:
    """W⁽²⁾ and b⁽²⁾ for kernel and bias, the weight's own name for any other."""
    letter = {"kernel": "W", "bias": "b"}.get(weight.name, weight.name)
    return raised(letter, layer.number)


def _title(layer: LayerTrace) -> str:
    role = {"input": "input", "hidden": "hidden", "output": "output"}[layer.role]
    kind = "" if layer.kind == "InputLayer" else f": {layer.kind}"
    if layer.activation is not None and layer.rule != "activation":
        kind += f", {layer.activation}"
    return f"layer {layer.number}, {role} '{layer.name}'{kind}"


def _forward(trace: TraceRecord, layer: LayerTrace) -> list[Row]:
    z, a = raised("Z", layer.number), raised("A", layer.number)
    if layer.role == "input":
        return [
            Row(z, "", "", "no weights, so none", missing=True),
            Row(a, "x", "", array_text(layer.a)),
        ]
    rows = []
    if layer.z is None:
        rows.append(Row(z, "", "", "not exactly one in this layer", missing=True))
    else:
        formula, filled = z_formula(trace, layer)
        rows.append(Row(z, formula, filled, array_text(layer.z)))
    formula, filled = activation_formula(layer)
    return [*rows, Row(a, formula, filled, array_text(layer.a))]


def _loss(trace: TraceRecord) -> list[Row]:
    with_loss = [term for term in trace.problem.objective.terms if term.output in trace.losses]
    several = len(with_loss) > 1
    rows = [row for term in with_loss for row in _term(trace, term, several)]
    weighted = " + ".join(
        ("" if term.weight == 1 else f"{number_text(term.weight)} ") + _of("E", term, several)
        for term in with_loss
    )
    known = sum(term.weight * trace.losses[term.output] for term in with_loss)
    added = trace.loss - known
    if abs(added) > 1e-6 * max(abs(trace.loss), 1e-30):
        rows.append(Row("R", "of regularizers and added losses", "", number_text(added)))
        weighted += " + R"
    return [*rows, Row("L", weighted, "", number_text(trace.loss))]


def _term(trace: TraceRecord, term: Term, several: bool) -> list[Row]:
    index = trace.problem.outputs.index(term.output)
    target, weight = trace.problem.y[index], trace.problem.sample_weight[index]
    prediction, value = _prediction_of(trace, term.output), trace.losses[term.output]
    parts = None if prediction is None else term.by_unit(target, prediction, weight)
    symbol, total = _of("E", term, several), loss_formula(term, prediction, target, value)
    rows = [Row(_of("T", term, several), "", "", array_text(trace.targets[term.output]))]
    if parts is not None:
        units = [lowered(symbol, i + 1) for i in range(len(parts))]
        for i, unit in enumerate(units):
            formula, filled = part_formula(total, i + 1, len(units), prediction, target)
            rows.append(Row(unit, formula, filled, number_text(float(parts[i]))))
        total += " = " + " + ".join(units)
    return [*rows, Row(symbol, total, "", number_text(value))]


def _of(symbol: str, term: Term, several: bool) -> str:
    return f"{symbol}[{term.output}]" if several else symbol


def _backward(trace: TraceRecord, layer: LayerTrace) -> list[Row]:
    a = raised("A", layer.number)
    if layer.da is None:
        why = "the loss starts from Z" if layer.from_logits else "no gradient arrives"
        rows = [Row(f"∂L/∂{a}", "", "", why, missing=True)]
    else:
        formula, filled = da_formula(trace, layer)
        rows = [Row(f"∂L/∂{a}", formula, filled, array_text(layer.da))]
    if layer.role == "input":
        return rows
    if layer.delta is not None:
        formula, filled = delta_formula(trace, layer)
        rows.append(Row(raised("δ", layer.number), formula, filled, array_text(layer.delta)))
    if is_repeated(layer):
        first = layer.name.split(", call ")[0]
        if layer.weights:
            rows.append(Row("∂L/∂W", f"in the rows of '{first}'", "", "", missing=True))
        return rows
    return [*rows, *(_weight_row(trace, layer, weight) for weight in layer.weights)]


def _weight_row(trace: TraceRecord, layer: LayerTrace, weight: WeightTrace) -> Row:
    formula, filled = weight_formula(trace, layer, weight)
    symbol = f"∂L/∂{symbol_of(layer, weight)}"
    if not weight.trainable:
        formula = f"{formula} (frozen)".strip()
    return Row(symbol, formula, filled, array_text(weight.gradient))


def _prediction_of(trace: TraceRecord, output: str) -> np.ndarray | None:
    """The prediction for an output; None if it is computed from several layers."""
    made = [layer for layer in trace.layers if output in layer.outputs]
    return made[0].a if len(made) == 1 else None
