"""The lines of code that a remedy changes, from what it sets."""

from collections.abc import Callable, Mapping
from typing import Any

from keras_course_ext.monitoring.diagnosis.remedy import Remedy

Changes = Mapping[str, Any]

_DATA = {
    ("inputs", "standardized"): [
        "normalize = keras.layers.Normalization()",
        "normalize.adapt(x_train)  # and put it before the first layer",
    ],
    ("inputs", "finite"): ["x = np.nan_to_num(x)"],
    ("targets", "standardized"): ["y = (y - y.mean()) / y.std()"],
    ("targets", "from 0 to 1"): ["y = (y - y.min()) / (y.max() - y.min())"],
    ("targets", "divided by 255"): ["y = y / 255."],
    ("labels", "from 0"): ["y = y - y.min()"],
    ("labels", "from -1 and 1"): ["y = (y + 1) / 2"],
    ("labels", "finite"): ["keep = np.isfinite(y)", "x, y = x[keep], y[keep]"],
}


def code_of(remedy: Remedy) -> list[str]:
    """Return the lines of a remedy; none if it is not known how to write it."""
    changes = dict(remedy.changes)
    lines = [line for write in _WRITERS for line in write(changes)]
    for item in changes.items():
        try:
            lines += _DATA.get(item, [])
        except TypeError:  # a value that cannot be a key is none of the data's
            continue
    return lines


def _layer(changes: Changes) -> list[str]:
    arguments = []
    for name, key in (("activation", "output_activation"), ("activation", "activation")):
        if key in changes:
            value = None if changes[key] == "linear" else changes[key]
            arguments.append(f"{name}={_quoted(value)}")
    for name, key in (("kernel", "initializer"), ("bias", "bias_initializer")):
        if key in changes:
            arguments.append(f"{name}_initializer={_quoted(changes[key])}")
    if not arguments and "output_units" not in changes:
        return []
    first = str(changes.get("output_units", "units"))
    return [f"keras.layers.Dense({', '.join([first, *arguments])})"]


def _loss(changes: Changes) -> list[str]:
    if "loss" in changes:
        return [f'model.compile(optimizer, loss="{changes["loss"]}")']
    if "from_logits" in changes:
        given = f"from_logits={changes['from_logits']}"
        return [
            f"loss = keras.losses.SparseCategoricalCrossentropy({given})  # or the one you have"
        ]
    return []


def _optimizer(changes: Changes) -> list[str]:
    rate = changes.get("learning_rate")
    if changes.get("optimizer") == "adam":
        return [f"optimizer = keras.optimizers.Adam({rate or 0.001:g})"]
    lines = [] if rate is None else [f"model.optimizer.learning_rate = {rate:g}"]
    if "clipnorm" in changes:
        lines.append(
            f"optimizer = keras.optimizers.Adam(1e-3, global_clipnorm={changes['clipnorm']})"
        )
    return lines


def _others(changes: Changes) -> list[str]:
    lines = []
    if changes.get("normalization"):
        lines.append("keras.layers.BatchNormalization()  # between two layers")
    if "epochs_factor" in changes:
        lines.append(f"model.fit(x, y, epochs={changes['epochs_factor']} * epochs)")
    if changes.get("one_output"):
        lines.append("keras.layers.Flatten()  # before the output layer")
    return lines


_WRITERS: tuple[Callable[[Changes], list[str]], ...] = (_layer, _loss, _optimizer, _others)


def _quoted(value: Any) -> str:
    return "None" if value is None else f'"{value}"'
