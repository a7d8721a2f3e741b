"""State that is saved, loaded or made before training, and state that does not fit."""

import copy
import pickle
import re
import warnings
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from problems import linear_model, regression_data, regression_model

import keras_course_ext.optimizers as ours

# Keras reads a variable by `np.array` when it saves, which NumPy 2.4 dislikes.
pytestmark = [
    pytest.mark.canary,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

X, Y = regression_data(32)


def compiled(optimizer: Any, seed: int = 0) -> Any:
    model = regression_model(seed)
    model.compile(optimizer, "mse")
    return model


def fit(model: Any, epochs: int = 2) -> Any:
    model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return model


def numbers(model: Any) -> list[np.ndarray]:
    return [np.array(v.numpy()) for v in (*model.weights, *model.optimizer.variables)]


def assert_same(one: Any, other: Any, rtol: float = 0, atol: float = 0) -> None:
    for a, b in zip(numbers(one), numbers(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def assert_trains_as_keras(model: Any, theirs: Any) -> None:
    """Trains a model and its twin with Keras's Adam, and compares weights and state."""
    assert_same(fit(model), fit(theirs), rtol=2e-5, atol=1e-6)


def saved_and_loaded(model: Any, path: Any) -> Any:
    model.save(path / "model.keras")
    return keras.saving.load_model(path / "model.keras")


WAYS = {
    "saved": saved_and_loaded,
    "copied": lambda model, path: copy.deepcopy(model),
    "pickled": lambda model, path: pickle.loads(pickle.dumps(model)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_untrained_model_is_loaded(way, tmp_path):
    theirs = compiled(keras.optimizers.Adam(0.01))
    assert_trains_as_keras(way(compiled(ours.Adam(0.01)), tmp_path), theirs)


EVERY_KIND = {
    "schedule": lambda: ours.Adam(keras.optimizers.schedules.CosineDecay(0.1, 50)),
    "average and accumulation": lambda: ours.RMSprop(use_ema=True, gradient_accumulation_steps=2),
    "shared scalars": ours.Nadam,
    "different slots": ours.Muon,
    "start other than 0": ours.Adagrad,
    "slots from the weights": lambda: ours.ScheduleFreeAdamW(0.01),
    "wrapped": lambda: ours.LayerWise(ours.Lookahead(ours.Momentum()), {"kernel": 0.5}),
    "no slots": ours.GradientDescent,
}


@pytest.mark.thin("average and accumulation", "different slots", "wrapped")
@pytest.mark.parametrize("make", EVERY_KIND.values(), ids=EVERY_KIND)
def test_every_kind_of_state_starts_anew(make, tmp_path):
    """Weights that were saved before `fit` and loaded after it train as they did before it."""
    model = compiled(make())
    model.save_weights(tmp_path / "untrained.weights.h5")
    first = numbers(fit(model))
    model.load_weights(tmp_path / "untrained.weights.h5")
    for a, b in zip(numbers(fit(model)), first, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    fresh = saved_and_loaded(compiled(make()), tmp_path)
    for a, b in zip(numbers(fit(fresh)), first, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.thin("0.01")
@pytest.mark.parametrize("rate", [0.01, keras.optimizers.schedules.CosineDecay(0.01, 50)])
def test_the_weights_of_an_untrained_keras_adam(rate, tmp_path):
    theirs = compiled(keras.optimizers.Adam(rate))
    theirs.save_weights(tmp_path / "untrained.weights.h5")
    model = fit(compiled(ours.Adam(rate), seed=1))
    model.load_weights(tmp_path / "untrained.weights.h5")
    assert_trains_as_keras(model, theirs)


def test_a_model_saved_when_training_begins(tmp_path):
    class Save(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.model.save(tmp_path / "model.keras")

    model = compiled(ours.Adam(0.01))
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[Save()])
    assert_same(fit(keras.saving.load_model(tmp_path / "model.keras")), model)


def test_the_rate_that_was_saved_is_restored(tmp_path):
    model = compiled(ours.Adam(0.25))
    model.save_weights(tmp_path / "untrained.weights.h5")
    fit(model)
    model.optimizer.learning_rate = 0.5
    model.load_weights(tmp_path / "untrained.weights.h5")
    assert float(model.optimizer.learning_rate) == 0.25


def test_a_clone_has_a_new_optimizer():
    model = fit(compiled(ours.Adam()))
    clone: Any = keras.models.clone_model(model)
    assert type(clone.optimizer) is ours.Adam
    assert int(clone.optimizer.iterations) == 0
    clone.set_weights(compiled(ours.Adam()).get_weights())
    assert_same(fit(clone), model)


@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer 'loss_scale")
@pytest.mark.parametrize("trained", [False, True])
def test_a_model_of_another_policy_is_loaded(trained, tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    model = compiled(ours.Adam(0.01))
    if trained:
        fit(model)
    weights, state = model.get_weights(), numbers(model)
    model.save(tmp_path / "model.keras")
    keras.config.set_dtype_policy("float32")
    again: Any = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.optimizer) is ours.Adam
    for a, b in zip(again.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)
    if trained:
        # The last variables of the loss scaling are those of the optimizer inside.
        own = [v.numpy() for v in again.optimizer.variables]
        for a, b in zip(own, state[-len(own) :], strict=True):
            np.testing.assert_array_equal(a, b)
    fit(again)


@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer 'loss_scale")
def test_a_model_is_loaded_under_loss_scaling(tmp_path):
    """Keras's wrapper does not take the state of the optimizer that it goes around."""
    fit(compiled(ours.Adam(0.01))).save_weights(tmp_path / "trained.weights.h5")
    model = regression_model(1)
    model.compile(keras.optimizers.LossScaleOptimizer(ours.Adam(0.01)), "mse")
    model.load_weights(tmp_path / "trained.weights.h5")
    fit(model)
    assert np.isfinite(numbers(model)[0]).all()


OTHERS = {
    "other slots": (ours.Adagrad, ours.RMSprop, "'adagrad'.*`RMSprop`"),
    "slots of keras": (keras.optimizers.Adagrad, ours.RMSprop, "'adagrad'.*`RMSprop`.*keeps"),
    "fewer slots": (ours.Adam, ours.Momentum, "'adam'.*`Momentum`"),
    "more slots": (ours.Momentum, ours.Adam, "'momentum'.*`Adam`"),
    "no slots": (ours.GradientDescent, ours.Adam, "'gradient_descent'.*`Adam`"),
}


@pytest.mark.thin("other slots-trained", "fewer slots-untrained", "no slots-trained")
@pytest.mark.parametrize("before", [False, True], ids=["trained", "untrained"])
@pytest.mark.parametrize(("source", "target", "names"), OTHERS.values(), ids=OTHERS)
def test_the_weights_beside_another_state_are_loaded(source, target, names, before, tmp_path):
    keras.backend.clear_session()
    source = fit(compiled(source()))
    source.save_weights(tmp_path / "trained.weights.h5")
    model, fresh = compiled(target(), seed=1), compiled(target())
    if not before:
        fit(model)

    def load_and_fit() -> None:
        model.load_weights(tmp_path / "trained.weights.h5")
        fit(model)

    with pytest.warns(UserWarning, match=names) as caught:
        load_and_fit()
    fresh.set_weights(source.get_weights())
    # Keras 3.12 adds a DeprecationWarning of NumPy for every array that it reads.
    (warning,) = (w for w in caught if w.category is UserWarning)
    assert re.search(r"so the optimizer starts anew\.$", str(warning.message))
    assert_same(model, fit(fresh), rtol=1e-6, atol=1e-7)


def test_weights_without_a_state_start_the_optimizer_anew(tmp_path):
    plain = regression_model(1)
    plain.save_weights(tmp_path / "plain.weights.h5")
    model = compiled(ours.Adam())
    model.load_weights(tmp_path / "plain.weights.h5")
    trained = numbers(fit(model))
    with pytest.warns(UserWarning, match=r"no state .* `Adam` starts anew"):
        model.load_weights(tmp_path / "plain.weights.h5")
    for a, b in zip(numbers(fit(model)), trained, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_a_state_is_restored_once_when_the_step_is_traced(tmp_path):
    """A state that waits for `build` is no part of the step that builds the optimizer."""
    source = fit(compiled(ours.Adam(0.01)))
    source.save_weights(tmp_path / "trained.weights.h5")
    model = compiled(ours.Adam(0.01), seed=1)
    model.load_weights(tmp_path / "trained.weights.h5")
    assert not model.optimizer.built
    assert_same(fit(model), fit(source))


@pytest.mark.parametrize("make", [ours.Adam, lambda: ours.Lookahead(ours.Nadam(use_ema=True))])
def test_a_trained_model_becomes_a_saved_model(make, tmp_path):
    model = fit(compiled(make()))
    tf.saved_model.save(model, str(tmp_path / "saved"))
    loaded: Any = tf.saved_model.load(str(tmp_path / "saved"))
    restored = loaded.optimizer._variables
    for a, b in zip(restored, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_saved_model_has_the_variables_of_keras(tmp_path):
    names = []
    for make in (ours.Adam, keras.optimizers.Adam):
        model = fit(compiled(make()))
        tf.saved_model.save(model, str(tmp_path / make.__module__))
        found = tf.train.list_variables(str(tmp_path / make.__module__ / "variables/variables"))
        names.append([(name, shape) for name, shape in found if "optimizer" in name])
    assert names[0] == names[1]


WEIGHT_SLOTS = {
    "schedule-free": lambda: ours.ScheduleFreeAdamW(0.01),
    "lookahead": lambda: ours.Lookahead(ours.SGD(0.1), sync_period=2),
    "lookahead, large": lambda: ours.Lookahead(ours.Muon(0.1), sync_period=2),
    "accumulation": lambda: ours.Lookahead(ours.SGD(0.1, gradient_accumulation_steps=2)),
}


@pytest.mark.thin("schedule-free-{}", "accumulation-*eager*")
@pytest.mark.parametrize("options", [{}, {"jit_compile": True}, {"run_eagerly": True}], ids=str)
@pytest.mark.parametrize("make", WEIGHT_SLOTS.values(), ids=WEIGHT_SLOTS)
def test_weights_made_inside_the_step(make, options):
    """They train as those of a model that was built before."""
    models = []
    for inputs in ([], [keras.Input((4,))]):
        keras.utils.set_random_seed(0)
        model: Any = keras.Sequential([*inputs, keras.layers.Dense(5), keras.layers.Dense(3)])
        model.compile(make(), "mse", **options)
        models.append(fit(model))
    assert_same(*models, rtol=1e-5, atol=1e-6)


def test_weights_replaced_before_the_first_step():
    """The slow weights start as the weights of the first step, not as those of `build`."""
    first, second = (linear_model(seed) for seed in (0, 1))
    optimizers = [ours.Lookahead(ours.SGD(0.1), sync_period=2) for _ in range(2)]
    optimizers[0].build(first.trainable_variables)
    first.set_weights(second.get_weights())
    for model, optimizer in zip((first, second), optimizers, strict=True):
        for _ in range(2):
            w = model.trainable_variables
            optimizer.apply([tf.ones(v.shape) for v in w], w)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_warning_where_nothing_is_lost(tmp_path):
    model = compiled(ours.Adam())
    model.save_weights(tmp_path / "untrained.weights.h5")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(model).load_weights(tmp_path / "untrained.weights.h5")
