"""What a GradientMonitor adds as replicas, parameters and layers grow.

python benchmarks/scaling.py                              # some minutes, no time is measured
python benchmarks/scaling.py --json scaling.json --picture docs/scaling.png

* `summed`: bytes that one replica hands to the sum over the replicas in a step, with the monitor
  and without, counted while the step is traced.
* `stores`: bytes of the monitor's variables on one replica.
* `row`: bytes that the host keeps of a recorded step.
* `nodes`: operations of the graph of a step.

Replicas are logical devices of one CPU. What does not need a traced step is counted for larger
networks too. The exponent of a growth is the slope of a straight line on logarithmic axes.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_course_ext as kce
from keras_course_ext.callbacks.recording import Recording, Request
from keras_course_ext.monitoring.record.statistics import STATISTICS

REPLICAS = 4
ALL = tuple(dict.fromkeys(name for _, name in STATISTICS))


@dataclass(frozen=True)
class Cell:
    """One size of training, and what was counted there.

    Attributes:
        replicas: Number of replicas.
        layers: Number of Dense layers.
        parameters: Number of weights, biases included.
        summed: Bytes summed over the replicas in a step with the monitor; None if not traced.
        plain: The same without it.
        stores: Bytes of the monitor's variables on one replica.
        row: Bytes of a recorded step on the host.
        nodes: Operations in the graph of a step with the monitor; None if not traced.
        plain_nodes: The same without it.
    """

    replicas: int
    layers: int
    parameters: int
    summed: int | None
    plain: int | None
    stores: int
    row: int
    nodes: int | None
    plain_nodes: int | None


class Counting(tf.distribute.ReductionToOneDevice):
    """Sums over replicas, and counts the bytes of what one replica hands over."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def _count(self, value: Any) -> None:
        first = value.values[0] if hasattr(value, "values") else value
        if isinstance(first, tf.Tensor) and first.shape.is_fully_defined():
            self.bytes += first.dtype.size * (first.shape.num_elements() or 0)

    def reduce_implementation(
        self, reduce_op: Any, per_replica_value: Any, destinations: Any, options: Any
    ) -> Any:
        """Count and reduce one value; TensorFlow reduces several by calling this for each."""
        self._count(per_replica_value)
        return super().reduce_implementation(reduce_op, per_replica_value, destinations, options)


def network(layers: int, units: int) -> keras.Model:
    """Return an MLP whose layers all have the same size."""
    stack = [keras.layers.Dense(units, activation="relu") for _ in range(layers)]
    return keras.Sequential([keras.Input((units,)), *stack])


def traced(replicas: int, layers: int, units: int, monitor: bool) -> tuple[int, int]:
    """Trace a step; return the bytes that are summed over replicas, and its operations."""
    counting = Counting()
    devices = [f"CPU:{i}" for i in range(replicas)]
    strategy = tf.distribute.MirroredStrategy(devices, cross_device_ops=counting)
    with strategy.scope():
        model = network(layers, units)
        optimizer = keras.optimizers.SGD(0.01)
        optimizer.build(model.trainable_variables)

    def of_replica() -> None:
        x = tf.ones((1, units))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(x))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    step = tf.function(lambda: strategy.run(of_replica))
    if not monitor:
        graph = step.get_concrete_function().graph
        return counting.bytes, _operations(graph)
    found = []
    with kce.callbacks.GradientMonitor(update_freq=1).watch(model, optimizer):
        graph = step.get_concrete_function().graph
        found = [counting.bytes, _operations(graph)]
        step()
    return found[0], found[1]


def _operations(graph: Any) -> int:
    library = graph.as_graph_def().library.function
    return len(graph.get_operations()) + sum(len(f.node_def) for f in library)


def held(layers: int, units: int) -> tuple[int, int, int]:
    """Return the parameters, and the bytes of the stores and of a recorded step."""
    model = network(layers, units)
    optimizer = keras.optimizers.SGD(0.01)
    optimizer.build(model.trainable_variables)
    recording = Recording(model, {"optimizer": optimizer}, Request(ALL), in_fit=False)
    (store,) = recording._stores
    variables = {id(v): v for v in _variables(store)}
    size = sum(v.dtype.size * (v.shape.num_elements() or 0) for v in variables.values())
    layout = recording._spec.layout if recording._spec else None
    assert layout is not None
    values = len(layout.weights) * len(layout.of_weight) + len(layout.signals) * len(
        layout.of_output
    )
    return model.count_params(), size, 4 * values


def _variables(thing: Any, depth: int = 3) -> list[tf.Variable]:
    if isinstance(thing, tf.Variable):
        return [thing]
    inner = vars(thing).values() if hasattr(thing, "__dict__") and depth else ()
    return [v for part in inner for v in _variables(part, depth - 1)]


def cell(replicas: int, layers: int, units: int, trace: bool) -> Cell:
    """Count everything of one size."""
    parameters, stores, row = held(layers, units)
    summed = plain = nodes = plain_nodes = None
    if trace:
        plain, plain_nodes = traced(replicas, layers, units, monitor=False)
        summed, nodes = traced(replicas, layers, units, monitor=True)
    keras.backend.clear_session()
    return Cell(replicas, layers, parameters, summed, plain, stores, row, nodes, plain_nodes)


def exponent(x: list[float], y: list[float]) -> float:
    """Return the slope of a straight line through the logarithms."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def grids() -> dict[str, list[tuple[int, int, int, bool]]]:
    """Return (replicas, layers, units, whether to trace) along each axis."""
    return {
        "replicas": [(r, 5, 32, True) for r in (1, 2, 3, 4)],
        "parameters": [(2, 5, units, True) for units in (44, 141, 447, 1414)],
        "layers": [(2, n, 16, True) for n in (10, 20, 30)],
    }


def drawn(found: dict[str, list[Cell]], path: Path) -> None:
    """Draw the three growths."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    lines = {
        "replicas": ("summed", "plain"),
        "parameters": ("summed", "plain"),
        "layers": ("stores", "row"),
    }
    labels = {
        "summed": "summed over replicas, monitored",
        "plain": "summed over replicas, plain",
        "stores": "the monitor's variables",
        "row": "a recorded step on the host",
    }
    for ax, (axis, names) in zip(axes, lines.items(), strict=True):
        for name, style in zip(names, ("o-", "s--"), strict=True):
            cells = [c for c in found[axis] if getattr(c, name)]
            ax.plot(
                [getattr(c, axis) for c in cells],
                [getattr(c, name) for c in cells],
                style,
                label=labels[name],
            )
        ax.set(
            xlabel=axis,
            ylabel="bytes",
            yscale="log",
            xscale="linear" if axis == "replicas" else "log",
        )
        ax.legend(frameon=False, fontsize=8)
    axes[0].set_xticks(range(1, REPLICAS + 1))
    figure.savefig(path, dpi=110)


def main() -> None:
    """Print the tables and the exponents."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    cpu = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * REPLICAS
    tf.config.set_logical_device_configuration(cpu, devices)
    found: dict[str, list[Cell]] = {}
    for axis, sizes in grids().items():
        found[axis] = []
        print(f"\n{axis:>10}" + "".join(f"{name:>14}" for name in list(asdict_names())))
        for size in sizes:
            found[axis].append(cell(*size))
            values = asdict(found[axis][-1])
            print(
                f"{values[axis]:10}"
                + "".join(
                    f"{values[n] if values[n] is not None else '-':>14}" for n in asdict_names()
                ),
                flush=True,
            )
    print()
    for axis, name in (
        ("parameters", "summed"),
        ("parameters", "plain"),
        ("parameters", "stores"),
        ("layers", "stores"),
        ("layers", "row"),
        ("layers", "nodes"),
    ):
        cells = [c for c in found[axis] if getattr(c, name)]
        x, y = [getattr(c, axis) for c in cells], [getattr(c, name) for c in cells]
        print(f"{name} grows as {axis} to the power {exponent(x, y):.2f}")
    if given.json:
        document = {axis: [asdict(c) for c in cells] for axis, cells in found.items()}
        given.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if given.picture:
        drawn(found, given.picture)


def asdict_names() -> list[str]:
    """Return the columns of the table."""
    return [
        "replicas",
        "layers",
        "parameters",
        "summed",
        "plain",
        "stores",
        "row",
        "nodes",
        "plain_nodes",
    ]


if __name__ == "__main__":
    main()
