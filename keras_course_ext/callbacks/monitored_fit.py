"""One `fit` under observation: puts the taps into its train function, and takes it out again."""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from typing import Any, ClassVar

import keras
import tensorflow as tf

from keras_course_ext._override import overridden
from keras_course_ext._tracing import custom_gradients, forget_gradients
from keras_course_ext.monitoring.returned_record import BINS, ROW, WATCH
from keras_course_ext.monitoring.tap import GradientTap
from keras_course_ext.monitoring.tapped_step import OutOfReachError

# Beside the values of the logs: a structure of its own around them would take Keras longer to
# unpack than a small step takes.
_MARK = "keras_course_ext/"
_LOGS = _MARK + "logs"


class MonitoredFit:
    """A model's train function with taps in it, in use only while a batch is trained.

    `fit` reads `model.train_function` anew for every batch. Before each batch the observed
    function is put there, and the function itself puts the model's own one back when it returns or
    raises. So between two batches, in validation, and after an exception from wherever it came,
    the model is as it was. Only a function that has not run yet can be left behind (another
    callback raised before the batch); it runs the model's own function when it is called outside
    the `fit` that it belongs to.

    Args:
        model: The model that is being fitted.
        params: The dictionary that Keras gives to all callbacks of one `fit`, and to no other.
    """

    _known: ClassVar["weakref.WeakSet[MonitoredFit]"] = weakref.WeakSet()

    def __init__(self, model: keras.Model, params: Any) -> None:
        self._model = model
        self._params = params
        self._taps: list[GradientTap] = []
        self._plain = model.train_function
        self._train_step: Any = None
        self._observed: Any = None
        self._returning: dict[Any, Any] = {}
        self._armed = False
        self._history: Any = None
        self._gradients: set[str] = set()
        self._known.add(self)

    @classmethod
    def join(cls, model: keras.Model, params: Any, tap: GradientTap) -> "MonitoredFit":
        """Return the fit that is about to start, with one more tap in it."""
        for fit in cls._known:
            if fit._model is model and fit._params is params and not fit.started:
                break
        else:
            fit = cls(model, params)
        fit._taps.append(tap)
        return fit

    @property
    def started(self) -> bool:
        """Whether the first batch has begun."""
        return self._observed is not None

    def before_batch(self) -> None:
        """Have the batch that comes next run with the taps."""
        if not self.started:
            self._observed = self._make_observed()
        self._armed = True
        self._history = getattr(self._model, "history", None)
        object.__setattr__(self._model, "train_function", self._run)

    def leave(self, tap: GradientTap) -> None:
        """Take a tap out; the last one ends the observation."""
        if tap in self._taps:
            self._taps.remove(tap)
        if not self._taps:
            # The train function that they belong to is gone with this fit.
            forget_gradients(self._gradients)
            self._known.discard(self)
            self._restore()
            self._observed = self._plain
            self._returning.clear()

    def _run(self, iterator: Iterator) -> Any:
        # Every fit has a History of its own, which Keras gives to the model.
        armed = self._armed and self._history is getattr(self._model, "history", None)
        self._armed = False
        try:
            if not armed:
                return self._plain(iterator)
            if not self._taps[0].returns:
                return self._observed(iterator)
            try:
                return self._run_returning(iterator)
            except OutOfReachError:
                for tap in self._taps:
                    tap.write_rows()
                self._returning.clear()
                self._observed = self._make_observed()
                return self._observed(iterator)
        finally:
            self._restore()

    def _run_returning(self, iterator: Iterator) -> Any:
        """Run the train function that returns what the taps want of this step, and no more."""
        wanted = tuple(tap.wanted_next() for tap in self._taps)
        function = self._returning.get(wanted)
        if function is None:
            function = self._returning[wanted] = self._make_returning(wanted)
        logs, returned = _taken_apart(function(iterator))
        for i, tap in enumerate(self._taps):
            tap.receive(returned.get(i, ()))
        return logs

    def _restore(self) -> None:
        if vars(self._model).get("train_function") == self._run:
            object.__setattr__(self._model, "train_function", self._plain)

    def _make_observed(self) -> Any:
        """Build a train function of the model from its own train step within the taps."""
        if self._train_step is None:
            self._train_step = self._model.train_step
        if not self._taps[0].returns:
            return self._made_of(self._tapped_step)

        def step(data: Any) -> Any:
            for tap in self._taps:
                tap.taken()  # of a tracing that broke off
            logs = self._tapped_step(data)
            return logs, tuple(tap.taken() for tap in self._taps)

        return tf.function(step, reduce_retracing=True, autograph=False)

    def _make_returning(self, wanted: Sequence[tuple[bool, bool]]) -> Any:
        """Build a train function that returns, behind the logs, a part of what the taps took.

        The train step is traced once, whatever is wanted of it: TensorFlow takes the function that
        was traced into the one made here, and drops from it what is not returned.
        """
        names = [{WATCH: not row, ROW: row, BINS: bins} for row, bins in wanted]

        def step(data: Any) -> Any:
            logs, taken = self._observed(data)
            found = {_LOGS: logs} if not isinstance(logs, dict) else dict(logs)
            for i, records in enumerate(taken):
                for j, record in enumerate(records):
                    found |= {_key(i, j, n): x for n, x in record.items() if names[i][n]}
            return found

        model: Any = self._model
        if type(model).make_train_function is not keras.Model.make_train_function:
            return self._made_of(step)
        # What Keras's own makes of a step, without the Optional around the logs, which takes longer
        # to pack and to unpack than all that a tap does in a step.
        one = tf.function(
            step, jit_compile=model.jit_compile, reduce_retracing=True, autograph=False
        )
        return tf.function(
            lambda iterator: one(_without_optionals(next(iterator))),
            reduce_retracing=True,
            autograph=False,
        )

    def _tapped_step(self, data: Any) -> Any:
        with ExitStack() as stack:
            for tap in self._taps:
                stack.enter_context(tap.recording())
            try:
                return self._train_step(data)
            finally:
                self._gradients.update(custom_gradients())

    def _made_of(self, step: Any) -> Any:
        """Build a second train function of the model from another train step.

        `make_train_function` is what `fit` itself calls. It traces nothing yet, and the model's
        own function stays whatever it was, traced or not.
        """
        model = self._model
        with (
            overridden(model, "train_step", step),
            overridden(model, "train_function", None),
        ):
            model.make_train_function(force=True)
            return model.train_function


def _without_optionals(data: Any) -> Any:
    """Return data with None in the place of what Keras's data adapters have put there for it."""
    return keras.tree.map_structure(
        lambda x: None if isinstance(x, tf.experimental.Optional) else x, data
    )


@cache
def _key(tap: int, record: int, name: str) -> str:
    return f"{_MARK}{tap}/{record}/{name}"


@cache
def _place(key: str) -> tuple[int, int, str] | None:
    """Return tap, record and name of a key; None for one of the logs."""
    if not key.startswith(_MARK):
        return None
    tap, record, name = key[len(_MARK) :].split("/")
    return int(tap), int(record), name


def _taken_apart(found: dict[str, Any]) -> tuple[Any, dict[int, list[dict[str, Any]]]]:
    """Return the logs, and the records of each tap."""
    logs = found.pop(_LOGS, found)
    places = [(place, key) for key in found if (place := _place(key)) is not None]
    returned: dict[int, list[dict[str, Any]]] = {}
    for (tap, record, name), key in places if len(places) == 1 else sorted(places):
        records = returned.setdefault(tap, [])
        if record == len(records):
            records.append({})
        records[record][name] = found.pop(key)
    return logs, returned
