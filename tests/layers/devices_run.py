"""Run by `test_layers_devices.py` in a process of its own.

Logical devices must be set up before TensorFlow starts. The results go to the file named on the
command line: the devices as JSON, and the weights that training ends at.
"""

import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf
from layer_cases import KINDS

from keras_course_ext import layers


def device_of(tensor) -> str:
    return tensor.device.rsplit("device:", 1)[-1]


def output_and_gradients(layer, x, forward: str, backward: str) -> list:
    with tf.GradientTape() as tape:
        tape.watch(x)
        with tf.device(forward):
            y = layer(x)
    with tf.device(backward):
        return [y, *tape.gradient(y, [x, *[w.value for w in layer.weights]])]


def placed(case, module) -> dict[str, list[str]]:
    """Where weights, output and gradients are, and the operations of a graph."""
    x = tf.constant(case.x())
    with tf.device("CPU:1"):
        layer = case.make(module, activation="tanh")
        layer.build(x.shape)
    places = {"weights": [device_of(w.value) for w in layer.weights]}
    for name, backward in {"all on CPU:1": "CPU:1", "forward on CPU:1": "CPU:0"}.items():
        places[name] = [device_of(t) for t in output_and_gradients(layer, x, "CPU:1", backward)]
    graph = tf.function(output_and_gradients).get_concrete_function(layer, x, "CPU:1", "CPU:1")
    kinds = ("MatMul", "Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", "TanhGrad", "Sum")
    places["graph"] = [device_of(op) for op in graph.graph.get_operations() if op.type in kinds]
    return places


def net(module) -> list:
    return [
        keras.Input((8, 8, 1)),
        module.Conv2D(4, 3, activation="relu"),
        keras.layers.Reshape((36, 4)),
        module.Conv1D(4, 3, padding="causal", strides=2, activation="tanh"),
        keras.layers.Flatten(),
        module.Dense(8, activation="sigmoid", kernel_regularizer="l2"),
        module.Dense(2),
    ]


def trained(strategy, module) -> np.ndarray:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 8, 8, 1)).astype("float32"), rng.normal(size=(64, 2))
    with strategy.scope():
        keras.utils.set_random_seed(1)
        model = keras.Sequential(net(module))
        model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse", jit_compile=False)
    model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


def main(folder: str) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    path = pathlib.Path(folder)
    modules = {"ours": layers, "keras": keras.layers}
    devices = {
        f"{kind}/{name}": placed(case, module)
        for kind, case in KINDS.items()
        for name, module in modules.items()
    }
    (path / "devices.json").write_text(json.dumps(devices))
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    second = tf.distribute.OneDeviceStrategy("CPU:1")
    alone = tf.distribute.get_strategy()
    results = {
        "two": trained(mirrored, layers),
        "second": trained(second, layers),
        "one": trained(alone, layers),
        "keras": trained(mirrored, keras.layers),
    }
    np.savez(path / "weights.npz", **results)


if __name__ == "__main__":
    main(sys.argv[1])
