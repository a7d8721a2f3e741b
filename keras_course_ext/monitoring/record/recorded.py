"""What may be passed where a record is read: a history, or an object that has one."""

from typing import Protocol

from keras_course_ext.monitoring.record.history import GradientHistory


class HasHistory(Protocol):
    """An object with a `GradientHistory` as its `history`, such as a `GradientMonitor`."""

    @property
    def history(self) -> GradientHistory:
        """The record."""
        ...


def history_of(record: GradientHistory | HasHistory) -> GradientHistory:
    """Return a record, or that of an object which has one.

    Args:
        record: A `GradientHistory`, or an object such as a `GradientMonitor`.

    Raises:
        ValueError: If it is neither.
    """
    found = record if isinstance(record, GradientHistory) else getattr(record, "history", None)
    if not isinstance(found, GradientHistory):
        raise ValueError(
            "A GradientHistory is needed, or the GradientMonitor that recorded it. Received: "
            f"{type(record).__name__}. Write `monitor.history`, or "
            '`GradientHistory.load("record.jsonl")`.'
        )
    return found
