"""Remedies: what to change in a program, as the line of code, and what that sets."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Remedy:
    """One change of a program.

    Attributes:
        text: What to do, a string of one sentence, with the code to write.
        changes: What it sets, pairs of a name and a value: `"output_activation"`,
            `"output_units"`, `"loss"`, `"from_logits"`, `"optimizer"`, `"learning_rate"`,
            `"epochs_factor"`, `"activation"`, `"initializer"`, `"inputs"`, `"targets"`, `"labels"`,
            `"normalization"`, `"clipnorm"`. A program can apply them; `benchmarks/diagnosis` does.

    Example:
        >>> from keras_course_ext.monitoring import Remedy
        >>> Remedy("Lower the learning rate.", (("learning_rate", 0.001),)).changes
        (('learning_rate', 0.001),)
    """

    text: str
    changes: tuple[tuple[str, Any], ...] = ()


def output(layer: str, activation: str, loss: str, units: int | None = None) -> Remedy:
    """Return the change of an output layer and its loss."""
    size = f"{units}, " if units else ""
    shown = "None" if activation == "linear" else f'"{activation}"'
    text = (
        f"End the network with keras.layers.Dense({size or 'units, '}activation={shown}) in place "
        f"of '{layer}', and compile it with loss=\"{loss}\"."
    )
    changes = [("output_activation", activation), ("loss", loss), ("from_logits", False)]
    return Remedy(text, (*changes, *([("output_units", units)] if units else [])))


def logits(loss: str) -> Remedy:
    """Return the change to a loss that takes logits."""
    name = "".join(word.title() for word in loss.split("_"))
    return Remedy(
        f"Compile with loss=keras.losses.{name}(from_logits=True).", (("from_logits", True),)
    )


def probabilities(loss: str) -> Remedy:
    """Return the change to a loss that takes probabilities."""
    return Remedy(
        f'Compile with loss="{loss}", without from_logits=True.', (("from_logits", False),)
    )


def relu() -> Remedy:
    """Return the change of the hidden layers to ReLU with He initialization."""
    return Remedy(
        "Use ReLU with He initialization in the hidden layers (activation='relu', "
        "kernel_initializer='he_normal').",
        (("activation", "relu"), ("initializer", "he_normal")),
    )


def initialize(initializer: str) -> Remedy:
    """Return the change of the hidden layers' initializer."""
    return Remedy(
        f"Initialize with kernel_initializer='{initializer}' and biases of 0.",
        (("initializer", initializer), ("bias_initializer", "zeros")),
    )


def lower_rate(rate: float | None, wanted: float | None = None) -> Remedy:
    """Return a smaller learning rate: `wanted`, or a tenth."""
    new = power_of_ten(wanted) if wanted else (rate / 10 if rate else None)
    return _rate("Lower", "by a factor of ten", new)


def raise_rate(rate: float | None, wanted: float | None = None) -> Remedy:
    """Return a larger learning rate: `wanted`, or ten times as much."""
    new = power_of_ten(wanted) if wanted else (rate * 10 if rate else None)
    return _rate("Raise", "by factors of ten until the ratio is about 1e-03", new)


def _rate(verb: str, otherwise: str, new: float | None) -> Remedy:
    if new is None:
        return Remedy(f"{verb} the learning rate {otherwise}.")
    return Remedy(
        f"{verb} the learning rate: learning_rate={new:.2g} in the optimizer.",
        (("learning_rate", float(f"{new:.2g}")),),
    )


def power_of_ten(x: float) -> float:
    """Return the largest power of ten that is not above x."""
    return 10.0 ** math.floor(math.log10(x) + 1e-9)


def adam(rate: float = 0.001) -> Remedy:
    """Return the change to Adam with its usual rate."""
    return Remedy(
        f"Compile with optimizer=keras.optimizers.Adam({rate:g}).",
        (("optimizer", "adam"), ("learning_rate", rate)),
    )


def longer(factor: int) -> Remedy:
    """Return more epochs."""
    return Remedy(
        f"Train longer: fit(epochs=...) with {factor} times as many.", (("epochs_factor", factor),)
    )


def clip() -> Remedy:
    """Return clipping of the gradients."""
    return Remedy("Clip the gradients with global_clipnorm=1.0.", (("clipnorm", 1.0),))


def scale_inputs() -> Remedy:
    """Return standardized inputs."""
    return Remedy(
        "Scale the inputs to mean 0 and standard deviation 1: begin the network with a "
        "keras.layers.Normalization() that was given the data by adapt(x).",
        (("inputs", "standardized"),),
    )


def scale_targets() -> Remedy:
    """Return standardized targets."""
    return Remedy(
        "Scale the targets, y = (y - y.mean()) / y.std(), and scale the predictions back.",
        (("targets", "standardized"),),
    )


def normalize() -> Remedy:
    """Return normalization layers."""
    return Remedy(
        "Put normalization (keras.layers.BatchNormalization or LayerNormalization) or residual "
        "connections between the layers, or use fewer of them.",
        (("normalization", True),),
    )
