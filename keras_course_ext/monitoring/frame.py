"""A record as a pandas DataFrame, and the one place that asks for pandas."""

from typing import TYPE_CHECKING

import numpy as np

from keras_course_ext.monitoring.history import GradientHistory, Key

if TYPE_CHECKING:
    import pandas  # pyright: ignore[reportMissingImports, reportMissingModuleSource]


def to_dataframe(history: GradientHistory) -> "pandas.DataFrame":
    """Return a record as a table of one value a row; see `history.to_dataframe`.

    Raises:
        ImportError: If pandas is not installed; the message says how to install it.
    """
    try:
        import pandas  # pyright: ignore[reportMissingImports, reportMissingModuleSource]
    except ImportError as error:
        raise ImportError(
            "A DataFrame needs pandas, which is not installed. Write `pip install pandas`, or use "
            "`history.to_records()`, which needs nothing."
        ) from error
    chunks, keys = history.blocks(), history.keys
    number = {key: i for i, key in enumerate(keys)}
    steps = _joined([np.repeat(c.steps, len(c.keys)) for c in chunks], np.int64)
    epochs = _joined([np.repeat(c.epochs, len(c.keys)) for c in chunks], np.int64)
    columns = _joined(
        [np.tile([number[key] for key in c.keys], len(c.steps)) for c in chunks], np.int64
    )
    values = _joined([c.values.ravel() for c in chunks], np.float32)
    order = np.argsort(steps, kind="stable")
    frame: dict[str, object] = {"step": steps[order], "epoch": epochs[order]}
    for i, field in enumerate(Key._fields):
        names = list(dict.fromkeys(key[i] for key in keys))
        codes = np.array([names.index(key[i]) for key in keys], np.int64)
        frame[field] = pandas.Categorical.from_codes(codes[columns[order]], names)
    return pandas.DataFrame({**frame, "value": values[order]})


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, dtype)
