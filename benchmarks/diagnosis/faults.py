"""The fault recipes: what is changed in a healthy network, and what should be found then."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tasks import BINARY, CLASSES, REGRESSION, Task

ALL = (BINARY, CLASSES, REGRESSION)
OUTPUT, FIRST, ANY = "output", "hidden_1", None


@dataclass(frozen=True)
class Fault:
    """A fault recipe.

    Attributes:
        name: Its name.
        kinds: The kinds of finding that are right.
        layer: Name of the layer that is concerned first, or None where it is not one layer.
        tasks: Kinds of tasks that it makes sense for.
        change: From the settings of a healthy network to those that differ in the faulty one.
        nets: Networks that it makes sense for; () for all.
    """

    name: str
    kinds: tuple[str, ...]
    layer: str | None
    tasks: tuple[str, ...]
    change: Callable[[dict[str, Any]], dict[str, Any]]
    nets: tuple[str, ...] = ()

    def fits(self, task: Task) -> bool:
        """Say whether the recipe makes sense for a task."""
        net = task.healthy()["net"]
        return task.kind in self.tasks and (not self.nets or net in self.nets)


def _set(**settings: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda healthy: settings


DENSE = ("dense", "autoencoder")
SLOW = ("update_too_small", "stalled")
FAST = ("update_too_large", "unstable", "exploding", "non_finite")

FAULTS = {
    fault.name: fault
    for fault in (
        Fault(
            "softmax on one unit",
            ("zero_gradient",),
            OUTPUT,
            (BINARY,),
            _set(output_activation="softmax"),
        ),
        Fault(
            "softmax on one unit, mse",
            ("zero_gradient",),
            OUTPUT,
            (BINARY,),
            _set(output_activation="softmax", loss="mean_squared_error"),
        ),
        Fault(
            "softmax for numbers",
            ("zero_gradient", "output_range"),
            OUTPUT,
            (REGRESSION,),
            _set(output_activation="softmax"),
        ),
        Fault(
            "sigmoid for numbers",
            ("output_range",),
            OUTPUT,
            (REGRESSION,),
            _set(output_activation="sigmoid"),
        ),
        Fault(
            "tanh for numbers",
            ("output_range",),
            OUTPUT,
            (REGRESSION,),
            _set(output_activation="tanh"),
        ),
        Fault(
            "relu for numbers",
            ("output_range",),
            OUTPUT,
            (REGRESSION,),
            _set(output_activation="relu"),
        ),
        Fault(
            "sigmoid for class numbers",
            ("output_range", "loss_mismatch"),
            OUTPUT,
            (CLASSES,),
            _set(output_activation="sigmoid", output_units=1, loss="mean_squared_error"),
        ),
        Fault(
            "sigmoid for class numbers, crossentropy",
            ("output_range", "loss_mismatch"),
            OUTPUT,
            (CLASSES,),
            _set(output_activation="sigmoid", output_units=1, loss="binary_crossentropy"),
        ),
        Fault(
            "tanh under binary crossentropy",
            ("loss_mismatch",),
            OUTPUT,
            (BINARY,),
            _set(output_activation="tanh"),
        ),
        Fault(
            "logits under binary crossentropy",
            ("loss_mismatch",),
            OUTPUT,
            (BINARY,),
            _set(output_activation="linear"),
        ),
        Fault(
            "relu under binary crossentropy",
            ("loss_mismatch",),
            OUTPUT,
            (BINARY,),
            _set(output_activation="relu"),
        ),
        Fault(
            "logits under crossentropy",
            ("loss_mismatch",),
            OUTPUT,
            (CLASSES,),
            _set(output_activation="linear", loss="categorical_crossentropy", encoding="one-hot"),
        ),
        Fault(
            "relu under crossentropy",
            ("loss_mismatch",),
            OUTPUT,
            (CLASSES,),
            _set(output_activation="relu", loss="categorical_crossentropy", encoding="one-hot"),
        ),
        Fault(
            "categorical crossentropy of one unit",
            ("loss_mismatch", "zero_gradient"),
            OUTPUT,
            (BINARY,),
            _set(loss="categorical_crossentropy"),
        ),
        Fault(
            "squared error of class numbers",
            ("loss_mismatch",),
            OUTPUT,
            (CLASSES,),
            _set(loss="mean_squared_error", output_units=1, output_activation="linear"),
        ),
        Fault(
            "crossentropy of numbers",
            ("loss_mismatch", "output_range"),
            OUTPUT,
            (REGRESSION,),
            _set(loss="binary_crossentropy", output_activation="sigmoid"),
        ),
        Fault(
            "softmax twice",
            ("loss_mismatch",),
            OUTPUT,
            (CLASSES,),
            _set(from_logits=True, doubled=True),
        ),
        Fault(
            "raw inputs",
            ("unscaled_input",),
            ANY,
            ALL,
            _set(input_factor=300.0, input_shift=1000.0),
            (*DENSE, "images", "attention"),
        ),
        Fault(
            "raw inputs, sigmoid",
            ("unscaled_input", "saturated"),
            ANY,
            ALL,
            _set(input_factor=100.0, input_shift=300.0, activation="sigmoid"),
            DENSE,
        ),
        Fault(
            "raw targets",
            ("unscaled_target",),
            ANY,
            (REGRESSION,),
            _set(target_factor=2e4, target_shift=2e5),
        ),
        Fault("rate too high", FAST, ANY, ALL, _set(optimizer="sgd", learning_rate=30.0)),
        Fault("rate too high, Adam", FAST, ANY, ALL, _set(learning_rate=3.0)),
        Fault("rate too low", SLOW, ANY, ALL, _set(learning_rate=1e-6)),
        Fault("rate too low, SGD", SLOW, ANY, ALL, _set(optimizer="sgd", learning_rate=1e-4)),
        Fault("too few steps", SLOW, ANY, ALL, _set(epochs=2, batch=256, learning_rate=0.001)),
        Fault(
            "deep sigmoid",
            ("vanishing", "fading"),
            FIRST,
            ALL,
            _set(depth=7, activation="sigmoid", initializer="glorot_uniform"),
            ("dense",),
        ),
        Fault(
            "five sigmoids, SGD",
            ("vanishing", "fading"),
            FIRST,
            ALL,
            _set(depth=5, activation="sigmoid", initializer="glorot_uniform", optimizer="sgd"),
            ("dense",),
        ),
        Fault(
            "no hidden activation",
            ("capacity",),
            FIRST,
            (BINARY, REGRESSION),
            _set(activation="linear"),
            DENSE,
        ),
        Fault(
            "softmax in hidden layers",
            ("vanishing", "fading", "capacity"),
            FIRST,
            ALL,
            _set(activation="softmax", depth=3),
            ("dense",),
        ),
        Fault(
            "zero weights",
            ("symmetric", "zero_gradient"),
            FIRST,
            ALL,
            _set(initializer="zeros"),
            DENSE,
        ),
        Fault("equal weights", ("symmetric",), FIRST, ALL, _set(initializer="ones"), DENSE),
        Fault(
            "large weights",
            ("saturated", "exploding"),
            FIRST,
            ALL,
            _set(initializer=3.0, activation="tanh", depth=4),
            ("dense",),
        ),
        Fault(
            "tiny weights",
            ("vanishing", "fading"),
            FIRST,
            ALL,
            _set(initializer=1e-4, depth=4, activation="tanh"),
            ("dense",),
        ),
        Fault("dead units", ("dead_units",), FIRST, ALL, _set(bias_initializer=-30.0), DENSE),
        Fault("detached", ("no_gradient",), FIRST, ALL, _set(detached=True), DENSE),
        Fault("NaN in the inputs", ("non_finite",), ANY, ALL, _set(bad_rows=7), DENSE),
        Fault("constant labels", ("labels",), ANY, (BINARY, CLASSES), _set(labels="constant")),
        Fault("labels 1 and 2", ("labels", "output_range"), ANY, (BINARY,), _set(labels="from 1")),
        Fault(
            "labels -1 and 1", ("labels", "output_range"), ANY, (BINARY,), _set(labels="-1 and 1")
        ),
    )
}
"""The recipes by name."""
