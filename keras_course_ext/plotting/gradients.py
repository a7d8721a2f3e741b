"""Heat map of a run: log10 of the gradient norm, by layer and step."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import states
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.recorded import HasHistory, history_of
from keras_course_ext.monitoring.record.schema import Key
from keras_course_ext.plotting import _look, _matplotlib
from keras_course_ext.plotting._language import Language
from keras_course_ext.plotting._records import MOST_COLUMNS, label_indices, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARK = _look.VERMILLION
_KOREAN = {
    "NaN or inf": "NaN, ∞",
    "no gradient": "기울기 없음",
    "explodes": "기울기 폭주",
    "starves": "기울기 소실",
    "dead": "죽은 층",
    "saturated": "포화",
    "too fast": "너무 빠름",
    "too slow": "너무 느림",
    "gradient 0": "기울기 0",
    "fades": "기울기 약화",
    "symmetric": "모두 같은 유닛",
    "out of range": "범위 밖",
    "wrong loss": "맞지 않는 손실",
    "linear": "선형",
    "unscaled inputs": "입력 크기",
    "unscaled targets": "정답 크기",
    "wrong labels": "잘못된 레이블",
    "unstable loss": "불안정",
    "stalled training": "제자리",
}
# With more rows only some are named, and the marks of neighbours are merged.
_MOST_ROWS = 24
# At least so wide that the noise of a healthy run does not fill the colour scale.
_LEAST_DECADES = 3


def gradients(
    history: GradientHistory | HasHistory,
    ax: "Axes | None" = None,
    title: str = "",
    limits: tuple[float, float] | None = None,
    colorbar: bool = True,
    *,
    lang: str = "en",
) -> "Axes":
    """Draw log10 ‖∂L/∂W‖ of every layer's kernel over the steps.

    The output layer, where back-propagation starts, is the top row, the first layer the bottom row.
    What to conclude: about the same colour from top to bottom is healthy. If rows get darker
    towards the bottom, the gradient vanishes; if they get brighter, it explodes. A row that gets
    darker from left to right stops learning, as it should when the loss is small. Layers with a
    finding of the diagnosis are marked at the right. Grey is NaN or infinite. A column is one step,
    or in a long run the median of several.

    Args:
        history: The `GradientHistory` that a `GradientMonitor` recorded, or the
            monitor.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure.
        title: Title of the Axes, a string. Defaults to "".
        limits: Two numbers, the lowest and highest log10 of the colour scale, to compare several
            plots. Defaults to None: the range of this run, at least three decades.
        colorbar: Whether to draw the colour scale next to the Axes. Defaults to True.
        lang: Language of the labels, "en" or "ko". Defaults to "en".

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If nothing was recorded, or `lang` is not as above.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), kce.layers.Dense(2), kce.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> monitor = kce.callbacks.GradientMonitor()
        >>> _ = model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0, callbacks=[monitor])
        >>> axes = kce.plotting.gradients(monitor.history)
        >>> axes.figure.savefig("gradients.png")  # doctest: +SKIP
    """
    history = history_of(history)
    language = Language(lang, "gradients")
    plt = _matplotlib.pyplot()
    keys, edges, log10 = _columns(*log10_norms(history))
    if ax is None:
        _, ax = plt.subplots(figsize=(9, min(2.0 + 0.3 * len(keys), 8.0)), layout="constrained")
    assert ax is not None
    low, high = limits or color_limits(history)
    # matplotlib draws −∞, the logarithm of an exact zero, like NaN.
    log10 = np.ma.maximum(log10, low - 1)
    cmap = plt.get_cmap("viridis").with_extremes(bad="0.6")
    mesh = ax.pcolormesh(
        edges, np.arange(len(keys) + 1) - 0.5, log10, vmin=low, vmax=high, cmap=cmap
    )
    rows = label_indices(len(keys), _MOST_ROWS)
    names = _names(keys)
    ax.set_yticks(rows, [names[row] for row in rows])
    ax.set(xlabel=language("step", "스텝"), title=language.user_text(title, ""))
    words = states(diagnose(history)).items()
    marked = _mark(
        ax, keys, {layer: language(word, _KOREAN.get(word, word)) for layer, word in words}
    )
    language.set_fonts(ax)
    if colorbar:
        label = language("log₁₀ ‖∂L/∂W‖ of the kernel", "가중치의 기울기 log₁₀ ‖∂L/∂W‖")
        bar = ax.figure.colorbar(
            mesh,
            ax=ax,
            label=label,
            extend="min",
            extendfrac=0.03,
            aspect=30,
            pad=0.11 if marked else 0.02,
        )
        language.set_fonts(bar.ax)
    return ax


def _names(keys: list[Key]) -> list[str]:
    """Return the name of each layer, with that of the kernel if the layer has several."""
    rows = Counter(key.layer for key in keys)
    return shortened(k.layer if rows[k.layer] == 1 else f"{k.layer} {k.tensor}" for k in keys)


def _mark(ax: "Axes", keys: list[Key], words: dict[str, str]) -> bool:
    """Mark the layers with findings at the right; return whether there are any."""
    marked = False
    for word in dict.fromkeys(words.values()):
        rows = [i for i, key in enumerate(keys) if words.get(key.layer) == word]
        for first, last in _runs(rows, len(keys)):
            marked = True
            if first < last:
                x, y = [1.008, 1.008], [first - 0.4, last + 0.4]
                side = ax.get_yaxis_transform()
                line = _matplotlib.pyplot().Line2D(x, y, color=_MARK, lw=2, transform=side)
                line.set_clip_on(False)
                ax.add_artist(line)
            ax.annotate(
                f"{'  ' if first < last else '◀ '}{word}",
                (1.005, (first + last) / 2),
                xycoords=("axes fraction", "data"),
                va="center",
                color=_MARK,
                weight="bold",
                annotation_clip=False,
            )
    return marked


def _runs(rows: list[int], count: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last row of each mark; if there are few rows, each has its own mark."""
    near = 0 if count <= _MOST_ROWS else 1 + count // _MOST_ROWS
    ends = [i for i in range(len(rows)) if i + 1 == len(rows) or rows[i + 1] - rows[i] > near]
    starts = [0, *(i + 1 for i in ends[:-1])]
    for start, end in zip(starts, ends, strict=False):
        yield rows[start], rows[end]


def log10_norms(history: GradientHistory) -> tuple[list[Key], np.ndarray, np.ndarray]:
    """Return `(keys, steps, log10 of the norms)`, the last of shape `(len(keys), steps)`.

    A norm of exactly zero becomes -inf, which is drawn in the lowest colour; NaN and infinity are
    masked.
    """
    keys = [
        Key(info.name, tensor, "grad_norm")
        for info in history.layers
        for tensor in info.main_weights
        if history.has(info.name, tensor)
    ]
    if not keys:
        raise ValueError(
            "There is no gradient of a kernel to draw: nothing was recorded yet. Pass the monitor "
            "to `fit(callbacks=[monitor])` first."
        )
    steps, _, norms = history.matrix(keys)
    with np.errstate(divide="ignore"):
        log10 = np.log10(norms.astype(np.float64))
    return keys, steps, np.ma.masked_where(~np.isfinite(norms), log10)


def _columns(
    keys: list[Key], steps: np.ndarray, log10: np.ndarray
) -> tuple[list[Key], np.ndarray, np.ndarray]:
    """Merge the steps of a long run into at most 160 columns; return keys, edges and values."""
    groups = np.array_split(np.arange(len(steps)), min(len(steps), MOST_COLUMNS))
    columns = [
        # Masked if one step is not finite, which the median would hide.
        np.ma.masked_where(np.ma.getmaskarray(part).any(axis=1), np.ma.median(part, axis=1))
        for part in (log10[:, group] for group in groups)
    ]
    edges = np.append([steps[group[0]] for group in groups], steps[-1] + 1) - 0.5
    return keys, edges, np.ma.stack(columns, axis=1)


def color_limits(*histories: GradientHistory) -> tuple[float, float]:
    """Return the lowest and highest finite log10 norm of several runs, for a common colour scale.

    They are at least three decades apart.
    """
    parts = [np.ma.filled(log10_norms(h)[2], np.nan).ravel() for h in histories]
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 0.0)
    high = np.ceil(high - 1e-6)
    return float(min(np.floor(low + 1e-6), high - _LEAST_DECADES)), float(high)
