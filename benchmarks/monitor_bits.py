"""Does a monitor leave the training of `keras.applications` as it is, to the bit?

    python benchmarks/monitor_bits.py                  all architectures, one process each
    python benchmarks/monitor_bits.py VGG16 ResNet50   some of them, in this process

Each is trained for two steps of two small images, from random weights: twice without a monitor, and
with one that records every step. TF_ENABLE_ONEDNN_OPTS=0 tries it without oneDNN.
"""

import os
import subprocess
import sys
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

STATISTICS = ["mean", "zero_share", "saturated_share"]

# By name: size of the images, and arguments that make it small. The cheapest first.
ARCHITECTURES: dict[str, tuple[int, dict[str, Any]]] = {
    "VGG16": (32, {}),
    "MobileNet": (32, {"alpha": 0.25}),
    "MobileNetV2": (32, {"alpha": 0.35}),
    "ResNet50": (32, {}),
    "MobileNetV3Small": (32, {"alpha": 0.75}),
    "EfficientNetB0": (32, {}),
    "Xception": (71, {}),
    "ResNet50V2": (32, {}),
    "ConvNeXtTiny": (32, {}),
    "EfficientNetV2B0": (32, {}),
    "InceptionV3": (75, {}),
    "DenseNet121": (32, {}),
    "VGG19": (32, {}),
    "MobileNetV3Large": (32, {"alpha": 0.75}),
    "NASNetMobile": (32, {}),
    "InceptionResNetV2": (75, {}),
}


def compared(name: str) -> str:
    """Train one architecture with and without a monitor; return a row of the table."""
    import keras
    import numpy as np

    from keras_course_ext.callbacks import GradientMonitor

    size, arguments = ARCHITECTURES[name]
    start = time.process_time()
    keras.utils.set_random_seed(0)
    make = getattr(keras.applications, name)
    model = make(weights=None, classes=10, input_shape=(size, size, 3), **arguments)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    before = [w.numpy() for w in variables]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, size, size, 3)).astype("float32"), rng.integers(0, 10, 4)

    def trained(*callbacks: Any) -> list[np.ndarray]:
        for w, value in zip(variables, before, strict=True):
            w.assign(value)
        model.fit(x, y, batch_size=2, shuffle=False, verbose=0, callbacks=list(callbacks))
        return [w.numpy() for w in model.weights]

    plain = trained()
    seconds = time.process_time() - start
    stable = _same(plain, trained())
    monitor = GradientMonitor(update_freq=1, statistics=STATISTICS)
    same = _same(plain, trained(monitor))
    layers = {layer for layer, _, statistic in monitor.history.keys if statistic == "mean"}
    with_it = time.process_time() - start - seconds
    return (
        f"| {name} | {size} | {len(plain)} | {stable[0]} | {same[0]} | {same[1]:.1e} "
        f"| {len(layers)} | {seconds:.0f} | {with_it:.0f} |"
    )


def _same(a: list[Any], b: list[Any]) -> tuple[int, float]:
    """Return how many arrays differ, and the largest difference."""
    apart = [abs(x - y).max() for x, y in zip(a, b, strict=True) if (x != y).any()]
    return len(apart), max(apart, default=0.0)


def main() -> None:
    """Print the table."""
    names = sys.argv[1:]
    if not names:
        for name in ARCHITECTURES:
            subprocess.run([sys.executable, __file__, name], check=False)
        return
    print("| architecture | size | weights | differ, plain | differ | by | outputs | s plain | s |")
    for name in names:
        print(compared(name), flush=True)


if __name__ == "__main__":
    main()
