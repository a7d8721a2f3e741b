"""Models that several optimizers train, and those that none of the followed ones trains."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext as kce
from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.callbacks.followed import followed_optimizers

BATCHES, BATCH = 6, 4
RATES = {"d": 0.1, "g": 0.05}
MODES = {
    "graph": {},
    "jit": {"jit_compile": True},
    "eager": {"run_eagerly": True},
    "two steps": {"steps_per_execution": 2},
}


def data(batches=BATCHES):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(batches * BATCH, 3)).astype("float32")
    return x, rng.normal(size=(batches * BATCH, 1)).astype("float32")


def descent(weights, data, rate, rate_of_bias=None):
    """Return the norms of both gradients of least squares at every step of descent, in NumPy."""
    (w, b), (x, y) = weights, data
    norms = []
    for at in range(0, len(x), BATCH):
        now = x[at : at + BATCH]
        error = now @ w + b - y[at : at + BATCH]
        dw, db = 2 * now.T @ error / BATCH, 2 * error.mean(axis=0)
        norms.append([np.linalg.norm(dw), np.linalg.norm(db)])
        w, b = w - rate * dw, b - (rate_of_bias or rate) * db
    return np.array(norms)


class Two(keras.Model):
    """Two nets, each fitted by its own optimizer, as in the guides to GANs."""

    def __init__(self):
        super().__init__()
        self.d, self.g = keras.layers.Dense(1, name="d"), keras.layers.Dense(1, name="g")

    def call(self, x):
        return self.d(x) + self.g(x)

    def compile(self, d_optimizer, g_optimizer, **kwargs):
        super().compile(**kwargs)
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer

    def train_step(self, data):
        x, y = data
        for layer, optimizer in ((self.d, self.d_optimizer), (self.g, self.g_optimizer)):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((layer(x) - y) ** 2)
            weights = layer.trainable_variables
            optimizer.apply(tape.gradient(loss, weights), weights)
        return {"loss": loss}


def two(**mode):
    keras.utils.set_random_seed(0)
    model = Two()
    model(np.zeros((1, 3)))
    optimizers = [keras.optimizers.SGD(rate) for rate in RATES.values()]
    model.compile(*optimizers, **mode)
    return model


def fitted(model, *callbacks, batches=BATCHES, epochs=1):
    x, y = data(batches)
    model.fit(
        x,
        y,
        batch_size=BATCH,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
    )
    return model.get_weights()


@pytest.mark.thin("graph", "two steps")
@pytest.mark.parametrize("mode", MODES)
def test_each_update_is_a_step_of_its_optimizer(mode):
    model, monitor = two(**MODES[mode]), GradientMonitor(update_freq=1)
    expected = {n: descent(getattr(model, n).get_weights(), data(), RATES[n]) for n in RATES}
    weights = fitted(model, monitor)
    for found, want in zip(weights, fitted(two(**MODES[mode])), strict=True):
        np.testing.assert_array_equal(found, want)
    history = monitor.history
    assert history.steps.tolist() == list(range(2 * BATCHES))
    for first, (name, norms) in enumerate(expected.items()):
        steps = list(range(first, 2 * BATCHES, 2))
        for tensor, column in (("kernel", 0), ("bias", 1)):
            found_steps, _, found = history.series(name, tensor)
            assert found_steps.tolist() == steps
            np.testing.assert_allclose(found, norms[:, column], rtol=1e-4)
            assert history.series(name, tensor, "update_ratio")[0].tolist() == steps
        of_optimizer = history.series("", f"{name}_optimizer")
        assert of_optimizer[0].tolist() == steps
        np.testing.assert_allclose(of_optimizer[2], np.hypot(*norms.T), rtol=1e-4)
    assert not history.has("", "optimizer")  # the default that `compile` makes


PERIODS = [
    ("graph", 4),
    ("graph", "auto"),
    ("eager", 3),
    ("eager", 4),
    ("two steps", 5),
    ("two steps", "epoch"),
    ("eager", "epoch"),
]


@pytest.mark.thin("graph-4")
@pytest.mark.parametrize(("mode", "update_freq"), PERIODS)
def test_a_period_records_both_optimizers(mode, update_freq):
    monitor = GradientMonitor(update_freq=update_freq, statistics="norms")
    fitted(two(**MODES[mode]), monitor, batches=20, epochs=3)
    d, g = (monitor.history.series("", name)[0] for name in ("d_optimizer", "g_optimizer"))
    assert (g - d).tolist() == [1] * len(d)
    if update_freq == "epoch":
        assert d.tolist() == [0, 2, 4, 6, 8, 40, 80]
    else:
        assert 12 <= len(d) < 60


def test_the_optimizer_that_is_given_is_the_one_that_is_followed():
    model = two()
    monitor = GradientMonitor(update_freq=1, optimizer=model.g_optimizer)
    fitted(model, monitor)
    assert monitor.history.has("g", "kernel")
    assert not monitor.history.has("d", "kernel", "grad_norm")
    assert len(monitor.history.steps) == BATCHES
    assert GradientMonitor.from_config(monitor.get_config()).optimizer is model.g_optimizer


def test_optimizers_are_found_in_attributes_and_not_in_other_optimizers():
    sgd, adam, inner = keras.optimizers.SGD(), keras.optimizers.Adam(), keras.optimizers.SGD()
    model = keras.Sequential([keras.layers.Dense(1)])
    scaled = keras.optimizers.LossScaleOptimizer(inner)
    model.several = {"a": sgd, "more": [adam, scaled]}
    model.inner = inner
    found = followed_optimizers(model)
    assert list(found.values()) == [sgd, adam, scaled]
    assert list(found) == ["several/a", "several/more/0", "several/more/1"]
    assert followed_optimizers(model, [adam, inner]) == {"several/more/0": adam, "inner": inner}
    free = [keras.optimizers.SGD(name="x"), keras.optimizers.SGD(name="x")]
    assert list(followed_optimizers(model, free)) == ["x", "x_2"]


@pytest.mark.thin("eager")
@pytest.mark.parametrize("mode", ["graph", "eager"])
def test_multi_optimizer_is_read_where_all_gradients_arrive(mode):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="n")])
    choice = keras.optimizers.OptimizerMap(keras.optimizers.SGD(RATES["d"]))
    choice[".*bias"] = keras.optimizers.SGD(RATES["g"])
    model.compile(optimizer=keras.optimizers.MultiOptimizer(choice), loss="mse", **MODES[mode])
    norms = descent(model.get_weights(), data(), RATES["d"], RATES["g"])
    monitor = GradientMonitor(update_freq=1)
    fitted(model, monitor)
    for tensor, column in (("kernel", 0), ("bias", 1)):
        found = monitor.history.series("n", tensor)[2]
        np.testing.assert_allclose(found, norms[:, column], rtol=1e-4)
    monitor = GradientMonitor(update_freq=1)
    fitted(model, monitor)
    assert monitor.history.steps.tolist() == list(range(BATCHES, 2 * BATCHES))


@pytest.mark.thin("graph")
@pytest.mark.parametrize("mode", ["graph", "eager"])
def test_an_optimizer_that_is_not_followed_is_a_warning_and_training_goes_on(mode):
    def model():
        keras.utils.set_random_seed(0)
        made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        sgd = keras.optimizers.SGD(0.1)

        def train_step(data):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((made(data[0]) - data[1]) ** 2)
            weights = made.trainable_variables
            sgd.apply(tape.gradient(loss, weights), weights)
            return {"loss": loss}

        object.__setattr__(made, "train_step", train_step)
        made.compile(loss="mse", **MODES[mode])
        return made

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        weights = fitted(model(), GradientMonitor(), epochs=3)
    said = [str(w.message) for w in caught if "GradientMonitor" in str(w.message)]
    assert len(said) == 1
    with pytest.raises(ValueError, match="GradientMonitor records nothing"):
        fitted(model(), GradientMonitor(strict=True))
    assert "`optimizer` (RMSprop)" in said[0]
    assert "GradientMonitor(optimizer=...)" in said[0]
    for found, want in zip(weights, fitted(model(), epochs=3), strict=True):
        np.testing.assert_array_equal(found, want)


def test_watch_follows_several_optimizers():
    model, monitor = two(), GradientMonitor(update_freq=1)
    with monitor.watch(model):
        for _ in range(2):
            model.train_step(data())
    assert monitor.history.series("", "g_optimizer")[0].tolist() == [1, 3]
    both = [kce.optimizers.SGD(0.1), kce.optimizers.SGD(0.1)]
    model.compile(*both)
    with monitor.watch(model, both[:1]):
        model.train_step(data())
    assert monitor.history.steps.tolist() == [0, 1, 2, 3, 4]
    assert monitor.history.series("g", "kernel")[0].tolist() == [1, 3]


def test_the_warning_comes_after_the_first_batch_also_in_eager_mode():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(None, "mse", run_eagerly=True)
    object.__setattr__(model, "train_step", lambda data: {"loss": tf.constant(1.0)})
    told = []

    class When(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            told.append(len(caught))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted(model, GradientMonitor(), When())
    assert told == [0, 1, 1, 1, 1, 1]
    assert "no optimizer among its attributes" in str(caught[0].message)


def test_each_optimizers_own_clipping_is_recorded():
    model, monitor = two(), GradientMonitor(update_freq=1)
    limits = {"d": {"clipnorm": 0.7}, "g": {"global_clipnorm": 1.0}}
    model.compile(*(keras.optimizers.SGD(RATES[n], **limits[n]) for n in RATES))
    fitted(model, monitor, epochs=3)
    history = monitor.history
    steps, _, shares = history.series("", "model", "clipped_share")
    assert steps.tolist() == list(range(6 * BATCHES))
    d = np.stack([history.series("d", t)[2] for t in ("kernel", "bias")])
    np.testing.assert_array_equal(shares[::2], (d > 0.7).mean(axis=0))
    g = history.series("", "g_optimizer")[2]
    np.testing.assert_array_equal(shares[1::2], g > 1.0)
    assert 0 < shares[::2].mean() < 1
    assert 0 < shares[1::2].mean() < 1
