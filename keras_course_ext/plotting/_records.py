"""Helpers for the plots of a record: axes, colours, keys of kernels, medians of steps."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.names import short_names
from keras_course_ext.monitoring.record.schema import Key
from keras_course_ext.plotting import _matplotlib
from keras_course_ext.plotting._language import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLUMNS = 160
# More names than this do not fit into a legend or beside an axis.
MOST_NAMED = 12
_LONGEST_NAME = 22


def axes(ax: "Axes | None", height: float = 5.0) -> "Axes":
    """Return the Axes, or those of a new figure."""
    if ax is None:
        _, ax = _matplotlib.pyplot().subplots(figsize=(9, height), layout="constrained")
    assert ax is not None
    return ax


def shades(count: int) -> list[Any]:
    """Return colours from dark to light, distinguishable in greyscale and on white."""
    cmap = _matplotlib.pyplot().get_cmap("viridis")
    return [cmap(x) for x in np.linspace(0.0, 0.85, count)]


def shortened(names: Iterable[str]) -> list[str]:
    """Return the names, the long ones cut in their middle, no two of them equal."""
    return list(short_names(names, _LONGEST_NAME).values())


def label_indices(count: int, most: int) -> list[int]:
    """Return the indices of the things to label: all, or every n-th with the first and the last."""
    every = -(-count // most)
    return [*range(0, count - 1 - every // 2, every), count - 1]


def kernels(history: GradientHistory, statistic: str) -> list[Key]:
    """Return the key of one kernel per layer, in forward order.

    Raises:
        ValueError: If the statistic was not recorded for any kernel; the message says how to record
            it.
    """
    keys = []
    for info in history.layers:
        names = [t for t in info.main_weights if history.has(info.name, t, statistic)]
        keys += [Key(info.name, t, statistic) for t in names[:1]]
    if not keys:
        raise ValueError(missing(history, statistic, "a kernel"))
    return keys


def missing(history: GradientHistory, statistic: str, subject: str) -> str:
    """Return the message for a statistic that was not recorded."""
    recorded = sorted({key.statistic for key in history.keys})
    if not recorded:
        return (
            f"There is no '{statistic}' of {subject} to draw: nothing was recorded yet. Pass the "
            "monitor to `fit(callbacks=[monitor])` first."
        )
    return (
        f"'{statistic}' of {subject} was not recorded. Recorded: {', '.join(recorded)}. Make the "
        f"monitor with `statistics='all'`, or with '{statistic}' among its `statistics`."
    )


def step_medians(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return medians over neighbouring steps, at most 160; NaN where one value is not finite.

    Args:
        steps: Shape `(steps,)`.
        values: Shape `(..., steps)`.
    """
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    groups = np.array_split(np.arange(len(steps)), min(len(steps), MOST_COLUMNS))
    middle = np.array([np.median(steps[g]) for g in groups])
    return middle, np.stack([np.median(values[..., g], axis=-1) for g in groups], axis=-1)


def positive(values: np.ndarray) -> np.ndarray:
    """Return the values with NaN for those that a logarithmic axis cannot show: ≤ 0 and ∞."""
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def logarithmic(ax: "Axes") -> None:
    """Make the y axis logarithmic, over at least one decade, so that noise does not look large."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    if high < 10 * low:
        middle = float(np.sqrt(low * high))
        ax.set_ylim(middle / np.sqrt(10), middle * np.sqrt(10))


def layer_lines(
    ax: "Axes", keys: list[Key], x: np.ndarray, values: np.ndarray, language: Language
) -> None:
    """Draw one line per layer, dark near the input and light near the output, with a legend."""
    plt = _matplotlib.pyplot()
    styles = ("-", "--", "-.", ":")
    named = len(keys) <= MOST_NAMED
    marker = "o" if len(x) == 1 else None
    names = shortened(key.layer for key in keys)
    for i, (label, color) in enumerate(zip(names, shades(len(keys)), strict=True)):
        style = styles[i % 4] if named else "-"
        ax.plot(
            x,
            positive(values[i]),
            style,
            color=color,
            lw=1.6 if named else 0.9,
            label=label,
            marker=marker,
        )
    logarithmic(ax)
    _name_layers_without_line(ax, names, values, language)
    if named:
        handles, labels = ax.get_legend_handles_labels()
        ax.legend(
            handles[: len(keys)][::-1],
            labels[: len(keys)][::-1],
            title=language("output\n↓ to input", "출력\n↓ 입력"),
            loc="center left",
            bbox_to_anchor=(1.01, 0.5),
            fontsize="small",
            title_fontsize="small",
        )
        return
    mappable = plt.cm.ScalarMappable(
        plt.Normalize(0, (len(keys) - 1) / 0.85), plt.get_cmap("viridis")
    )
    bar = ax.figure.colorbar(mappable, ax=ax, boundaries=np.linspace(0, len(keys) - 1, 256))
    at = np.unique(np.linspace(0, len(keys) - 1, 6).round().astype(int))
    bar.set_ticks(at.tolist(), labels=[names[i] for i in at])
    label = language("layer: input (dark) to output (light)", "층: 입력(어두움)에서 출력(밝음)까지")
    bar.set_label(label)
    language.set_fonts(bar.ax)


def _name_layers_without_line(
    ax: "Axes", layers: list[str], values: np.ndarray, language: Language
) -> None:
    """Name the layers without a value that a logarithmic axis can show: often the faulty ones."""
    names = [
        layer for layer, row in zip(layers, values, strict=True) if np.isnan(positive(row)).all()
    ]
    if not names:
        return
    others, shown = len(names) - 3, ", ".join(names[:3])
    more = language(f" and {others} more", f" 외 {others}개") if others > 0 else ""
    reason = language("no line, as 0 or not finite throughout", "모두 0이거나 유한하지 않은 층")
    ax.text(
        0.01,
        0.01,
        f"{reason}: {shown}{more}",
        transform=ax.transAxes,
        va="bottom",
        fontsize="small",
        bbox={"facecolor": "white", "edgecolor": "0.8", "pad": 2},
        zorder=5,
    )
