"""Our optimizers in Keras's hands: names, callbacks, schedules, files, and Keras's own wrappers."""

from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.optimizers import schedules

import keras_course_ext as kce
import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers.engine import flat

# Keras reads its own variables by `np.array(variable)`.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

COMPILE: dict[str, dict[str, Any]] = {
    "eager": {"run_eagerly": True, "jit_compile": False},
    "graph": {"jit_compile": False},
    "jit": {"jit_compile": True},
}
every_compiled_mode = pytest.mark.parametrize("mode", ["graph", "jit"])

OPTIMIZERS: dict[str, Any] = {
    "momentum": lambda: ours.Momentum(0.05),
    "adam": lambda: ours.Adam(0.01),
    "adam_ema": lambda: ours.Adam(0.01, use_ema=True, ema_momentum=0.9),
    "accumulating": lambda: ours.AdamW(0.01, gradient_accumulation_steps=3, global_clipnorm=1.0),
    "nadam": lambda: ours.Nadam(0.01),
    "lookahead": lambda: ours.Lookahead(ours.RMSprop(0.01, momentum=0.5), sync_period=3),
    "muon": lambda: ours.Muon(0.01),
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def network() -> Any:
    """Return a model with a kernel that is large to the engine, and small ones that lie flat."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((256,)),
            keras.layers.Dense(280, activation="tanh", name="large"),
            keras.layers.Dense(8, activation="tanh", name="small"),
            keras.layers.Dense(3, name="out"),
        ]
    )
    assert np.prod(model.layers[0].kernel.shape) >= flat.SMALL > np.prod((280, 8))
    return model


def batches() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 256)).astype("float32")
    return x, np.tanh(x[:, :3] + 0.1)


def fit(optimizer: Any, model: Any = None, mode: str = "graph", **arguments: Any) -> Any:
    """Train a new model, or go on with one, in 8 batches an epoch; return the model."""
    if model is None:
        model = network()
        model.compile(optimizer, "mse", **COMPILE[mode])
    x, y = batches()
    arguments = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0} | arguments
    model.fit(x, y, **arguments)
    return model


def state_of(model: Any) -> list[np.ndarray]:
    return [np.array(v.numpy()) for v in (*model.weights, *model.optimizer.variables)]


@cache
def expected_state(name: str, epochs: int = 2) -> list[np.ndarray]:
    """Return the weights and the state of the optimizer after an undisturbed `fit`."""
    return state_of(fit(OPTIMIZERS[name](), epochs=epochs))


def assert_same_bits(model: Any, expected: list[np.ndarray]) -> None:
    for value, exact in zip(state_of(model), expected, strict=True):
        np.testing.assert_array_equal(value, exact)


def test_names_lead_to_the_right_package():
    assert type(ours.get("adam")) is ours.Adam
    assert type(keras.optimizers.get("keras_course_ext>Adam")) is ours.Adam
    assert type(keras.optimizers.get("adam")) is keras.optimizers.Adam
    model = network()
    model.compile("keras_course_ext>Adam", "mse")
    assert type(model.optimizer) is ours.Adam
    again = keras.optimizers.get(keras.optimizers.serialize(ours.Adam(0.5)))
    assert type(again) is ours.Adam
    assert float(again.learning_rate) == 0.5


@pytest.mark.thin("scheduler-graph")
@every_compiled_mode
@pytest.mark.parametrize(
    "callback",
    [
        lambda: keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9),
        lambda: keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.5**epoch),
    ],
    ids=["reduce_on_plateau", "scheduler"],
)
def test_callbacks_change_the_learning_rate(callback, mode):
    model = fit(ours.Momentum(0.1), mode=mode, epochs=4, callbacks=[callback()])
    assert float(model.optimizer.learning_rate) < 0.03
    keras_sgd = keras.optimizers.SGD(0.1, momentum=0.9)
    expected = fit(keras_sgd, mode=mode, epochs=4, callbacks=[callback()])
    assert float(expected.optimizer.learning_rate) == float(model.optimizer.learning_rate)
    for value, exact in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(value, exact, rtol=1e-5, atol=1e-6)
    constant = fit(ours.Momentum(0.1), mode=mode, epochs=4)
    assert np.abs(constant.get_weights()[-1] - model.get_weights()[-1]).max() > 1e-3


SCHEDULES: dict[str, Any] = {
    "CosineDecay": lambda: schedules.CosineDecay(0.1, 10, warmup_target=0.2, warmup_steps=3),
    "CosineDecayRestarts": lambda: schedules.CosineDecayRestarts(0.1, 5),
    "ExponentialDecay": lambda: schedules.ExponentialDecay(0.1, 4, 0.5, staircase=True),
    "InverseTimeDecay": lambda: schedules.InverseTimeDecay(0.1, 2, 0.5),
    "PiecewiseConstantDecay": lambda: schedules.PiecewiseConstantDecay([3, 9], [0.1, 0.03, 0.01]),
    "PolynomialDecay": lambda: schedules.PolynomialDecay(0.1, 12, power=2.0),
}


def test_every_schedule_of_keras_is_tested():
    classes = {
        name
        for name, cls in vars(schedules).items()
        if isinstance(cls, type) and issubclass(cls, schedules.LearningRateSchedule)
    }
    assert SCHEDULES.keys() == classes - {"LearningRateSchedule"}


@pytest.mark.thin("CosineDecay")
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules(schedule):
    model = fit(ours.Momentum(SCHEDULES[schedule]()))
    expected = fit(keras.optimizers.SGD(SCHEDULES[schedule](), momentum=0.9))
    for value, exact in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(value, exact)
    again = ours.Momentum.from_config(model.optimizer.get_config())
    np.testing.assert_allclose(again.learning_rate_at(7), SCHEDULES[schedule]()(7), rtol=1e-6)


@pytest.mark.thin("before_the_rule-name-graph")
@every_compiled_mode
@pytest.mark.parametrize("how", ["name", "variable"])
@pytest.mark.parametrize("cls", [ours.AdamW, ours.Muon], ids=["before_the_rule", "in_the_rule"])
def test_weight_decay_exclusion(cls, how, mode):
    model = network()
    for w in model.trainable_variables:
        w.assign(tf.ones(w.shape))
    large, small, _ = model.layers
    optimizer = cls(0.1, weight_decay=0.25)
    if how == "name":
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        spared = [layer.bias for layer in model.layers]
    else:
        spared = [large.kernel, small.kernel, small.bias]
        optimizer.exclude_from_weight_decay(var_list=spared)
    # No gradient but 0, so that nothing but the decay moves the weights.
    model.compile(optimizer, lambda y, prediction: 0.0 * prediction, **COMPILE[mode])
    fit(None, model, epochs=1)
    for w in model.trainable_variables:
        if any(w is other for other in spared):
            np.testing.assert_array_equal(w, np.ones(w.shape))
        else:
            assert np.max(w) < 0.999
            if cls is ours.AdamW:
                np.testing.assert_allclose(w, np.full(w.shape, 0.975**8), rtol=1e-6)


@pytest.mark.thin("ours_and_ours-graph")
@pytest.mark.skipif(not hasattr(keras.optimizers, "MultiOptimizer"), reason="Keras has none yet")
@pytest.mark.parametrize("mode", COMPILE)
@pytest.mark.parametrize("theirs", [False, True], ids=["ours_and_ours", "ours_and_keras"])
def test_multi_optimizer(theirs, mode):
    def rest() -> Any:
        return keras.optimizers.SGD(0.1) if theirs else ours.NesterovMomentum(0.1)

    by_path = keras.optimizers.OptimizerMap(rest(), {".*large/.*": ours.Adam(0.01)})
    model = fit(keras.optimizers.MultiOptimizer(by_path), mode=mode, epochs=1)

    expected, adam, other = network(), ours.Adam(0.01), rest()
    groups = (
        (adam, expected.layers[0].trainable_variables),
        (other, [w for layer in expected.layers[1:] for w in layer.trainable_variables]),
    )
    for optimizer, weights in groups:
        optimizer.build(weights)

    def step(x: Any, y: Any) -> None:
        with tf.GradientTape(persistent=True) as tape:
            loss = tf.reduce_mean((expected(x) - y) ** 2)
        for optimizer, weights in groups:
            optimizer.apply(tape.gradient(loss, weights), weights)

    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "jit")
    x, y = (tf.constant(values) for values in batches())
    for i in range(0, 64, 8):
        step(x[i : i + 8], y[i : i + 8])
    for value, exact in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(value, exact, rtol=1e-4, atol=1e-5)
    for m, exact in zip(by_path["net/large/kernel"]._momentums, adam._momentums, strict=True):
        np.testing.assert_allclose(m, exact, rtol=1e-4, atol=1e-6)


@pytest.mark.thin("adam")
@every_optimizer
def test_a_model_checkpoint_goes_on_bit_by_bit(name, tmp_path):
    checkpoint = keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras"))
    optimizer = OPTIMIZERS[name]()
    if optimizer.use_ema:  # at the end of `fit`, but not in the checkpoint, the averages move in
        optimizer.finalize_variable_values = lambda weights: None
    expected = state_of(fit(optimizer, epochs=3, callbacks=[checkpoint]))
    model = keras.saving.load_model(tmp_path / "1.keras")
    if optimizer.use_ema:
        model.optimizer.finalize_variable_values = lambda weights: None
    assert model.optimizer.get_config() == optimizer.get_config()
    fit(None, model, epochs=2)
    assert_same_bits(model, expected)


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.thin("adam")
@pytest.mark.parametrize("name", ["adam", "adam_ema", "accumulating", "lookahead"])
def test_backup_and_restore_goes_on_bit_by_bit(name, tmp_path):
    def backup() -> Any:
        return keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))

    with pytest.raises(KeyboardInterrupt):
        fit(OPTIMIZERS[name](), epochs=3, callbacks=[backup(), Interrupt()])
    model = fit(OPTIMIZERS[name](), epochs=3, callbacks=[backup()])
    assert_same_bits(model, expected_state(name, epochs=3))


@pytest.mark.thin("adam")
@pytest.mark.parametrize("name", ["adam", "accumulating"])
def test_several_steps_an_execution(name):
    model = network()
    model.compile(OPTIMIZERS[name](), "mse", steps_per_execution=4, jit_compile=False)
    assert_same_bits(fit(None, model), expected_state(name))


def test_terminate_on_nan():
    model = fit(ours.Momentum(1e30), epochs=3, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert model.stop_training
    assert int(model.optimizer.iterations) < 8


@pytest.mark.thin("lookahead")
@pytest.mark.parametrize("name", ["adam_ema", "lookahead", "muon"])
def test_a_clone_trains_alike(name):
    trained = fit(OPTIMIZERS[name](), epochs=1)
    clone = type(trained.optimizer).from_config(trained.optimizer.get_config())
    assert not clone.built
    model = keras.models.clone_model(trained)
    model.set_weights(network().get_weights())
    model.compile(clone, "mse", jit_compile=False)
    assert_same_bits(fit(None, model), expected_state(name))


@pytest.mark.thin("adam-graph")
@every_compiled_mode
@pytest.mark.parametrize("name", ["adam", "accumulating"])
def test_loss_scaling_around_ours(name, mode):
    expected = fit(OPTIMIZERS[name](), mode=mode)
    scaled = keras.optimizers.LossScaleOptimizer(OPTIMIZERS[name](), initial_scale=1024.0)
    model = fit(scaled, mode=mode)
    for value, exact in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(value, exact, rtol=1e-5, atol=1e-6)
    assert int(scaled.inner_optimizer.iterations) == int(expected.optimizer.iterations)


@pytest.mark.thin("graph")
@pytest.mark.parametrize("mode", COMPILE)
def test_loss_scaling_skips_what_overflows(mode):
    model = network()
    optimizer = keras.optimizers.LossScaleOptimizer(ours.Adam(0.01), initial_scale=2.0**15)
    model.compile(optimizer, lambda y, p: 1e38 * (p - y), **COMPILE[mode])
    before = model.get_weights()
    fit(None, model, epochs=1)
    for value, exact in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, exact)
    assert int(optimizer.inner_optimizer.iterations) == 0
    assert not np.any([np.any(v) for v in optimizer.inner_optimizer._velocities])


@pytest.mark.thin("small-graph")
@pytest.mark.parametrize(
    ("frozen", "mode"), [("large", "graph"), ("small", "graph"), ("small", "jit")]
)
def test_a_layer_frozen_after_the_build_stands_still(frozen, mode):
    results = []
    for optimizer in (ours.Adam(0.01), keras.optimizers.Adam(0.01)):
        model = fit(optimizer, mode=mode, epochs=1)
        layer = model.get_layer(frozen)
        layer.trainable = False
        model.compile(optimizer, "mse", **COMPILE[mode])
        before = layer.get_weights()
        fit(None, model, epochs=1)
        for value, exact in zip(layer.get_weights(), before, strict=True):
            np.testing.assert_array_equal(value, exact)
        layer.trainable = True
        model.compile(optimizer, "mse", **COMPILE[mode])
        fit(None, model, epochs=1)
        assert np.any(layer.get_weights()[0] != before[0])
        results.append(state_of(model))
    for value, exact in zip(*results, strict=True):
        np.testing.assert_allclose(value, exact, rtol=1e-3, atol=1e-5)


@pytest.mark.thin("adam")
@every_optimizer
def test_the_gradient_monitor_changes_no_bit(name):
    monitor = kce.callbacks.GradientMonitor()
    assert_same_bits(fit(OPTIMIZERS[name](), callbacks=[monitor]), expected_state(name))
    assert len(monitor.history.steps) == 16
