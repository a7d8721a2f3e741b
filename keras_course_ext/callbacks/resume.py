"""The record of an interrupted run, which the run that resumes it continues."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import MODEL, Key


def checked_resume(resume: Any) -> Any:
    """Return `resume`, or refuse it unless it is None, a path or a history.

    Raises:
        ValueError: If it is anything else.
    """
    if isinstance(resume, GradientHistory) or resume is None:
        return resume
    if isinstance(resume, str | os.PathLike) and Path(resume).suffix in (".json", ".jsonl"):
        return os.fspath(resume)
    raise ValueError(
        "`resume` must be a path that ends in .json or .jsonl, a GradientHistory, or None. "
        f'Received: resume={resume!r}. Write for example `resume="record.jsonl"`.'
    )


def earlier(resume: Any, made: int, layers: Iterable[str]) -> tuple[int, GradientHistory]:
    """Return the number of a run's first step, and what was recorded before.

    Args:
        resume: What `checked_resume` returned.
        made: Number of steps that the optimizer has made. At 0 nothing came before,
            whatever `resume` holds.
        layers: Names of the model's layers; none if it is not built yet.

    Returns:
        The number, which counts those that loss scaling skipped too, and a `GradientHistory`.

    Raises:
        FileNotFoundError: If there is something to be continued, but not the file.
        ValueError: If the file is not a record, or one of another model.
    """
    if resume is None or not made:
        return made, GradientHistory()
    if isinstance(resume, GradientHistory):
        found, name = resume, "the given GradientHistory"
    elif Path(resume).exists():
        found, name = GradientHistory.load(resume), f"'{resume}'"
    else:
        raise FileNotFoundError(
            f"GradientMonitor cannot resume from '{resume}', which does not exist, although the "
            f"optimizer has made {made} steps. Give the file that the interrupted run wrote, "
            "for example by `sinks=[...]`, or write `resume=None` to begin a new record."
        )
    first_step = made + skipped_steps(found, made)
    found = found.before(first_step)
    names = {"", *layers}
    strange = sorted({key.layer for key in found.keys} - names)
    if strange and len(names) > 1:
        raise ValueError(
            f"GradientMonitor cannot resume from {name}: it has records of "
            f"{', '.join(map(repr, strange))}, which the model does not have. Give the record of "
            "this model, with layers named as they were, or write `resume=None`."
        )
    return first_step, found


def skipped_steps(record: GradientHistory, made: int) -> int:
    """Return how many steps loss scaling had skipped when the optimizer had made so many."""
    if Key(*MODEL, "skipped_steps") not in record.keys:
        return 0
    steps, _, skipped = record.series(*MODEL, "skipped_steps")
    total = np.cumsum(skipped).astype(int)
    over = total[steps + 1 - total <= made]
    return int(over[-1]) if len(over) else 0


def steps_so_far(optimizer: keras.optimizers.Optimizer) -> int:
    """Return the number of batches that the optimizer has seen, whether or not it made updates.

    `optimizer.iterations` is that number divided by `gradient_accumulation_steps`, rounded down.
    A `MultiOptimizer` lists its own number before those of its optimizers.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    batches = next(v for v in inner.variables if v.name == "iteration")
    return int(tf.convert_to_tensor(batches).numpy())
