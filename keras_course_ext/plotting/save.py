"""Save a plot of a record to a file."""

import os

from keras_course_ext.monitoring.record.history import GradientHistory
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
    """Draw a record and save the plot.

    Args:
        history: The record of a `GradientMonitor`.
        path: The file; its suffix determines the format.
        kind: `"gradients"` (default), `"lines"`, `"depth"`, `"activations"` or `"update_ratios"`.
        lang: Language of the labels, "en" (default) or "ko".

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `kind` or `lang` is not one of these, or the statistic was not recorded.
    """
    if kind not in PLOTS:
        raise ValueError(f"`kind` must be one of {', '.join(PLOTS)}. Received: kind={kind!r}.")
    plt = _matplotlib.pyplot()
    ax = PLOTS[kind](history, lang=lang)
    ax.figure.savefig(path, dpi=150)
    plt.close(ax.figure)
