"""The layers with weights beside Keras's: one table for all of them."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext import layers

RNG = np.random.default_rng(0)


@keras.saving.register_keras_serializable(package="layer_cases")
def sine(x):
    return tf.math.sin(x)


@dataclass(frozen=True)
class Case:
    """A layer of ours and Keras's of the same name, with the same arguments."""

    name: str
    arguments: dict[str, Any]
    sample: tuple[int, ...]

    def make(self, module, **more: Any) -> Any:
        return getattr(module, self.name)(**self.arguments | more)

    def pair(self, **more: Any) -> tuple[Any, Any]:
        """Ours and Keras's, built, with the same weights, set both ways."""
        ours, theirs = self.make(layers, **more), self.make(keras.layers, **more)
        for layer in (ours, theirs):
            layer.build((None, *self.sample))
        ours.set_weights([RNG.normal(size=w.shape).astype("float32") for w in theirs.weights])
        theirs.set_weights(ours.get_weights())
        return ours, theirs

    def x(self, batch: int = 3) -> np.ndarray:
        return RNG.normal(size=(batch, *self.sample)).astype("float32")


KINDS = {
    "Dense": Case("Dense", {"units": 3}, (4,)),
    "Conv1D": Case("Conv1D", {"filters": 4, "kernel_size": 2}, (6, 4)),
    "Conv2D": Case("Conv2D", {"filters": 4, "kernel_size": (2, 3)}, (5, 6, 4)),
}

# For Dense.
ACTIVATIONS: dict[str, dict[str, Any]] = {
    "linear": {"activation": "linear"},
    "sigmoid": {"activation": "sigmoid"},
    "tanh": {"activation": "tanh"},
    "softplus": {"activation": "softplus"},
    "Keras's gelu": {"activation": keras.activations.gelu},
    "a layer": {"activation": keras.layers.LeakyReLU(0.1)},
}
# For every kind.
CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no bias": {"use_bias": False},
    "relu": {"activation": "relu"},
    "softmax": {"activation": "softmax"},
    "a callable": {"activation": sine},
    "initializers": {"kernel_initializer": "he_normal", "bias_initializer": "ones"},
    "regularizers": {
        "kernel_regularizer": keras.regularizers.L2(0.1),
        "bias_regularizer": "l1",
        "activity_regularizer": keras.regularizers.L2(0.1),
    },
    "constraints": {"kernel_constraint": "non_neg", "bias_constraint": "unit_norm"},
    "float64": {"dtype": "float64"},
    "mixed_float16": {"dtype": "mixed_float16", "activation": "tanh"},
    "mixed_bfloat16": {"dtype": "mixed_bfloat16", "activation": "relu"},
    "lora": {"lora_rank": 2, "lora_alpha": 3.0, "activation": "tanh"},
}
# For convolutions.
WINDOWS: dict[str, dict[str, Any]] = {
    "same": {"padding": "SAME"},
    "strides": {"strides": 2},
    "same, strides": {"padding": "same", "strides": 2},
    "dilation": {"dilation_rate": 2, "activation": "relu"},
    "same, dilation": {"padding": "same", "dilation_rate": 2},
    "groups": {"groups": 2, "activation": "relu"},
    "channels_first": {"data_format": "channels_first", "activation": "relu"},
    "depends on nothing after": {"padding": "causal"},
    "causal, strides": {"padding": "causal", "strides": 2},
    "causal, dilation": {"padding": "causal", "dilation_rate": 2},
}
# Samples of other ranks for Dense.
SAMPLES = [(2, 4), (3, 2, 4), (2, 1, 3, 4)]


def _all_cases() -> dict[str, Case]:
    cases = {}
    for kind, case in KINDS.items():
        configs = CONFIGS | (ACTIVATIONS if kind == "Dense" else WINDOWS)
        for name, config in configs.items():
            if kind == "Conv2D" and config.get("padding") == "causal":
                continue
            cases[f"{kind}, {name}"] = Case(kind, case.arguments | config, case.sample)
    for sample in SAMPLES:
        arguments = KINDS["Dense"].arguments | {"activation": "tanh"}
        cases[f"Dense, rank {len(sample) + 1}"] = Case("Dense", arguments, sample)
    return cases


CASES = _all_cases()


def output_and_gradients(layer, x) -> list[Any]:
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        total = tf.reduce_sum(tf.cast(y, "float32") ** 2) + sum(layer.losses)
    variables = [v.value for v in layer.trainable_variables]
    return [y, *tape.gradient(total, [x, *variables])]


def assert_same(found, expected, tolerance=1e-5):
    for f, e in zip(found, expected, strict=True):
        assert f.dtype == e.dtype
        assert f.shape == e.shape
        f, e = np.asarray(tf.cast(f, "float64")), np.asarray(tf.cast(e, "float64"))
        atol = tolerance * max(1.0, np.max(np.abs(e), initial=0.0))
        np.testing.assert_allclose(f, e, rtol=1e-5, atol=atol)
