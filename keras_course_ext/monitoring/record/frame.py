"""A record as a pandas DataFrame; the one place that imports pandas."""

from typing import TYPE_CHECKING

import numpy as np

from keras_course_ext.monitoring.record.schema import Content, Key

if TYPE_CHECKING:
    import pandas  # pyright: ignore[reportMissingImports, reportMissingModuleSource]


def to_dataframe(content: Content) -> "pandas.DataFrame":
    """Return a record as a table, one value a row; see `history.to_dataframe`.

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
    blocks, keys = content.blocks, content.keys
    number = {key: i for i, key in enumerate(keys)}
    steps = _joined([np.repeat(b.steps, len(b.keys)) for b in blocks], np.int64)
    epochs = _joined([np.repeat(b.epochs, len(b.keys)) for b in blocks], np.int64)
    columns = _joined(
        [np.tile([number[key] for key in b.keys], len(b.steps)) for b in blocks], np.int64
    )
    values = _joined([b.values.ravel() for b in blocks], np.float32)
    order = np.argsort(steps, kind="stable")
    frame: dict[str, object] = {"step": steps[order], "epoch": epochs[order]}
    for i, field in enumerate(Key._fields):
        names = list(dict.fromkeys(key[i] for key in keys))
        codes = np.array([names.index(key[i]) for key in keys], np.int64)
        frame[field] = pandas.Categorical.from_codes(codes[columns[order]], names)
    return pandas.DataFrame({**frame, "value": values[order]})


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, dtype)
