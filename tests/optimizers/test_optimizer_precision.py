"""Half precision: float16 and bfloat16 variables, and `LossScaleOptimizer`."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import every_optimizer, every_update_of_keras
from problems import regression_data, regression_model

import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers.rules.scalars import scalars_of

# Keras reads a variable by `np.array` when it saves, which NumPy 2.4 dislikes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

half = pytest.mark.parametrize("dtype", ["float16", "bfloat16"])


@pytest.mark.thin("*-adam", "*-nesterov", "*-lamb")
@every_optimizer
@half
def test_half_precision_variables_are_updated_in_float32(case, dtype):
    rng = np.random.default_rng(0)
    w = keras.Variable(rng.normal(size=5), dtype=dtype)
    g = tf.cast(rng.normal(size=5), dtype)
    # The step of a twin, up to its scalars: some are sums over the gradients of all variables.
    optimizer, twin, w_twin = case.ours(), case.ours(), keras.Variable(w.value, dtype=dtype)
    optimizer.build([w])
    twin.build([w_twin])
    slots = optimizer._slots_of(w)
    assert {v.dtype for v in slots} <= {dtype}
    starts = optimizer.first_slots(w.numpy().astype("float32"))
    scalars = twin.begin_step(pairs=[(g, w_twin)])
    update = optimizer.update_of(g, w, scalars)
    rule, scalars = update.rule, {n: tf.cast(x, "float32") for n, x in update.scalars.items()}
    old = [tf.cast(x, "float32") for x in (w, *slots)]
    for slot, start in zip(old[1:], starts, strict=True):
        np.testing.assert_allclose(slot, start, rtol=2e-2)  # 1e-6 is a subnormal of float16
    if update.decay:
        old[0] -= old[0] * update.decay * scalars["lr"]
    expected = rule(tf.cast(g, "float32"), *old, **scalars_of(rule.func, scalars))
    optimizer.apply([g], [w])
    for variable, value in zip((w, *slots), expected, strict=True):
        exact = tf.cast(tf.cast(value, dtype), "float32")
        np.testing.assert_array_equal(tf.cast(variable, "float32"), exact)


@pytest.mark.thin("*-adam", "*-rmsprop", "*-adamax")
@every_optimizer
@half
def test_zero_gradients_and_a_tiny_epsilon_give_no_nan(case, dtype):
    optimizer = case.ours(weight_decay=0.0)
    if hasattr(optimizer, "epsilon"):
        optimizer.epsilon = 1e-8
    w = keras.Variable([1.0, -2.0], dtype=dtype)
    for _ in range(3):
        optimizer.apply([tf.zeros(2, dtype)], [w])
    assert np.isfinite(tf.cast(w, "float32")).all()
    if case.cls is not ours.Ftrl:  # whose weights are computed from the sums of the gradients
        np.testing.assert_array_equal(tf.cast(w, "float32"), [1.0, -2.0])


@pytest.mark.thin("adam")
@every_update_of_keras
def test_loss_scale_optimizer_wraps_it(case):
    trained = []
    for inner in (case.ours(), case.keras()):
        outer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0)
        w = keras.Variable([1.0, -2.0])
        for g in ([8.0, 4.0], [np.inf, 1.0], [-8.0, 2.0]):
            outer.apply([tf.constant(g)], [w])
        assert int(inner.iterations) == 2
        trained.append(w.numpy())
    np.testing.assert_array_equal(*trained)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "jit_compile"),
    [("mixed_float16", True), ("mixed_bfloat16", False)],
)
def test_mixed_precision_fit_is_keras(policy, jit_compile):
    keras.config.set_dtype_policy(policy)
    x, y = regression_data(80)
    trained = []
    for optimizer in (ours.Adam(0.01), keras.optimizers.Adam(0.01)):
        model = regression_model()
        model.compile(optimizer, "mse", jit_compile=jit_compile)
        wraps = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert wraps == (policy == "mixed_float16")
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
        trained.append(np.concatenate([np.ravel(w) for w in model.get_weights()]))
    np.testing.assert_allclose(*trained, rtol=1e-6, atol=1e-7)


def test_loss_scale_optimizer_is_saved_with_ours_inside(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    model = regression_model()
    model.compile(ours.Adam(0.01), "mse")
    model.fit(*regression_data(4), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer.inner_optimizer) is ours.Adam


@half
@pytest.mark.parametrize("by", ["clipnorm", "global_clipnorm"])
@pytest.mark.parametrize("value", [1.0, 300.0])
@pytest.mark.parametrize("private", [True, False])
def test_a_norm_to_clip_by_is_computed_in_float32(by, value, private, dtype, monkeypatch):
    """In float16 the sum of these squares is infinite."""
    if not private:
        for cls in keras.optimizers.Optimizer.__mro__:
            if "_clip_gradients" in vars(cls):
                monkeypatch.delattr(cls, "_clip_gradients")
    shapes = [(300, 256), (4,)]
    weights = [keras.Variable(np.ones(shape), dtype=dtype) for shape in shapes]
    grads = [tf.fill(shape, tf.constant(value, dtype)) for shape in shapes]
    arguments: Any = {by: 1.0}
    ours.SGD(1.0, **arguments).apply(grads, weights)
    elements = [np.prod(shape) for shape in shapes]
    for w, count in zip(
        weights, elements if by == "clipnorm" else 2 * [sum(elements)], strict=True
    ):
        exact = tf.cast(1 - 1 / np.sqrt(count), dtype)
        np.testing.assert_array_equal(tf.cast(w, "float32"), tf.fill(w.shape, float(exact)))
