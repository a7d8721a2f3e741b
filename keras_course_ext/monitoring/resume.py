"""The record of an interrupted run, to be continued by the one that resumes it."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext.monitoring.history import GradientHistory


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


def earlier(resume: Any, first_step: int, layers: Iterable[str]) -> GradientHistory:
    """Return what was recorded before a run that begins at `first_step`.

    Args:
        resume: What `checked_resume` returned.
        first_step: Number of the first step. At 0 nothing came before, whatever `resume` holds.
        layers: Names of the model's layers; none if it is not built yet.

    Raises:
        FileNotFoundError: If there is something to be continued, but not the file.
        ValueError: If the file is not a record, or one of another model.
    """
    if resume is None or not first_step:
        return GradientHistory()
    if isinstance(resume, GradientHistory):
        found, name = resume.before(first_step), "the given GradientHistory"
    elif Path(resume).exists():
        found, name = GradientHistory.load(resume).before(first_step), f"'{resume}'"
    else:
        raise FileNotFoundError(
            f"GradientMonitor cannot resume from '{resume}', which does not exist, although the "
            f"optimizer has made {first_step} steps. Give the file that the interrupted run wrote, "
            "for example by `sinks=[...]`, or write `resume=None` to begin a new record."
        )
    names = {"", *layers}
    strange = sorted({key.layer for key in found.keys} - names)
    if strange and len(names) > 1:
        raise ValueError(
            f"GradientMonitor cannot resume from {name}: it has records of "
            f"{', '.join(map(repr, strange))}, which the model does not have. Give the record of "
            "this model, with layers named as they were, or write `resume=None`."
        )
    return found


def steps_so_far(optimizer: keras.optimizers.Optimizer) -> int:
    """Return the number of batches that the optimizer has got, whether or not each was an update.

    `optimizer.iterations` is that number divided by `gradient_accumulation_steps`, rounded down.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    (batches,) = (v for v in inner.variables if v.name == "iteration")
    return int(tf.convert_to_tensor(batches).numpy())
