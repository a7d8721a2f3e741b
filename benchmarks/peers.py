"""Adam of other libraries on the shapes of `optimizer_step.py`, each where it is installed.

python benchmarks/peers.py            # those that can be imported

An update of ours inside a `tf.function` of one update, beside one of the peer in its fastest form:
torch's `foreach` and `fused` on a CPU, optax under `jax.jit` with the state given away, the legacy
`tf_keras` inside a `tf.function`. All have the same gradients and settings, in float32.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from optimizer_step import MODELS, Shapes, interleaved, updater
from rows import Row, printed, row_of

import keras_course_ext as kce

Peer = Callable[[Shapes], Callable[[], Any]]


def arrays(shapes: Shapes) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return weights and gradients of these shapes."""
    rng = np.random.default_rng(0)
    weights = [(0.1 * rng.normal(size=shape)).astype("float32") for shape in shapes]
    return weights, [rng.normal(size=shape).astype("float32") for shape in shapes]


def torch_adam(**how: bool) -> Peer:
    """Return a maker of torch's update."""

    def make(shapes: Shapes) -> Callable[[], Any]:
        import torch  # pyright: ignore[reportMissingImports]

        weights, gradients = arrays(shapes)
        parameters = [torch.nn.Parameter(torch.from_numpy(w)) for w in weights]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.from_numpy(gradient)
        return torch.optim.Adam(parameters, lr=1e-3, eps=1e-7, **how).step

    return make


def optax_adam(shapes: Shapes) -> Callable[[], Any]:
    """Return optax's update under `jax.jit`."""
    import jax  # pyright: ignore[reportMissingImports]
    import optax  # pyright: ignore[reportMissingImports]

    weights, gradients = arrays(shapes)
    optimizer = optax.adam(1e-3, eps=1e-7)
    state = [weights, optimizer.init(weights)]

    @jax.jit
    def update(gradients: Any, weights: Any, slots: Any) -> Any:
        updates, slots = optimizer.update(gradients, slots, weights)
        return optax.apply_updates(weights, updates), slots

    def run() -> None:
        state[:] = jax.block_until_ready(update(gradients, *state))

    return run


def tf_keras_adam(shapes: Shapes) -> Callable[[], Any]:
    """Return the legacy Keras's update."""
    import tensorflow as tf
    import tf_keras  # pyright: ignore[reportMissingImports]

    weights, gradients = arrays(shapes)
    variables = [tf.Variable(tf.constant(w)) for w in weights]
    constants = [tf.constant(g) for g in gradients]
    optimizer = tf_keras.optimizers.Adam(1e-3, jit_compile=False)
    optimizer.build(variables)
    pairs = list(zip(constants, variables, strict=True))
    return tf.function(lambda: optimizer.apply_gradients(pairs))


PEERS: dict[str, tuple[str, Peer]] = {
    "torch foreach": ("torch", torch_adam(foreach=True)),
    "torch fused": ("torch", torch_adam(fused=True)),
    "optax": ("optax", optax_adam),
    "tf_keras": ("tf_keras", tf_keras_adam),
}


def compared(models: Sequence[str], pairs: int) -> Iterator[Row]:
    """Yield the ratio of our Adam to each peer's."""
    for model in models:
        shapes = MODELS[model]()
        for name, (package, make) in PEERS.items():
            if find_spec(package) is not None:
                ours = updater(kce.optimizers.Adam(), shapes, 1, jit=False)
                row = interleaved(ours, make(shapes), pairs)
                yield row_of(f"peer, {model}, Adam to {name}", row)


def rows(quick: bool) -> Iterator[Row]:
    """Yield the rows of the scoreboard; none where no peer is installed."""
    return compared(["10 x (512x512 + bias)"] if quick else list(MODELS), 10 if quick else 30)


if __name__ == "__main__":
    printed(compared(list(MODELS), 30))
