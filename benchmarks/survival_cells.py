"""The survival matrix: its axes, and the test of one of its cells.

A cell is a configuration of training: an optimizer, an execution mode, a precision, an option of
the optimizer, a kind of model, a number of devices. An optimizer **survives** a cell if `fit`
raises nothing and ends with the expected weights.

These are computed without `fit`, without TensorFlow's gradients and without the optimizers'
options. Every model here is linear with a mean squared error, L = mean (X W + b − y)² (so is an
Embedding with an average over its words: X counts the words), so that in float64

    g = 2 / (n m) Xᵀ (X W + b − y)          n rows in the whole batch, m outputs

is the gradient of the whole batch, into however many parts or devices it is split. Its norm or its
values are clipped; Keras's rule makes one step with it, dense, eager, on one device; the weights
are projected, and their average is computed. So each option is defined here once, in NumPy, and
Keras and this package are compared with the same numbers.

Weights w survive if ‖w − expected‖ ≤ tolerance ‖expected − start‖. A variable without a gradient
must not move at all.
"""

import re
import warnings
from functools import cache
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import keras_course_ext as kce

STEPS, BATCH, WIDTH, ROWS, WORDS = 3, 8, 2, 5, 4
RATE, THRESHOLD, SHARE, PARTS = 1 / 16, 1 / 8, 0.5, 2

TOLERANCES = {
    "float32": 5e-5,
    # Keras rounds β₂ to float32 in float64 too, which is 1e-5 of 1 − β₂.
    "float64": 5e-5,
    "mixed_float16": 2e-3,
    "mixed_bfloat16": 8e-3,
}
"""By precision: several times the rounding errors that occur, and less than the effect of any
fault found so far, which is at least 0.012."""

OPTIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "clipnorm": {"clipnorm": THRESHOLD},
    "clipvalue": {"clipvalue": THRESHOLD},
    "global_clipnorm": {"global_clipnorm": THRESHOLD},
    "weight_decay": {"weight_decay": 0.25},
    "EMA": {"use_ema": True, "ema_momentum": SHARE},
    "accumulation": {"gradient_accumulation_steps": PARTS},
    "loss_scale_factor": {"loss_scale_factor": 128.0},
    "schedule": {},
    "callable rate": {},
}
FALLING = ("schedule", "callable rate")
"""The options under which the rate is halved after every step."""

AXES: dict[str, tuple[str, ...]] = {
    "optimizer": ("SGD", "Adam", "RMSprop"),
    "mode": ("eager", "graph", "jit"),
    "dtype": tuple(TOLERANCES),
    "option": tuple(OPTIONS),
    "model": ("dense", "embedding", "missing gradient", "constraint"),
    "devices": ("one", "two"),
}

ARGUMENTS: dict[str, dict[str, Any]] = {"SGD": {"momentum": 0.9}}
"""The arguments of an optimizer of the matrix, in addition to the rate and the option."""


class Cell(NamedTuple):
    """One configuration of training, with a value of every axis.

    Attributes:
        optimizer: The name of the class, in `keras_course_ext.optimizers` and in Keras.
        mode: "eager", "graph" or "jit".
        dtype: The name of the dtype policy.
        option: A key of `OPTIONS`.
        model: "dense", "embedding" (whose words repeat), "missing gradient" or "constraint".
        devices: "one", or "two" logical CPUs under MirroredStrategy.
    """

    optimizer: str
    mode: str
    dtype: str
    option: str
    model: str
    devices: str

    def __str__(self) -> str:
        """Return the values on one line, which is the name of the cell's test."""
        return ", ".join(self)


APART = {(("mode", "jit"), ("devices", "two"))}
"""Keras's trainer cannot compile a step over several devices with XLA: TensorFlow refuses a
variable on another device. A cover must not use such cells for other pairs."""

OVER_DEVICES = Cell("SGD", "jit", "float32", "none", "dense", "two")
"""The simplest of the cells that `APART` excludes."""


class Outcome(NamedTuple):
    """The result of one optimizer in one cell.

    Attributes:
        verdict: "ok"; "wrong", if it ended with other weights; "raised"; or "trainer", if it failed
            and Keras's plain gradient descent fails, too, in the same cell without any option.
        detail: The error, relative to the expected change of the weights, or the message.
    """

    verdict: str
    detail: str = ""


def two_devices() -> Any:
    """Split the CPU into two devices; must be called before any other TensorFlow operation."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def outcome(cell: Cell, library: str, mirrored: Any) -> Outcome:
    """Train in a cell and compare the weights with the expected ones.

    Args:
        cell: The cell.
        library: Whose optimizer: "ours" or "keras".
        mirrored: The strategy that `two_devices` returned.

    Returns:
        The `Outcome`.
    """
    plain = cell._replace(optimizer="plain", option="none")
    if plain not in _CANNOT:
        found = _judged(cell, library, mirrored)
        if found.verdict == "ok" or _plain(plain, mirrored).verdict == "ok":
            return found
        _CANNOT[plain] = Outcome("trainer", _plain(plain, mirrored).detail)
    return _CANNOT[plain]


def keras_has(optimizer: str) -> bool:
    """Return whether Keras has an optimizer of that name."""
    return hasattr(keras.optimizers, optimizer)


_CANNOT: dict[Cell, Outcome] = {}


@cache
def _plain(cell: Cell, mirrored: Any) -> Outcome:
    return _judged(cell, "keras", mirrored)


def _judged(cell: Cell, library: str, mirrored: Any) -> Outcome:
    try:
        weights = trained(cell, library, mirrored if cell.devices == "two" else None)
    except Exception as error:
        # The longest line is the message, the others are places in code; colour codes are removed.
        text = re.sub(r"\x1b\[\d+m| \(defined @ [^)]*\)", "", str(error))
        message = max(text.splitlines(), key=len, default="").strip()
        return Outcome("raised", f"{type(error).__name__}: {message[:160]}")
    want = expected(cell.optimizer, cell.option, cell.model)
    for extra in weights[len(want) :]:
        if np.any(extra != 1.0):
            return Outcome("wrong", "the variable without a gradient moved")
    error = _norm(w - e for w, e in zip(weights, want, strict=False))
    error /= _norm(e - s for e, s in zip(want, start(cell.model), strict=True))
    # Not `error > tolerance`, which is false for NaN.
    verdict = "ok" if error <= TOLERANCES[cell.dtype] else "wrong"
    return Outcome(verdict, f"off by {error:.1e}")


def trained(cell: Cell, library: str, strategy: Any) -> list[np.ndarray]:
    """Return the trainable weights after a `fit` in a cell.

    Args:
        cell: The cell.
        library: "ours" or "keras".
        strategy: The strategy of the cell; `None` for one device.
    """
    _set_precision(cell.dtype)
    x, y, _ = _data(cell.model)
    with (strategy or tf.distribute.get_strategy()).scope():
        model, rate = _model(cell.model), keras.Variable(RATE, trainable=False)
        learning_rate = {
            "schedule": keras.optimizers.schedules.ExponentialDecay(RATE, 1, 0.5),
            "callable rate": lambda: tf.convert_to_tensor(rate.value),
        }.get(cell.option, RATE)
        optimizer = _optimizer(cell.optimizer, library, learning_rate, **OPTIONS[cell.option])
        model.compile(optimizer, "mse", **_how(cell.mode))
    halve = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: rate.assign(RATE / 2**batch)
    )
    with warnings.catch_warnings():
        # Keras warns, rightly, of the variable without a gradient.
        warnings.simplefilter("ignore")
        model.fit(
            x,
            y,
            batch_size=BATCH // PARTS if cell.option == "accumulation" else BATCH,
            shuffle=False,
            verbose=0,
            callbacks=[halve] if cell.option == "callable rate" else [],
        )
    return [np.asarray(w, "float64") for w in model.get_weights()]


@cache
def expected(optimizer: str, option: str, model: str) -> list[np.ndarray]:
    """Return the expected weights after training: W, and b if the model has one.

    They are computed in NumPy as the module's docstring describes. Only weight decay is left to the
    rule, because some rules include it.

    Args:
        optimizer: The name of the class; Keras's where Keras has one.
        option: A key of `OPTIONS`.
        model: The kind of model.
    """
    _set_precision("float64")
    library = "keras" if optimizer == "plain" or keras_has(optimizer) else "ours"
    decay = OPTIONS["weight_decay"] if option == "weight_decay" else {}
    rule, rate = _optimizer(optimizer, library, RATE, **decay), RATE
    _, Y, X = _data(model)
    variables = [keras.Variable(w, dtype="float64") for w in start(model)]
    average: list[np.ndarray] = []
    for x, y in zip(np.split(X, STEPS), np.split(Y, STEPS), strict=True):
        W, *b = (v.numpy() for v in variables)
        r = 2 / y.size * (x @ W + sum(b) - y)
        gradients = _clipped([x.T @ r, *(r.sum(axis=0) for _ in b)], option)
        rule.learning_rate = rate
        rule.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
        if model == "constraint":
            variables[0].assign(np.maximum(variables[0].numpy(), 0.0))
        rate *= 0.5 if option in FALLING else 1.0
        now = [v.numpy() for v in variables]
        average = [SHARE * a + (1 - SHARE) * w for a, w in zip(average or now, now, strict=True)]
    return average if option == "EMA" else [v.numpy() for v in variables]


def _clipped(gradients: list[np.ndarray], option: str) -> list[np.ndarray]:
    if option == "clipvalue":
        return [np.clip(g, -THRESHOLD, THRESHOLD) for g in gradients]
    if option == "clipnorm":
        return [g * min(1.0, THRESHOLD / _norm([g])) for g in gradients]
    if option == "global_clipnorm":
        return [g * min(1.0, THRESHOLD / _norm(gradients)) for g in gradients]
    return gradients


def _norm(arrays: Any) -> float:
    return float(np.sqrt(sum(np.sum(np.square(a)) for a in arrays)))


def _set_precision(dtype: str) -> None:
    keras.backend.clear_session(free_memory=False)
    keras.config.set_floatx("float64" if dtype == "float64" else "float32")
    keras.config.set_dtype_policy(dtype)


def _optimizer(name: str, library: str, learning_rate: Any, **option: Any) -> Any:
    if name == "plain":
        return keras.optimizers.SGD(learning_rate)
    cls = getattr({"ours": kce.optimizers, "keras": keras.optimizers}[library], name)
    return cls(learning_rate, **ARGUMENTS.get(name, {}), **option)


def _how(mode: str) -> dict[str, bool]:
    return {"run_eagerly": mode == "eager", "jit_compile": mode == "jit"}


@cache
def _data(model: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The inputs, the targets, and X: all multiples of 1/8, exact in every precision."""
    rng = np.random.default_rng(0)
    n = STEPS * BATCH
    y = rng.integers(-8, 9, (n, WIDTH)) / 8
    if model == "embedding":
        words = rng.integers(0, ROWS, (n, WORDS)).astype("int32")
        return words, y, np.eye(ROWS)[words].mean(axis=1)
    x = rng.integers(-8, 9, (n, ROWS)) / 8
    return x, y, x


def start(model: str) -> list[np.ndarray]:
    """Return the initial weights: W, and b if the model has one."""
    W = np.random.default_rng(1).integers(-4, 5, (ROWS, WIDTH)) / 8
    if model == "embedding":
        return [W]
    return [abs(W) if model == "constraint" else W, np.zeros(WIDTH)]


def _model(kind: str) -> Any:
    if kind == "embedding":
        words = keras.Input((WORDS,), dtype="int32")
        layers = [
            words,
            keras.layers.Embedding(ROWS, WIDTH),
            keras.layers.GlobalAveragePooling1D(),
        ]
    elif kind == "missing gradient":
        layers = [keras.Input((ROWS,)), _DenseAndAnUnusedWeight(WIDTH)]
    else:
        constraint = "non_neg" if kind == "constraint" else None
        layers = [keras.Input((ROWS,)), keras.layers.Dense(WIDTH, kernel_constraint=constraint)]
    model = keras.Sequential(layers)
    model.set_weights([*start(kind), *model.get_weights()[len(start(kind)) :]])
    return model


class _DenseAndAnUnusedWeight(keras.layers.Dense):
    """The loss does not depend on its third weight, whose gradient is `None`."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.unused = self.add_weight(shape=(2,), initializer="ones")
