"""What a GradientMonitor costs at the start: CPU seconds and memory until the second step's end.

python benchmarks/monitor_start.py                            # everything, about an hour
python benchmarks/monitor_start.py --nets "60 Dense" --settings default --modes jit --pairs 3

Every fit is a process of its own, and the variants take turns. Ratios to the fit without a monitor
of the same turn are medians with a bootstrapped 95 % interval; "nothing" is a second fit without a
monitor, which must be 1 within its interval. There are three of them:

* `process`: CPU seconds of all threads, with the imports, of TensorFlow and of this package.
* `fit`: CPU seconds from the call of `fit` on.
* `memory`: the largest resident memory of the process.

CPU seconds depend less on other load than time does, but a core that is shared is slower, too.
The settings are those of `monitor_overhead.py`.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from lockstep import Ratio, ratio_of
from rows import Row, row_of

STEPS = 2
MEASURES = ("process", "fit", "memory")


def dense(depth: int, units: int) -> Any:
    """Return an MLP on 64 inputs."""
    import keras
    from monitor_overhead import mlp

    return keras.Sequential(mlp(depth, units))


def vit(blocks: int) -> Any:
    """Return a vision transformer on 32x32 images."""
    import keras
    from keras import layers

    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(64, 4, strides=4)(image)
    x = layers.Reshape((64, 64))(x)
    for _ in range(blocks):
        a = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, 16)(a, a)])
        b = layers.LayerNormalization()(x)
        b = layers.Dense(128, activation="gelu")(b)
        x = layers.Add()([x, layers.Dense(64)(b)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(image, layers.Dense(10)(x))


def resnet50() -> Any:
    """Return ResNet50 on 64x64 images."""
    import keras

    return keras.applications.ResNet50(
        weights=None, input_shape=(64, 64, 3), classes=10, classifier_activation=None
    )


# Model, and the size of a batch.
NETS: dict[str, tuple[Callable[[], Any], int]] = {
    "60 Dense": (lambda: dense(60, 64), 32),
    "ViT": (lambda: vit(4), 16),
    "4x512": (lambda: dense(4, 512), 64),
    "ResNet50": (resnet50, 8),
}


def start(net: str, setting: str, jit: bool) -> dict[str, float]:
    """Start a fit in this process, and return what it has cost when the second step has ended."""
    import keras
    from monitor_overhead import SETTINGS

    build, batch = NETS[net]
    model = build()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch * STEPS, *model.input_shape[1:])).astype("float32")
    y = rng.integers(0, 10, batch * STEPS)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=jit)
    found: dict[str, float] = {}

    def measure(batch: int, logs: Any = None) -> None:
        found["process"] = time.process_time()
        found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    last = keras.callbacks.LambdaCallback(on_train_batch_end=measure)
    callbacks = [*SETTINGS[setting](x[:batch], y[:batch]), last]
    before = time.process_time()
    model.fit(x, y, batch_size=batch, verbose=0, callbacks=callbacks)
    return {**found, "fit": found["process"] - before}


def start_in_a_process(net: str, setting: str, jit: bool) -> dict[str, float]:
    """Return `start`, measured in a new process."""
    call = f"monitor_start.start({net!r}, {setting!r}, {jit})"
    code = f"import json, monitor_start; print(json.dumps({call}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=sys.path[0], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def compare(
    net: str, settings: Sequence[str], jit: bool, pairs: int
) -> dict[str, dict[str, Ratio]]:
    """Return the ratios of each setting to the fit without a monitor, by setting and measure."""
    variants = ["plain", *settings]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for turn in range(pairs):
        for name in variants if turn % 2 else variants[::-1]:
            setting = "nothing" if name == "plain" else name
            found[name].append(start_in_a_process(net, setting, jit))
    values = {
        name: {measure: [one[measure] for one in ones] for measure in MEASURES}
        for name, ones in found.items()
    }
    return {
        name: {m: ratio_of(values[name][m], values["plain"][m]) for m in MEASURES}
        for name in settings
    }


def rows(quick: bool) -> Iterator[Row]:
    """Yield the scoreboard's rows: CPU seconds of the process, and its peak memory."""
    for net in ["4x512"] if quick else NETS:
        for mode in ("graph", "jit"):
            settings = ["default"] if quick else ["default", "norms", "all"]
            for setting, ratios in compare(net, settings, mode == "jit", 2 if quick else 5).items():
                yield row_of(f"start, {net}, {mode}, {setting}", ratios["process"])
                yield row_of(f"start, {net}, {mode}, {setting}, memory", ratios["memory"])


def _text(ratio: Ratio) -> str:
    return f"{ratio.median:5.2f} [{ratio.low:.2f}, {ratio.high:.2f}] of {ratio.seconds:6.1f}"


def main() -> None:
    """Print one line a cell."""
    settings = ["nothing", "default", "norms", "all"]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--settings", nargs="+", choices=settings, default=settings)
    parser.add_argument("--modes", nargs="+", choices=["graph", "jit"], default=["graph", "jit"])
    parser.add_argument("--pairs", type=int, default=5)
    args = parser.parse_args()
    print(f"{'':24} process, s                     fit, s                         memory, MB")
    for net in args.nets:
        for mode in args.modes:
            for setting, ratios in compare(net, args.settings, mode == "jit", args.pairs).items():
                cells = "   ".join(_text(ratios[m]) for m in MEASURES)
                print(f"{net:9} {mode:6} {setting:8} {cells}, {args.pairs} pairs", flush=True)


if __name__ == "__main__":
    main()
