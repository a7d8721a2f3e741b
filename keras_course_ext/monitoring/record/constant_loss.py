"""The loss of the best constant prediction: what a network that learns must get below."""

from collections.abc import Callable, Mapping

import numpy as np

_TINY = 1e-7  # as Keras clips probabilities
_ENTROPIES = ("binary_crossentropy", "categorical_crossentropy")


def constant_loss(
    loss: str | None, y: np.ndarray, weights: np.ndarray | None, units: int | None
) -> float | None:
    """Return the smallest loss that the same output for every sample has.

    Args:
        loss: Name of the loss.
        y: Targets, shape `(samples, ...)`.
        weights: Weight of each sample, or None.
        units: Size of the last axis of the output.

    Returns:
        The loss, a mean over the samples as Keras computes it; None if it is unknown.
    """
    if loss is None or loss not in _LOSSES or not y.size or not np.isfinite(y).all():
        return None
    y = np.asarray(y, np.float64)
    if loss == "sparse_categorical_crossentropy":
        classes = y.astype(np.int64).ravel()
        if classes.min() < 0:
            return None
        rows = np.eye(max(int(classes.max()) + 1, units or 0))[classes]
    else:
        rows = _rows(y)
    w = _weights(rows, weights)
    if w is None:
        return None
    # Keras divides the weighted sum by the number of samples.
    return float(_LOSSES[loss](rows, w / w.sum()) * w.mean())


def least_loss(loss: str | None, y: np.ndarray, weights: np.ndarray | None) -> float:
    """Return the loss of outputs that equal the targets; 0 where it is 0 or unknown.

    Args:
        loss: Name of the loss.
        y: Targets, shape `(samples, ...)`.
        weights: Weight of each sample, or None.
    """
    if loss not in _ENTROPIES or not y.size or not (np.all(y >= 0) and np.all(y <= 1)):
        return 0.0
    rows = _rows(np.asarray(y, np.float64))
    w = _weights(rows, weights)
    entropies = -rows * np.log(np.maximum(rows, _TINY))
    if loss == "binary_crossentropy":
        entropies = (entropies - (1 - rows) * np.log(np.maximum(1 - rows, _TINY))) / rows.shape[1]
    return 0.0 if w is None else float((w @ entropies).sum() / w.sum() * w.mean())


def _rows(y: np.ndarray) -> np.ndarray:
    return y.reshape(-1, y.shape[-1] if y.ndim > 1 else 1)


def _weights(rows: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
    """Return the weight of each row; None if they do not fit or are all 0."""
    w = np.ones(len(rows)) if weights is None else np.asarray(weights, np.float64).ravel()
    if not len(w) or len(rows) % len(w) or not w.sum() > 0:
        return None
    return np.repeat(w, len(rows) // len(w))


def _mean(rows: np.ndarray, w: np.ndarray) -> np.ndarray:
    return w @ rows


def _squared(rows: np.ndarray, w: np.ndarray) -> float:
    return float((w @ (rows - _mean(rows, w)) ** 2).mean())


def _absolute(rows: np.ndarray, w: np.ndarray) -> float:
    order = np.argsort(rows, axis=0)
    below = np.cumsum(w[order], axis=0) >= 0.5
    middle = np.take_along_axis(rows, order, axis=0)[below.argmax(axis=0), range(rows.shape[1])]
    return float((w @ np.abs(rows - middle)).mean())


def _log_squared(rows: np.ndarray, w: np.ndarray) -> float:
    return _squared(np.log1p(np.maximum(rows, 0.0)), w)


def _binary(rows: np.ndarray, w: np.ndarray) -> float:
    p = np.clip(_mean(rows, w), _TINY, 1 - _TINY)
    return float(-(p * np.log(p) + (1 - p) * np.log(1 - p)).mean())


def _categorical(rows: np.ndarray, w: np.ndarray) -> float:
    p = _mean(rows, w)
    total = p.sum()
    if not total > 0:
        return 0.0
    return float(-(p * np.log(np.clip(p / total, _TINY, 1.0))).sum())


_LOSSES: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mean_squared_error": _squared,
    # The deck adds up over the outputs.
    "half_squared_error": lambda rows, w: _squared(rows, w) * rows.shape[1] / 2,
    "root_mean_squared_error": lambda rows, w: _squared(rows, w) ** 0.5,
    "mean_absolute_error": _absolute,
    "mean_squared_logarithmic_error": _log_squared,
    "binary_crossentropy": _binary,
    "categorical_crossentropy": _categorical,
    "sparse_categorical_crossentropy": _categorical,
}
