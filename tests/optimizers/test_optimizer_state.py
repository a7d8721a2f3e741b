"""Configuration and state: files, checkpoints, and the exchange of both with Keras's own."""

import copy
import json
import pathlib
import pickle
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import (
    ONE_PER_STATE,
    every_optimizer,
    every_optimizer_of_keras,
    every_state,
    every_unwrapped_optimizer,
    every_update_of_keras,
)
from problems import linear_model, regression_data

import keras_course_ext.optimizers as ours

# Keras reads a variable by `np.array` when it saves, which NumPy 2.4 dislikes.
pytestmark = [
    pytest.mark.canary,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def train(optimizer, model: keras.Model, steps: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    w = model.trainable_variables
    for _ in range(steps):
        optimizer.apply([tf.constant(rng.normal(size=v.shape), "float32") for v in w], w)


def everything(optimizer, model: keras.Model) -> np.ndarray:
    variables = [*model.trainable_variables, *optimizer.variables]
    return np.concatenate([np.ravel(v).astype("float64") for v in variables])


def compiled(optimizer, seed: int) -> Any:
    model = linear_model(seed)
    model.compile(optimizer, "mse", run_eagerly=True)
    return model


def name_of(variable: keras.Variable) -> str:
    # Keras gives Nadam's running product no name of its own, but numbers it.
    return "u_product" if variable.name.startswith("variable") else variable.name


@every_optimizer_of_keras
@pytest.mark.parametrize("common", [{}, {"use_ema": True, "gradient_accumulation_steps": 2}])
def test_variables_have_the_names_shapes_and_order_of_keras(case, common):
    model, described = linear_model(), []
    for optimizer in (case.ours(**common), case.keras(**common)):
        optimizer.build(model.trainable_variables)
        described.append([(name_of(v), v.shape, v.dtype) for v in optimizer.variables])
    assert described[0] == described[1]


@every_optimizer_of_keras
def test_slots_stand_under_the_attributes_of_keras(case):
    model, optimizers = linear_model(), (case.ours(), case.keras())
    for optimizer in optimizers:
        optimizer.build(model.trainable_variables)
    attributes = [slot.attribute for group in optimizers[0].slot_groups() for slot in group]
    assert len(attributes) == len(case.starts)
    for attribute in attributes:
        # Not every variable has every slot.
        ours, theirs = (
            [getattr(v, "name", None) for v in getattr(o, attribute)] for o in optimizers
        )
        assert ours == theirs


@pytest.mark.thin("*-adam", "*-nesterov")
@every_update_of_keras
@pytest.mark.parametrize("to_keras", [True, False], ids=["to_keras", "from_keras"])
@pytest.mark.parametrize("file", ["weights.h5", "checkpoint"])
def test_state_is_exchanged_with_keras(case, to_keras, file, tmp_path):
    """A run that changes hands in the middle ends where the undivided run ends."""
    source, target = case.ours(), case.keras()
    if not to_keras:
        source, target = target, source
    first, second = compiled(source, seed=0), compiled(target, seed=1)
    train(source, first, steps=2, seed=0)
    target.build(second.trainable_variables)
    if file == "weights.h5":
        first.save_weights(tmp_path / "run.weights.h5")
        second.load_weights(tmp_path / "run.weights.h5")
    else:
        path = tf.train.Checkpoint(model=first, optimizer=source).save(str(tmp_path / "run"))
        restored = tf.train.Checkpoint(model=second, optimizer=target).restore(path)
        restored.assert_existing_objects_matched()
        restored.assert_consumed()
    np.testing.assert_array_equal(everything(source, first), everything(target, second))
    train(source, first, steps=2, seed=1)
    train(target, second, steps=2, seed=1)
    np.testing.assert_array_equal(everything(source, first), everything(target, second))


@every_optimizer
def test_config_makes_the_same_optimizer(case):
    common = {"weight_decay": 0.01, "clipnorm": 1.0, "name": "mine"}
    optimizer = case.ours(**common)
    config = optimizer.get_config()
    assert json.loads(json.dumps(config)) == config
    given = config["inner"]["config"] if case.make else config
    assert (case.arguments | common).items() <= given.items()
    again = type(optimizer).from_config(config)
    assert again.get_config() == config
    assert again.rule.func is optimizer.rule.func
    assert repr(again.rule) == repr(optimizer.rule)


@every_unwrapped_optimizer
def test_classes_are_registered(case):
    name = f"keras_course_ext>{case.cls.__name__}"
    assert keras.saving.get_registered_object(name) is case.cls
    assert type(keras.optimizers.get(name)) is case.cls
    serialized: Any = keras.saving.serialize_keras_object(case.ours())
    assert serialized["registered_name"] == name
    assert type(keras.saving.deserialize_keras_object(serialized)) is case.cls
    assert type(ours.get(serialized)) is case.cls


def test_config_of_a_schedule_and_of_a_registered_callable():
    @keras.saving.register_keras_serializable(package="test_optimizer_state")
    def constant_rate():
        return 0.25

    schedule: Any = keras.optimizers.schedules.CosineDecay(0.1, 10)
    for rate, step_3 in ((schedule, float(schedule(3))), (constant_rate, 0.25)):
        again: Any = ours.Adam.from_config(ours.Adam(rate).get_config())
        again.iterations.assign(3)
        assert float(again.learning_rate) == step_3


FRESH_PROCESS = """
import pathlib, sys
import keras, numpy as np
import keras_course_ext.optimizers
from problems import regression_data

x, y = regression_data(16, seed=1)
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    model = keras.models.load_model(file)
    model.train_on_batch(x, y)
    state = [variable.numpy() for variable in model.optimizer.variables]
    np.savez(file.with_suffix(".npz"), *model.get_weights(), *state)
"""


@pytest.mark.slow
def test_saved_models_continue_in_a_fresh_process(tmp_path):
    x, y = regression_data(16, seed=0)
    more_x, more_y = regression_data(16, seed=1)
    continued = {}
    for case in ONE_PER_STATE:
        model = compiled(case.ours(), seed=0)
        model.train_on_batch(x, y)
        model.save(tmp_path / f"{case.name}.keras")
        model.train_on_batch(more_x, more_y)
        state = [variable.numpy() for variable in model.optimizer.variables]
        continued[case.name] = [*model.get_weights(), *state]
    tests = str(pathlib.Path(__file__).parents[1])
    path = f"import sys; sys.path.insert(0, {tests!r})"
    subprocess.run([sys.executable, "-c", path + FRESH_PROCESS, str(tmp_path)], check=True)
    for name, expected in continued.items():
        with np.load(tmp_path / f"{name}.npz") as fresh:
            assert len(fresh.files) == len(expected)
            for key, value in zip(fresh.files, expected, strict=True):
                np.testing.assert_allclose(fresh[key], value, rtol=1e-6, atol=1e-7, err_msg=name)


def test_the_way_from_a_variable_to_its_slots_is_still_in_keras():
    """The one private name of Keras that the package uses."""
    optimizer = keras.optimizers.Adam()
    variables = [keras.Variable([1.0]), keras.Variable([2.0])]
    optimizer.build(variables)
    assert optimizer._get_variable_index(variables[1]) == 1
    assert optimizer._get_variable_index(variables[1].value) == 1


@pytest.mark.thin("*-adam", "*-lookahead_adam")
@every_state
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_continues_on_weights_of_its_own(case, copied):
    model, twin = linear_model(), linear_model()
    optimizer = case.ours(gradient_accumulation_steps=2, use_ema=True)
    train(optimizer, model, steps=3, seed=0)
    twin.set_weights(model.get_weights())
    again = copied(optimizer)
    train(optimizer, model, steps=3, seed=1)
    train(again, twin, steps=3, seed=1)
    np.testing.assert_array_equal(everything(optimizer, model), everything(again, twin))


def saved_weights(optimizer, path: pathlib.Path, units: int = 3) -> str:
    model = compiled(optimizer, seed=0) if units == 3 else wide_model(optimizer, units)
    train(optimizer, model, steps=1, seed=0)
    model.save_weights(path)
    return str(path)


def wide_model(optimizer, units: int) -> Any:
    model: Any = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])
    model.compile(optimizer, "mse", run_eagerly=True)
    return model


REFUSED = {
    "another slot, saved by ours": (ours.Adagrad, ours.RMSprop, "'accumulator'.*'velocity'"),
    "another slot, saved by keras": (keras.optimizers.Adagrad, ours.RMSprop, "keeps"),
    "another number": (ours.Adam, ours.Momentum, "has 4 variables where the state has 6"),
}


@pytest.mark.parametrize(("source", "target", "message"), REFUSED.values(), ids=REFUSED)
def test_the_state_of_another_optimizer_is_not_loaded(source, target, message, tmp_path):
    path = saved_weights(source(), tmp_path / "run.weights.h5")
    model = compiled(target(), seed=1)
    train(model.optimizer, model, steps=1, seed=1)
    with pytest.warns(UserWarning, match=f"{message}.* so the optimizer starts anew"):
        model.load_weights(path)
    assert int(model.optimizer.iterations) == 0


def test_the_state_of_another_optimizer_is_refused_in_a_dictionary():
    source, target, store = ours.Adam(), ours.Momentum(), {}
    train(source, linear_model(), steps=1, seed=0)
    train(target, linear_model(), steps=1, seed=0)
    source.save_own_variables(store)
    with pytest.raises(ValueError, match="has 4 variables where the state has 6"):
        target.load_own_variables(store)
    assert int(target.iterations) == 1


def test_the_state_of_other_weights_is_refused():
    narrow, wide = ours.Adam(), ours.Adam()
    train(narrow, linear_model(), steps=1, seed=0)
    train(wide, wide_model(wide, 5), steps=1, seed=0)
    store: dict = {}
    narrow.save_own_variables(store)
    with pytest.raises(ValueError, match=r"of shape \(4, 3\) there, .* of shape \(4, 5\) here"):
        wide.load_own_variables(store)


def test_a_state_waits_for_the_optimizer_to_be_built():
    source, model = ours.Adam(), linear_model()
    train(source, model, steps=2, seed=0)
    store: dict = {}
    source.save_own_variables(store)
    target = ours.Adam()
    target.load_own_variables(store)
    target.build(model.trainable_variables)
    np.testing.assert_array_equal(everything(source, model), everything(target, model))
