"""A part of a record: some layers, tensors, statistics and steps of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from operator import index

import numpy as np

from keras_course_ext._nearest import nearest
from keras_course_ext.monitoring.record.schema import Block, Content

Names = str | Sequence[str]
Steps = slice | range | Sequence[int] | np.ndarray

# What `statistics` calls the histograms.
_HISTOGRAMS = "histogram"


def select(
    content: Content,
    layers: Names | None = None,
    tensors: Names | None = None,
    statistics: Names | None = None,
    steps: Steps | None = None,
) -> Content:
    """Return the part of a record with these names at these steps; see `history.select`.

    Raises:
        ValueError: If a name or a step was not recorded, or the steps are not numbers of steps.
    """
    recorded = content.keys
    of = content.histograms
    of_layers = _checked("layer", layers, [*(k.layer for k in recorded), *(h.layer for h in of)])
    of_tensors = _checked(
        "tensor", tensors, [*(k.tensor for k in recorded), *(h.tensor for h in of)]
    )
    names = [*(k.statistic for k in recorded), *([_HISTOGRAMS] if of else [])]
    of_statistics = _checked("statistic", statistics, names)
    at_steps = _checked_steps(content, steps)

    def part_of(block: Block) -> Block:
        rows = at_steps(block.steps)
        columns = [
            i
            for i, key in enumerate(block.keys)
            if key.layer in of_layers
            and key.tensor in of_tensors
            and key.statistic in of_statistics
        ]
        keys = tuple(block.keys[i] for i in columns)
        return Block(keys, block.steps[rows], block.epochs[rows], block.values[rows][:, columns])

    histograms = [
        h
        for h in of
        if h.layer in of_layers
        and h.tensor in of_tensors
        and _HISTOGRAMS in of_statistics
        and at_steps(np.array([h.step]))[0]
    ]
    layers_of_part = tuple(info for info in content.layers if info.name in of_layers)
    blocks = list(map(part_of, content.blocks))
    return replace(content, layers=layers_of_part, blocks=blocks, histograms=histograms)


def _checked(what: str, names: Names | None, recorded: Iterable[str]) -> set[str]:
    known = list(dict.fromkeys(recorded))
    if names is None:
        return set(known)
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in known:
            hint = nearest(name, known)
            listed = ", ".join(map(repr, known)) or "nothing yet"
            raise ValueError(f"No {what} {name!r} was recorded.{hint} Recorded {what}s: {listed}.")
    return set(wanted)


def _checked_steps(content: Content, steps: Steps | None) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from steps to whether each of them is wanted."""
    if steps is None:
        return lambda at: np.ones(len(at), bool)
    wanted = _within(content, steps) if isinstance(steps, slice) else _numbers(steps)
    if not isinstance(steps, slice | range):
        recorded = content.steps
        for step in wanted:
            if step not in recorded:
                near = recorded[np.abs(recorded - step).argmin()] if len(recorded) else None
                raise ValueError(
                    f"Step {step} was not recorded. The nearest one is {near}. Write "
                    f"`steps=slice({step}, {step + 100})` for whatever was recorded there."
                )
    return lambda at: np.isin(at, wanted)


def _within(content: Content, steps: slice) -> np.ndarray:
    bounds = {"start": steps.start, "stop": steps.stop, "step": steps.step}
    try:
        given = {name: index(value) for name, value in bounds.items() if value is not None}
    except TypeError:
        given = {"start": -1}
    if min([*given.values(), 0]) < 0 or given.get("step") == 0:
        raise ValueError(
            "A slice of `steps` goes from one step number to another, which is excluded; both "
            f"are at least 0. Received: {steps}. Write `steps=slice(100, 200)`, or "
            "`steps=history.steps[-10:]` for the last ten recorded ones."
        )
    end = int(content.steps.max()) + 1 if len(content.steps) else 0
    return np.arange(end)[slice(*bounds.values())]


def _numbers(steps: range | Sequence[int] | np.ndarray) -> np.ndarray:
    wanted = np.asarray(steps)
    if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iu"):
        raise ValueError(
            "`steps` must be a slice, a range or a sequence of numbers of steps. Received: "
            f"{steps!r}. Write `steps=slice(0, 100)` for the first hundred, or `steps=[0, 10]`."
        )
    return wanted.astype(np.int64)
