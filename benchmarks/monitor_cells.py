"""The monitor's matrix: its axes, and what must hold in one of its cells.

A cell is a way to train: a kind of model, a precision, how the step is run, how many steps at once,
a number of devices, an option of the optimizer, and whose optimizer it is. The model is fitted
there twice, from the same weights and on the same batches, without the monitor and with it. Then

* every figure that the monitor recorded, of every step, is that of `monitor_oracle.py`;
* weights, optimizer slots and loss history are the same bits. Only under XLA in half precision,
  where it fuses what it compiles anew and keeps other excess bits, they are the same within
  rounding.

What Keras cannot train without the monitor is no cell of the monitor's; the outcome says how it
fails. Tolerances are relative, and each has a floor where figures are differences of larger ones.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import keras
import monitor_oracle
import numpy as np
import tensorflow as tf
from monitor_models import BATCH, MODELS, data, loss

import keras_course_ext as kce
from keras_course_ext.monitoring import Key

EPOCHS = 2

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.1},
    "global_clipnorm": {"global_clipnorm": 0.3},
    "accumulation": {"gradient_accumulation_steps": 2},
    "EMA": {"use_ema": True, "ema_momentum": 0.9},
}


class OwnSubclass(keras.optimizers.Optimizer):
    """A custom optimizer as in Keras's guide: gradient descent with momentum."""

    def build(self, variables: Any) -> None:
        """Make the velocities."""
        super().build(variables)
        self.velocities = [self.add_variable_from_reference(v, "velocity") for v in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one weight."""
        gradient = tf.convert_to_tensor(gradient)
        velocity = self.velocities[self._get_variable_index(variable)]
        self.assign(velocity, 0.5 * velocity + gradient)
        self.assign_sub(variable, tf.cast(learning_rate, variable.dtype) * velocity)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return super().get_config()


# Adam divides by √v: with the usual ε a gradient that is 0 up to rounding would make a full step.
OPTIMIZERS: dict[str, Any] = {
    "Keras SGD": lambda **option: keras.optimizers.SGD(0.05, momentum=0.9, **option),
    "Keras Adam": lambda **option: keras.optimizers.Adam(0.01, epsilon=0.01, **option),
    "our SGD": lambda **option: kce.optimizers.SGD(0.05, momentum=0.9, **option),
    "our Adam": lambda **option: kce.optimizers.Adam(0.01, epsilon=0.01, **option),
    "own subclass": lambda **option: OwnSubclass(0.05, **option),
}

AXES: dict[str, tuple[str, ...]] = {
    "model": tuple(MODELS),
    "dtype": ("float32", "mixed_float16", "mixed_bfloat16"),
    "mode": ("eager", "graph", "jit"),
    "steps": ("1", "7"),
    "devices": ("one", "two"),
    "option": tuple(OPTIONS),
    "optimizer": tuple(OPTIMIZERS),
}


class Cell(NamedTuple):
    """One way to train, a value of every axis.

    Attributes:
        model: A key of `monitor_models.MODELS`.
        dtype: The name of the dtype policy.
        mode: "eager", "graph" or "jit".
        steps: `steps_per_execution`.
        devices: "one", or "two" logical CPUs under MirroredStrategy.
        option: A key of `OPTIONS`.
        optimizer: A key of `OPTIMIZERS`.
    """

    model: str
    dtype: str
    mode: str
    steps: str
    devices: str
    option: str
    optimizer: str

    def __str__(self) -> str:
        """Return the values on one line, as the test of the cell is called."""
        return ", ".join(self)


class Outcome(NamedTuple):
    """The outcome of one cell.

    Attributes:
        verdict: "ok"; "wrong", a figure is not the oracle's; "changed", training is not the same;
            "raised", only with the monitor; "refused", so before training started; or "trainer",
            Keras cannot train there without the monitor: it raises, or leaves weights that are not
            finite (under loss scaling over devices it asks the first one alone whether to skip).
        detail: The largest error and where it is, or the message.
    """

    verdict: str
    detail: str = ""


def two_devices() -> Any:
    """Split the CPU into two devices; must come before anything else that TensorFlow does."""
    # On several threads the order of the additions in a convolution depends on the load.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def outcome(cell: Cell, mirrored: Any) -> Outcome:
    """Train in a cell, and judge what the monitor recorded and what it changed.

    Args:
        cell: Where.
        mirrored: The strategy that `two_devices` made.
    """
    strategy = mirrored if cell.devices == "two" else tf.distribute.get_strategy()
    try:
        plain, losses = _fitted(_compiled(cell, strategy), cell)
    except Exception as error:
        return Outcome("trainer", _message(error))
    lost = [w.path for w in plain.variables if not np.isfinite(np.asarray(w, "float64")).all()]
    if lost:
        return Outcome("trainer", f"not finite after a fit without the monitor: {lost[0]}")
    monitor = kce.callbacks.GradientMonitor(update_freq=1)
    model = _compiled(cell, strategy)
    start = [np.asarray(w) for w in model.trainable_variables]
    try:
        _, seen = _fitted(model, cell, monitor)
    except Exception as error:
        begun = int(model.optimizer.iterations) > 0
        return Outcome("raised" if begun else "refused", _message(error))
    changed = _changed(cell, (plain, losses), (model, seen), start)
    if changed:
        return Outcome("changed", changed)
    if cell.model == "Dropout" and (cell.devices == "two" or cell.mode == "jit"):
        # XLA draws other random numbers from the same seed, and so does each replica.
        return Outcome("ok", "same training; no oracle sees the same draws")
    replicas = 2 if cell.devices == "two" else 1
    mode = "eager" if cell.dtype == "float32" else cell.mode
    steps = expected(*cell[:2], mode, replicas, *cell[5:])
    return judged(monitor.history, steps, cell.dtype)


def _message(error: Exception) -> str:
    # The longest line of the message names the error; colour codes are removed.
    text = re.sub(r"\x1b\[\d+m| \(defined @ [^)]*\)", "", str(error))
    message = max(text.splitlines(), key=len, default="").strip()
    return f"{type(error).__name__}: {message[:160]}"


def _compiled(cell: Cell, strategy: Any, mode: bool = True) -> Any:
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(3)
    keras.config.set_dtype_policy(cell.dtype)
    how: dict[str, Any] = {"run_eagerly": cell.mode == "eager", "jit_compile": cell.mode == "jit"}
    how["steps_per_execution"] = int(cell.steps)
    with strategy.scope():
        model = MODELS[cell.model]()
        optimizer = OPTIMIZERS[cell.optimizer](**OPTIONS[cell.option])
        how = how if mode else {"run_eagerly": True}
        model.compile(optimizer, loss(cell.model), **how)
    return model


def _fitted(model: Any, cell: Cell, *callbacks: Any) -> tuple[Any, dict[str, list[float]]]:
    history = model.fit(
        *data(cell.model),
        batch_size=BATCH,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
    )
    return model, history.history


@cache
def expected(
    model: str, dtype: str, mode: str, replicas: int, option: str, optimizer: str
) -> list[monitor_oracle.Figures]:
    """Return the oracle's figures of every step."""
    cell = Cell(model, dtype, "eager", "1", "one", option, optimizer)
    built = _compiled(cell, tf.distribute.get_strategy(), mode=False)
    return monitor_oracle.steps(built, *data(model), replicas, EPOCHS, mode)


def _changed(cell: Cell, plain: Any, monitored: Any, start: list[np.ndarray]) -> str:
    """Return what the monitor changed and by how much; empty if nothing."""
    rounding = cell.mode == "jit" and cell.dtype != "float32"
    for name, values in plain[1].items():
        if not np.allclose(
            values, monitored[1][name], rtol=2e-2 * rounding, atol=0, equal_nan=True
        ):
            return f"{name} of the history: {values} became {monitored[1][name]}"
    way = max(
        float(np.linalg.norm(np.asarray(w) - s))
        for w, s in zip(plain[0].trainable_variables, start, strict=True)
    )
    for part in ("variables", "optimizer.variables"):
        of = [_variables(side[0], part) for side in (plain, monitored)]
        for a, b in zip(*of, strict=True):
            x, y = np.asarray(a, "float64"), np.asarray(b, "float64")
            if np.array_equal(x, y, equal_nan=True):
                continue
            far = float(np.linalg.norm(x - y))
            if not rounding or not far <= 5e-2 * max(way, float(np.linalg.norm(x))):
                return f"{a.path} by {far:.1e}, where weights move by {way:.1e}"
    return ""


def _variables(model: Any, part: str) -> Any:
    return model.variables if part == "variables" else model.optimizer.variables


TOLERANCES = {"float32": 1e-5, "mixed_float16": 1e-2, "mixed_bfloat16": 1e-2}
ROUNDING = {"float32": 2**-24, "mixed_float16": 2**-11, "mixed_bfloat16": 2**-8}


def judged(history: Any, steps: Sequence[monitor_oracle.Figures], dtype: str) -> Outcome:
    """Compare what was recorded with what the oracle saw.

    Args:
        history: The monitor's `GradientHistory`.
        steps: The oracle's figures.
        dtype: The name of the dtype policy.
    """
    if history.steps.tolist() != list(range(len(steps))):
        return Outcome("wrong", f"recorded the steps {history.steps.tolist()}")
    wanted, recorded = {key for step in steps for key in step}, {*history.keys}
    missing = ", ".join("/".join(key) for key in sorted(wanted - recorded))
    extra = sorted(key for key in recorded - wanted if key.statistic == "grad_norm")
    if extra:
        return Outcome("wrong", f"recorded what has no gradient: {extra}")
    worst: tuple[float, Key, int] = (0.0, Key("", "", ""), 0)
    for key in sorted(wanted & recorded):
        at, _, values = history.series(*key)
        if at.tolist() != [i for i, step in enumerate(steps) if key in step]:
            return Outcome("wrong", f"recorded {key} at the steps {at.tolist()}")
        for i, found in zip(at, values, strict=True):
            error = abs(float(found) - steps[i][key]) / _size(key, steps[i], dtype)
            # "not below" is true for NaN.
            if not error <= worst[0]:
                worst = (error, key, int(i))
    error, key, i = worst
    if not error <= TOLERANCES[dtype]:
        return Outcome("wrong", f"off by {error:.1e}, {'/'.join(key)} at step {i}")
    if missing:
        return Outcome("wrong", f"not recorded: {missing}")
    return Outcome("ok", f"off by {error:.1e}, {'/'.join(key)} at step {i}")


def _size(key: Key, step: monitor_oracle.Figures, dtype: str) -> float:
    """What an error is relative to: the figure, or the larger terms whose difference it is."""
    size = abs(step[key])
    if key.statistic == "mean":  # of values of both signs
        size = max(size, step[key._replace(statistic="std")])
    elif key.statistic == "std":  # of elements rounded to so much of their mean
        size = max(
            size, ROUNDING[dtype] / TOLERANCES[dtype] * abs(step[key._replace(statistic="mean")])
        )
    elif key.statistic == "update_ratio":  # the difference of weights rounded to 2⁻²⁴
        size = max(size, ROUNDING["float32"] / TOLERANCES[dtype])
    elif key.statistic.endswith("_share") or key.statistic == "dead_units":
        size = max(size, 1.0)
    return size or 1e-30
