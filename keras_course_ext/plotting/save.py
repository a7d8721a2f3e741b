"""A picture of a record, drawn into a file."""

import os

from keras_course_ext.monitoring.history import GradientHistory
from keras_course_ext.plotting import _matplotlib
from keras_course_ext.plotting.activations import activations
from keras_course_ext.plotting.depth import depth
from keras_course_ext.plotting.gradients import gradients
from keras_course_ext.plotting.lines import lines
from keras_course_ext.plotting.update_ratios import update_ratios

PLOTS = {
    "gradients": gradients,
    "lines": lines,
    "depth": depth,
    "activations": activations,
    "update_ratios": update_ratios,
}


def save(
    history: GradientHistory, path: str | os.PathLike, kind: str = "gradients", lang: str = "en"
) -> None:
    """Draw a record into a file.

    Args:
        history: What a `GradientMonitor` recorded.
        path: Where to; the ending decides the format.
        kind: `"gradients"` (default), `"lines"`, `"depth"`, `"activations"` or `"update_ratios"`.
        lang: Language of the labels, "en" (default) or "ko".

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `kind` or `lang` is not one of these, or what it shows was not recorded.
    """
    if kind not in PLOTS:
        raise ValueError(f"`kind` must be one of {', '.join(PLOTS)}. Received: kind={kind!r}.")
    plt = _matplotlib.pyplot()
    ax = PLOTS[kind](history, lang=lang)
    ax.figure.savefig(path, dpi=150)
    plt.close(ax.figure)
