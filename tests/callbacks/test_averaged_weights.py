"""AveragedWeights: what is validated and saved is x, what is trained is y."""

import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
from problems import regression_data, regression_model

import keras_course_ext.optimizers as ours
from keras_course_ext.callbacks import AveragedWeights

# Keras reads a variable by `np.array` when it saves, which NumPy 2.4 dislikes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X, Y = regression_data(96)
MORE = regression_data(32, seed=5)
RATE = 0.05

OPTIMIZERS = {
    "plain": lambda: ours.ScheduleFreeAdamW(RATE, weight_decay=0.1, warmup_steps=3),
    "loss_scale": lambda: keras.optimizers.LossScaleOptimizer(
        ours.ScheduleFreeAdamW(RATE), initial_scale=8.0
    ),
    "layer_wise": lambda: ours.LayerWise(ours.ScheduleFreeAdamW(RATE), {"kernel": 0.5}),
}
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


class Watch(keras.callbacks.Callback):
    """The weights at every batch and epoch, and z after every batch."""

    def __init__(self):
        super().__init__()
        self.trained, self.z, self.ended = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        model: Any = self.model
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        self.trained.append(model.get_weights())
        self.z.append([v.numpy() for v in optimizer._momentums])

    def on_epoch_end(self, epoch, logs=None):
        self.ended.append(self.model.get_weights())


def compiled(optimizer: Any, **arguments: Any) -> Any:
    model = regression_model()
    model.compile(optimizer, "mse", **arguments)
    return model


def fit(model: Any, *callbacks: Any, epochs: int = 3, **arguments: Any) -> Any:
    return model.fit(
        X,
        Y,
        batch_size=16,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        validation_data=MORE,
        callbacks=list(callbacks),
        **arguments,
    )


def averages(z: list, rates: np.ndarray) -> list[np.ndarray]:
    """x, from all the z: their mean, weighted by the squares of the rates."""
    return [
        np.average(np.array(of_one, "float64"), axis=0, weights=np.square(rates[: len(z)]))
        for of_one in zip(*z, strict=True)
    ]


def loss_at(weights: list[np.ndarray]) -> float:
    model = compiled("sgd")
    model.set_weights(weights)
    return float(model.evaluate(*MORE, verbose=0))


def assert_close(weights: list, exact: list) -> None:
    for w, x in zip(weights, exact, strict=True):
        np.testing.assert_allclose(w, x, rtol=1e-4, atol=1e-5)


def rates_of(make: Any) -> np.ndarray:
    warmup = 3 if make is OPTIMIZERS["plain"] else 1
    return RATE * np.minimum(np.arange(1, 100) / warmup, 1.0)


@pytest.mark.thin("plain")
@every_optimizer
def test_validation_and_checkpoints_see_the_averages(make, tmp_path):
    watch, model = Watch(), compiled(make())
    saved = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch}.weights.h5"), save_weights_only=True
    )
    history = fit(model, AveragedWeights(), watch, saved).history
    for epoch, val_loss in enumerate(history["val_loss"]):
        steps = 6 * (epoch + 1)
        x = averages(watch.z[:steps], rates_of(make))
        assert_close(watch.ended[epoch], x)
        assert val_loss == pytest.approx(loss_at(x), rel=1e-4)
        assert val_loss != pytest.approx(loss_at(watch.trained[steps - 1]), rel=1e-3)
        other = compiled(make())
        other.optimizer.build(other.trainable_variables)
        other.load_weights(tmp_path / f"{epoch + 1}.weights.h5")
        for w, now in zip(other.get_weights(), watch.ended[epoch], strict=True):
            np.testing.assert_array_equal(w, now)


@pytest.mark.thin("graph-plain")
@every_optimizer
@pytest.mark.parametrize("mode", ["eager", "graph", "jit"])
def test_training_is_the_same_bits_with_and_without(make, mode):
    trained = []
    for callbacks in ([AveragedWeights()], []):
        watch = Watch()
        model = compiled(make(), run_eagerly=mode == "eager", jit_compile=mode == "jit")
        fit(model, *callbacks, watch)
        trained.append([np.concatenate([w.ravel() for w in ws]) for ws in watch.trained])
        assert_close(model.get_weights(), averages(watch.z, rates_of(make)))
    np.testing.assert_array_equal(*trained)


@pytest.mark.parametrize("callbacks", [1, 0], ids=["with", "without"])
def test_evaluate_after_fit_uses_the_averages(callbacks):
    watch, model = Watch(), compiled(ours.ScheduleFreeAdamW(RATE))
    fit(model, *[AveragedWeights() for _ in range(callbacks)], watch)
    x = averages(watch.z, np.full(100, RATE))
    assert model.evaluate(*MORE, verbose=0) == pytest.approx(loss_at(x), rel=1e-4)
    again = model.evaluate(*MORE, verbose=0, callbacks=[AveragedWeights()])
    assert again == model.evaluate(*MORE, verbose=0)


def test_a_second_fit_goes_on_from_y():
    together, apart = Watch(), Watch()
    fit(compiled(ours.ScheduleFreeAdamW(RATE)), AveragedWeights(), together, epochs=4)
    model = compiled(ours.ScheduleFreeAdamW(RATE))
    for _ in range(2):
        fit(model, AveragedWeights(), apart, epochs=2)
    assert len(together.trained) == len(apart.trained)
    for one, two in zip(together.trained, apart.trained, strict=True):
        assert_close(two, one)


def test_weights_that_are_given_in_between_are_kept():
    """The model holds x, so what another callback puts there is an x."""

    class Halve(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.set_weights([w / 2 for w in self.model.get_weights()])

        def on_epoch_begin(self, epoch, logs=None):
            begun.append(self.model.get_weights())

    begun: list = []
    watch, optimizer = Watch(), ours.ScheduleFreeAdamW(RATE)
    fit(compiled(optimizer), AveragedWeights(), watch, Halve(), epochs=2)
    y = [0.1 * z + 0.9 * x / 2 for z, x in zip(watch.z[5], watch.ended[0], strict=True)]
    assert_close(begun[1], y)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: ours.Adam(),
        lambda: keras.optimizers.Adam(),
        lambda: keras.optimizers.LossScaleOptimizer(ours.Adam()),
        lambda: ours.LayerWise(ours.Adam(), {".*": 0.5}),
    ],
)
def test_an_optimizer_without_averages_is_refused_before_training(optimizer):
    model = compiled(optimizer())
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"compiled with \w+\. Write `model.compile\(kce"):
        fit(model, AveragedWeights())
    for w, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, old)


MIRRORED = """
import keras, numpy as np, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras_course_ext as kce
rng = np.random.default_rng(0)
x = rng.normal(size=(32, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)
trained = []
for strategy in (tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), tf.distribute.get_strategy()):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(kce.optimizers.ScheduleFreeAdamW(0.05), "mse", jit_compile=False)
    history = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0,
                        validation_data=(x, y), callbacks=[kce.callbacks.AveragedWeights()])
    trained.append([*model.get_weights(), np.array(history.history["val_loss"])])
for a, b in zip(*trained):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
"""


@pytest.mark.slow
def test_on_two_replicas():
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
