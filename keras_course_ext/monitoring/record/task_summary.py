"""From arrays of a few batches to what a record keeps of inputs and targets."""

import numpy as np

from keras_course_ext.monitoring.record.task import InputInfo, TargetInfo, rounded

_MOST_VALUES = 64


def input_info(name: str, x: np.ndarray) -> InputInfo:
    """Return what is kept of an input.

    Args:
        name: Its name.
        x: Samples, shape `(samples, ...)`.
    """
    rows = _rows(x)
    finite = np.isfinite(rows)
    known = rows[finite]
    if not known.size:
        share = 1.0 if rows.size else 0.0
        return InputInfo(name, rows.shape[-1], len(x), non_finite_share=share)
    clean = np.where(finite, rows, known.mean())
    low, high = clean.min(axis=0), clean.max(axis=0)
    scales = np.sqrt((clean**2).mean(axis=0))
    moving = scales[high > low]
    return InputInfo(
        name=name,
        columns=rows.shape[-1],
        samples=len(x),
        integers=bool((known == np.round(known)).all()),
        mean=rounded(known.mean()),
        std=rounded(known.std()),
        smallest=rounded(known.min()),
        largest=rounded(known.max()),
        largest_scale=rounded(scales.max()),
        smallest_scale=rounded(moving.min() if len(moving) else scales.min()),
        constant_columns=int((high == low).sum()),
        non_finite_share=rounded(1.0 - finite.mean()),
    )


def target_info(y: np.ndarray) -> TargetInfo:
    """Return what is kept of the targets of an output.

    Args:
        y: Targets, shape `(samples, ...)`.
    """
    rows = _rows(y)
    finite = np.isfinite(rows)
    known = rows[finite]
    shape = tuple(y.shape[1:])
    if not known.size:
        share = 1.0 if rows.size else 0.0
        return TargetInfo(shape, len(y), non_finite_share=share)
    clean = np.where(finite, rows, known.mean())
    integers = bool((known == np.round(known)).all())
    several = rows.shape[-1] > 1
    sums = clean.sum(axis=-1)
    distributions = several and bool((clean >= 0).all() and np.allclose(sums, 1.0, atol=1e-3))
    one_hot = distributions and bool(((clean == 0) | (clean == 1)).all())
    values, shares = _shares(clean, one_hot, integers, several)
    return TargetInfo(
        shape=shape,
        samples=len(y),
        integers=integers,
        one_hot=one_hot,
        distributions=distributions,
        mean=rounded(known.mean()),
        std=rounded(known.std()),
        smallest=rounded(known.min()),
        largest=rounded(known.max()),
        deviation=rounded(np.sqrt(clean.var(axis=0).mean())),
        values=values,
        shares=shares,
        constant_columns=int((clean.max(axis=0) == clean.min(axis=0)).sum()),
        non_finite_share=rounded(1.0 - finite.mean()),
    )


def _rows(x: np.ndarray) -> np.ndarray:
    """Return float64 rows, of the elements of the last axis."""
    x = np.asarray(x, np.float64)
    return x.reshape(-1, x.shape[-1] if x.ndim > 1 and x.shape[-1] else 1)


def _shares(
    rows: np.ndarray, one_hot: bool, integers: bool, several: bool
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if one_hot:
        return (
            tuple(map(float, range(rows.shape[-1]))),
            tuple(rounded(share) for share in rows.mean(axis=0)),
        )
    if several or not integers:
        return (), ()
    values, counts = np.unique(rows, return_counts=True)
    if len(values) > _MOST_VALUES:
        return (), ()
    return tuple(map(rounded, values)), tuple(rounded(c / rows.size) for c in counts)
