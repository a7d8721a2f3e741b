"""A part of a record: some layers, tensors, statistics and steps of it."""

from collections.abc import Callable, Iterable, Sequence
from operator import index

import numpy as np

from keras_course_ext.monitoring.history import GradientHistory
from keras_course_ext.monitoring.nearest import nearest

Names = str | Sequence[str]
Steps = slice | range | Sequence[int] | np.ndarray

# What `statistics` calls the histograms.
_HISTOGRAMS = "histogram"


def select(
    history: GradientHistory,
    layers: Names | None = None,
    tensors: Names | None = None,
    statistics: Names | None = None,
    steps: Steps | None = None,
) -> GradientHistory:
    """Return what a record has of some layers, tensors, statistics and steps; see `history.select`.

    Raises:
        ValueError: If a name or a step was not recorded, or the steps are not numbers of steps.
    """
    recorded = history.keys
    of = history.histograms
    of_layers = _checked("layer", layers, [*(k.layer for k in recorded), *(h.layer for h in of)])
    of_tensors = _checked(
        "tensor", tensors, [*(k.tensor for k in recorded), *(h.tensor for h in of)]
    )
    names = [*(k.statistic for k in recorded), *([_HISTOGRAMS] if of else [])]
    of_statistics = _checked("statistic", statistics, names)
    at_steps = _checked_steps(history, steps)

    part = GradientHistory(
        [info for info in history.layers if info.name in of_layers], history.loss_scaled
    )
    for chunk in history.blocks():
        rows = at_steps(chunk.steps)
        columns = [
            i
            for i, key in enumerate(chunk.keys)
            if key.layer in of_layers
            and key.tensor in of_tensors
            and key.statistic in of_statistics
        ]
        part.append(
            chunk.steps[rows],
            chunk.epochs[rows],
            [chunk.keys[i] for i in columns],
            chunk.values[rows][:, columns],
        )
    part.histograms = [
        h
        for h in of
        if h.layer in of_layers
        and h.tensor in of_tensors
        and _HISTOGRAMS in of_statistics
        and at_steps(np.array([h.step]))[0]
    ]
    return part


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


def _checked_steps(
    history: GradientHistory, steps: Steps | None
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that says of each of some steps whether it is wanted."""
    if steps is None:
        return lambda at: np.ones(len(at), bool)
    wanted = _within(history, steps) if isinstance(steps, slice) else _numbers(steps)
    if not isinstance(steps, slice | range):
        recorded = history.steps
        for step in wanted:
            if step not in recorded:
                near = recorded[np.abs(recorded - step).argmin()] if len(recorded) else None
                raise ValueError(
                    f"Step {step} was not recorded. The nearest one is {near}. Write "
                    f"`steps=slice({step}, {step + 100})` for whatever was recorded there."
                )
    return lambda at: np.isin(at, wanted)


def _within(history: GradientHistory, steps: slice) -> np.ndarray:
    bounds = {"start": steps.start, "stop": steps.stop, "step": steps.step}
    try:
        given = {name: index(value) for name, value in bounds.items() if value is not None}
    except TypeError:
        given = {"start": -1}
    if min([*given.values(), 0]) < 0 or given.get("step") == 0:
        raise ValueError(
            "A slice of `steps` is from one number of a step to another, which is not part of it; "
            f"both are at least 0. Received: {steps}. Write `steps=slice(100, 200)`, or "
            "`steps=history.steps[-10:]` for the last ten recorded ones."
        )
    end = int(history.steps.max()) + 1 if len(history.steps) else 0
    return np.arange(end)[slice(*bounds.values())]


def _numbers(steps: range | Sequence[int] | np.ndarray) -> np.ndarray:
    wanted = np.asarray(steps)
    if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iu"):
        raise ValueError(
            "`steps` must be a slice, a range or a sequence of numbers of steps. Received: "
            f"{steps!r}. Write `steps=slice(0, 100)` for the first hundred, or `steps=[0, 10]`."
        )
    return wanted.astype(np.int64)
