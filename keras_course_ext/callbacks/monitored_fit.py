"""One monitored `fit`: replaces its train function by one with hooks, and restores it."""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from typing import Any, ClassVar

import keras
import tensorflow as tf

from keras_course_ext._override import overridden
from keras_course_ext._tracing import custom_gradients, forget_gradients
from keras_course_ext.callbacks.end_of_data import asks_for_data_first
from keras_course_ext.callbacks.recording import Recording
from keras_course_ext.monitoring.capture.step import OutOfReachError
from keras_course_ext.monitoring.transport.host_queue import BINS, DETECTOR, ROW

# What is recorded is returned among the values of the logs: Keras takes 100 µs to unpack a
# structure around them, longer than a small step.
_MARK = "keras_course_ext/"
_LOGS = _MARK + "logs"
# What the step was given is returned, too: so the host can look at it.
_DATA = _MARK + "data/"


class MonitoredFit:
    """A model's train function with hooks in it, in use only while a batch is trained.

    `fit` reads `model.train_function` anew for every batch. Before each batch the monitored
    function is put there, and it restores the model's own function when it returns or raises. So
    between two batches, in validation, and after an exception anywhere, the model is unchanged.
    Only a function that has not run yet can be left behind (another callback raised before the
    batch); called outside the `fit` that it was made for it runs the model's own function.

    The next `fit` with the same monitors runs what was traced for this one, as long as the model's
    own function is the same: `compile` makes Keras build another one.

    Args:
        model: The model that is being fitted.
    """

    _known: ClassVar["weakref.WeakSet[MonitoredFit]"] = weakref.WeakSet()

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._params: Any = None
        # Those of this fit, and those whose hooks are in the traced functions.
        self._joined: list[Recording] = []
        self._recordings: list[Recording] = []
        self._plain = model.train_function
        self._train_step: Any = None
        self._monitored: Any = None
        self._returning: dict[Any, Any] = {}
        self._data: Any = None
        self.started = self._armed = self._trained = False
        self.without_data = False
        """Whether the data had ended before the first batch."""
        self._history: Any = None
        self._gradients: set[str] = set()
        self._known.add(self)

    @classmethod
    def join(
        cls,
        model: keras.Model,
        params: Any,
        recording: Recording,
        last: "MonitoredFit | None" = None,
    ) -> "MonitoredFit":
        """Return the fit that is about to start, recorded by one more monitor.

        Args:
            model: The model that is being fitted.
            params: The dictionary that Keras gives to all callbacks of one `fit`, and to no other.
            recording: That of the monitor.
            last: The last fit of the monitor, which ends if an exception has left it.
        """
        for fit in cls._known:
            if fit._model is model and fit._params is params and fit._joined and not fit.started:
                break
        else:
            fit = cls(model) if last is None or last._model is not model else last
            fit._begin(params)
        fit._joined.append(recording)
        return fit

    def _begin(self, params: Any) -> None:
        self._params, self._joined = params, []
        self.started = self._armed = self._trained = self.without_data = False
        self._known.add(self)

    def _forget_functions(self) -> None:
        self._train_step = self._monitored = None
        self._returning.clear()

    def before_batch(self) -> None:
        """Run the next batch with the hooks.

        Where another callback has replaced the train function, the new one is monitored. After
        `compile` there is none, and Keras raises, as it does without a monitor.
        """
        current = self._model.train_function
        if current is None:
            return
        if current not in (self._plain, self._run):
            self._plain = current
            self._forget_functions()
        if not self.started and self._recordings != self._joined:
            self._recordings = list(self._joined)
            self._forget_functions()
        if self._monitored is None:
            self._monitored = self._make_monitored()
        self.started = self._armed = True
        self._history = getattr(self._model, "history", None)
        object.__setattr__(self._model, "train_function", self._run)

    def leave(self, recording: Recording) -> None:
        """Record no more for one monitor; the last one ends the monitoring."""
        if recording in self._joined:
            self._joined.remove(recording)
        if not self._joined:
            self._known.discard(self)
            self._restore()
            self._history = None

    def _run(self, iterator: Iterator) -> Any:
        # Keras gives the model a new History in every fit.
        armed = self._armed and self._history is getattr(self._model, "history", None)
        self._armed = False
        try:
            if not armed:
                return self._plain(iterator)
            logs = self._run_monitored(iterator)
            self._trained = True
            for recording in self._recordings:
                recording.task.trained(logs, self._model.steps_per_execution)
            return logs
        finally:
            self.without_data = armed and not self._trained
            self._restore()
            if self._gradients:
                # They were needed while the step was traced.
                forget_gradients(self._gradients)
                self._gradients.clear()

    def _run_monitored(self, iterator: Iterator) -> Any:
        if not self._recordings[0].returns:
            return self._monitored(iterator)
        try:
            return self._run_returning(iterator)
        except OutOfReachError:
            for recording in self._recordings:
                recording.write_on_device()
            self._returning.clear()
            self._monitored = self._make_monitored()
            return self._monitored(iterator)

    def _run_returning(self, iterator: Iterator) -> Any:
        """Run the train function that returns what is wanted of this step, and no more."""
        wanted = tuple(recording.wanted() for recording in self._recordings)
        function = self._returning.get(wanted)
        if function is None:
            function = self._returning[wanted] = self._make_returning(wanted)
        found = function(iterator)
        data = {key: found.pop(key) for key in list(found) if key.startswith(_DATA)}
        if data and any(recording.task.wants_data() for recording in self._recordings):
            given = keras.tree.flatten(self._data)
            flat = [data.get(f"{_DATA}{i}") for i in range(len(given))]
            self._look(keras.tree.pack_sequence_as(self._data, flat))
        logs, returned = _separated(found)
        for i, recording in enumerate(self._recordings):
            if recording.queue is not None:
                recording.queue.receive(returned.get(i, ()))
        return logs

    def _restore(self) -> None:
        if vars(self._model).get("train_function") == self._run:
            object.__setattr__(self._model, "train_function", self._plain)

    def _make_monitored(self) -> Any:
        """Build a train function of the model from its own train step with the hooks installed."""
        if self._train_step is None:
            self._train_step = self._model.train_step
        if not self._recordings[0].returns:
            return made_of(self._model, self._hooked_step)

        def step(data: Any) -> Any:
            self._returned_by_trace()  # by a trace that failed
            logs = self._hooked_step(data)
            return logs, self._returned_by_trace()

        return tf.function(step, reduce_retracing=True, autograph=False)

    def _make_returning(self, wanted: Sequence[tuple[bool, bool]]) -> Any:
        """Build a train function that returns, among the logs, a part of what was measured.

        The train step is traced once, whatever is wanted of it: TensorFlow inlines the function
        that was traced, and prunes what is not returned.
        """
        names = [{DETECTOR: not row, ROW: row, BINS: bins} for row, bins in wanted]

        def step(data: Any) -> Any:
            logs, measured = self._monitored(data)
            found = {_LOGS: logs} if not isinstance(logs, dict) else dict(logs)
            for i, records in enumerate(measured):
                for j, record in enumerate(records):
                    found |= {_key(i, j, n): x for n, x in record.items() if names[i][n]}
            return found

        model: Any = self._model
        own = type(model).make_train_function is not keras.Model.make_train_function
        if own or asks_for_data_first():
            return made_of(model, step)
        # As Keras's own up to 3.15, without the Optional around the logs: packing and unpacking it
        # takes 0.3 ms a step, more than the monitor does.
        one = tf.function(
            step, jit_compile=model.jit_compile, reduce_retracing=True, autograph=False
        )
        with_data = any(row for row, _ in wanted)

        def of_next(iterator: Iterator) -> Any:
            data = _without_optionals(next(iterator))
            found = one(data)
            return {**found, **self._returned_data(data)} if with_data else found

        of_dataset = tf.function(of_next, reduce_retracing=True, autograph=False)

        def function(iterator: Iterator) -> Any:
            if isinstance(iterator, tf.data.Iterator | tf.distribute.DistributedIterator):
                return of_dataset(iterator)
            # A generator, of `train_on_batch`; to trace for each of them would take long.
            data = _without_optionals(next(iterator))
            self._look(data)
            return one(data)

        return function

    def _returned_data(self, data: Any) -> dict[str, Any]:
        """Return the tensors of a batch by the keys under which they are returned."""
        flat = keras.tree.flatten(data)
        self._data = keras.tree.map_structure(lambda x: 0, data)
        return {f"{_DATA}{i}": x for i, x in enumerate(flat) if isinstance(x, tf.Tensor)}

    def _look(self, data: Any) -> None:
        for recording in self._recordings:
            recording.task.look(data)

    def _hooked_step(self, data: Any) -> Any:
        if tf.executing_eagerly():
            self._look(data)
        with ExitStack() as stack:
            for recording in self._recordings:
                stack.enter_context(recording.hooks.installed())
            try:
                return self._train_step(data)
            finally:
                self._gradients.update(custom_gradients())

    def _returned_by_trace(self) -> tuple[Any, ...]:
        """Return what the step traced last is to return, an entry a monitor."""
        queues = [recording.queue for recording in self._recordings]
        return tuple(() if q is None else q.returned_by_trace() for q in queues)


def made_of(model: keras.Model, step: Any) -> Any:
    """Build a second train function of a model from another train step.

    `make_train_function` is what `fit` itself calls. It traces nothing yet, and the model's own
    function stays whatever it was, traced or not.
    """
    with (
        overridden(model, "train_step", step),
        overridden(model, "train_function", None),
    ):
        model.make_train_function(force=True)
        return model.train_function


def _without_optionals(data: Any) -> Any:
    """Return data with None where Keras's data adapters have put an empty Optional for it."""
    return keras.tree.map_structure(
        lambda x: None if isinstance(x, tf.experimental.Optional) else x, data
    )


@cache
def _key(recording: int, record: int, name: str) -> str:
    return f"{_MARK}{recording}/{record}/{name}"


@cache
def _place(key: str) -> tuple[int, int, str] | None:
    """Return recording, record and name of a key; None for a key of the logs."""
    if not key.startswith(_MARK):
        return None
    recording, record, name = key[len(_MARK) :].split("/")
    return int(recording), int(record), name


def _separated(found: dict[str, Any]) -> tuple[Any, dict[int, list[dict[str, Any]]]]:
    """Return the logs, and the records of each recording."""
    logs = found.pop(_LOGS, found)
    places = [(place, key) for key in found if (place := _place(key)) is not None]
    returned: dict[int, list[dict[str, Any]]] = {}
    for (recording, record, name), key in places if len(places) == 1 else sorted(places):
        records = returned.setdefault(recording, [])
        if record == len(records):
            records.append({})
        records[record][name] = found.pop(key)
    return logs, returned
