"""Draw a plot of a record by name, and save it to a file."""

import os
from typing import TYPE_CHECKING

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.recorded import HasHistory
from keras_course_ext.plotting import _matplotlib
from keras_course_ext.plotting.activations import activations
from keras_course_ext.plotting.depth import depth
from keras_course_ext.plotting.gradients import gradients
from keras_course_ext.plotting.lines import lines
from keras_course_ext.plotting.update_ratios import update_ratios

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOTS = {
    "gradients": gradients,
    "lines": lines,
    "depth": depth,
    "activations": activations,
    "update_ratios": update_ratios,
}


def draw(
    history: GradientHistory | HasHistory,
    path: str | os.PathLike | None = None,
    kind: str = "gradients",
    lang: str = "en",
) -> "Figure":
    """Draw a record, and save the plot if there is a path.

    Args:
        history: The record of a `GradientMonitor`.
        path: The file; its suffix determines the format. Default: none.
        kind: `"gradients"` (default), `"lines"`, `"depth"`, `"activations"` or `"update_ratios"`.
        lang: Language of the labels, "en" (default) or "ko".

    Returns:
        The figure. It is not one of pyplot's open figures, so a notebook shows it once.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `kind` or `lang` is not one of these, or the statistic was not recorded.
    """
    if kind not in PLOTS:
        raise ValueError(f"`kind` must be one of {', '.join(PLOTS)}. Received: kind={kind!r}.")
    plt = _matplotlib.pyplot()
    ax = PLOTS[kind](history, lang=lang)
    figure = ax.get_figure(root=True)
    if path is not None:
        figure.savefig(path, dpi=150)
    plt.close(figure)
    return figure
