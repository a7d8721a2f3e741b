"""One `fit` under observation: puts the taps into its train function, and takes it out again."""

import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, ClassVar

import keras

from keras_course_ext._override import overridden
from keras_course_ext._tracing import custom_gradients, forget_gradients
from keras_course_ext.monitoring.tap import GradientTap


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
        self._observed: Any = None
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

    def _run(self, iterator: Iterator) -> Any:
        # Every fit has a History of its own, which Keras gives to the model.
        armed = self._armed and self._history is getattr(self._model, "history", None)
        self._armed = False
        try:
            return (self._observed if armed else self._plain)(iterator)
        finally:
            self._restore()

    def _restore(self) -> None:
        if vars(self._model).get("train_function") == self._run:
            object.__setattr__(self._model, "train_function", self._plain)

    def _make_observed(self) -> Any:
        """Build a second train function of the model, from its own train step within the taps.

        `make_train_function` is what `fit` itself calls. It traces nothing yet, and the model's
        own function stays whatever it was, traced or not.
        """
        model, taps, train_step = self._model, self._taps, self._model.train_step
        gradients = self._gradients

        def observed_step(data: Any) -> Any:
            with ExitStack() as stack:
                for tap in taps:
                    stack.enter_context(tap.recording())
                try:
                    return train_step(data)
                finally:
                    gradients.update(custom_gradients())

        with (
            overridden(model, "train_step", observed_step),
            overridden(model, "train_function", None),
        ):
            model.make_train_function(force=True)
            return model.train_function
