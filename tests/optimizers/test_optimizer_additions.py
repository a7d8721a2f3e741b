"""Variables that an optimizer gets after it is built."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from problems import regression_data, regression_model

import keras_course_ext.optimizers as ours

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning",
    "ignore:Gradients do not exist for variables:UserWarning",
)

X, Y = regression_data(32)

KINDS = {
    "adam": lambda: ours.Adam(0.01),
    "average and accumulation": lambda: ours.Adam(use_ema=True, gradient_accumulation_steps=2),
    "shared scalars": ours.Nadam,
    "different slots": ours.Muon,
    "slots from the weights": lambda: ours.Lookahead(ours.SGD(0.1), sync_period=3),
    "wrapped": lambda: ours.LayerWise(ours.ScheduleFreeAdamW(0.01), {"bias": 0.5}),
    "no slots": ours.GradientDescent,
}


def numbers(model: Any, optimizer: Any) -> list[np.ndarray]:
    return [np.array(v.numpy()) for v in (*model.weights, *optimizer.variables)]


def step(optimizer: Any, variables: list[Any], all_variables: list[Any] | None = None) -> None:
    """One step for some of the variables; the others, if they are given, have no gradient."""
    rng = np.random.default_rng(int(optimizer.batches.numpy()))
    paths = {v.path for v in variables}
    grads = [
        tf.constant(rng.normal(size=v.shape), "float32") if v.path in paths else None
        for v in all_variables or variables
    ]
    optimizer.apply(grads, all_variables or variables)


def trained(make: Any, *, added: bool) -> tuple[Any, Any]:
    """The last layer for two steps, then both; the first layer is new, or had no gradient."""
    model, optimizer = regression_model(), make()
    w = model.trainable_variables
    optimizer.build(w[2:] if added else w)
    for _ in range(2):
        step(optimizer, w[2:], None if added else w)
    if added:
        optimizer.add_variables(w)
    for _ in range(4):
        step(optimizer, w)
    return model, optimizer


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_variable_that_is_added_is_one_that_had_no_gradient(make):
    results = []
    for added in (True, False):
        keras.backend.clear_session()
        model, optimizer = trained(make, added=added)
        results.append(numbers(model, optimizer))
        results.append([v.path for v in optimizer.variables])
    assert results[1] == results[3]
    for a, b in zip(results[0], results[2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_keras_with_no_gradient_at_first_does_the_same():
    (model, optimizer), (twin, theirs) = (
        trained(ours.Adam, added=True),
        trained(KerasAdam, added=False),
    )
    for a, b in zip(numbers(model, optimizer), numbers(twin, theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-7)


class KerasAdam(keras.optimizers.Adam):
    @property
    def batches(self) -> Any:
        return self.iterations


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("kind", ["store", "checkpoint"])
def test_the_state_is_loaded_by_an_optimizer_built_at_once(make, kind, tmp_path):
    model, source = trained(make, added=True)
    target = make()
    target.build(model.trainable_variables)
    if kind == "store":
        store: dict = {}
        source.save_own_variables(store)
        target.load_own_variables(store)
    else:
        path = tf.train.Checkpoint(optimizer=source).save(str(tmp_path / "run"))
        restored = tf.train.Checkpoint(optimizer=target).restore(path)
        restored.assert_existing_objects_matched()
        restored.assert_consumed()
    for a, b in zip(numbers(model, source), numbers(model, target), strict=True):
        np.testing.assert_array_equal(a, b)


def test_layers_that_are_unfrozen(tmp_path):
    model = regression_model()
    model.layers[0].trainable = False
    model.compile(ours.Adam(0.01), "mse")
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = True
    model.compile(model.optimizer, "mse")
    with pytest.raises(ValueError, match=r"(?s)Unknown variables.*add_variables"):
        model.fit(X, Y, verbose=0)
    before = model.layers[0].get_weights()[0]
    model.optimizer.add_variables(model.trainable_variables)
    model.fit(X, Y, verbose=0)
    assert np.any(before != model.layers[0].get_weights()[0])
    model.save(tmp_path / "model.keras")
    again: Any = keras.saving.load_model(tmp_path / "model.keras")
    for a, b in zip(numbers(model, model.optimizer), numbers(again, again.optimizer), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_second_model_leaves_the_step_of_the_first_as_it_is():
    first, second, twin = (regression_model(seed) for seed in (0, 1, 0))
    optimizer, alone = ours.Momentum(0.01), ours.Momentum(0.01)
    for model, own in ((first, optimizer), (second, optimizer), (twin, alone)):
        model.compile(own, "mse")
    first.fit(X, Y, shuffle=False, verbose=0)
    optimizer.add_variables(second.trainable_variables)
    second.fit(X, Y, shuffle=False, verbose=0)
    first.fit(X, Y, shuffle=False, verbose=0)
    twin.fit(X, Y, shuffle=False, verbose=0)
    twin.fit(X, Y, shuffle=False, verbose=0)
    for a, b in zip(first.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_the_private_list_added_variables_come_last(monkeypatch):
    expected, _ = trained(ours.Nadam, added=True)
    monkeypatch.setattr(ours.Nadam, "_list_anew", lambda self, variables: False)
    model, optimizer = trained(ours.Nadam, added=True)
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len({id(v) for v in optimizer.variables}) == len(optimizer.variables) == 2 + 2 * 4 + 1


def test_with_a_strategy():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        first, later = keras.Variable([1.0]), keras.Variable([1.0])
        optimizer = ours.Lookahead(ours.Momentum(0.5), sync_period=2)
        optimizer.build([first])
        optimizer.add_variables([later, first])
        for _ in range(2):
            tf.distribute.get_strategy().run(
                lambda: optimizer.apply([tf.ones(1), tf.ones(1)], [first, later])
            )
    np.testing.assert_array_equal(first, later)
    np.testing.assert_allclose(first, [1 - 0.5 * (0.5 + 0.95)], rtol=1e-6)


def test_inside_of_loss_scaling():
    first, later = keras.Variable([1.0]), keras.Variable([1.0])
    optimizer: Any = keras.optimizers.LossScaleOptimizer(ours.SGD(0.5), initial_scale=2.0)
    optimizer.apply([tf.constant([2.0])], [first])
    optimizer.inner_optimizer.add_variables([first, later])
    optimizer.apply([tf.constant([2.0])] * 2, [first, later])
    np.testing.assert_array_equal(first, [0.0])
    np.testing.assert_array_equal(later, [0.5])


def test_before_build_and_twice():
    model, optimizer = regression_model(), ours.Adam()
    for _ in range(2):
        optimizer.add_variables(model.trainable_variables)
        assert len(optimizer.variables) == 2 + 2 * 4


def test_the_names_of_unknown_variables():
    optimizer = ours.SGD()
    optimizer.build([keras.Variable([1.0])])
    with pytest.raises(ValueError, match=r"Unknown variable: late\. `SGD` was built for 1 other"):
        optimizer.apply([tf.ones(1)], [keras.Variable([1.0], name="late")])
