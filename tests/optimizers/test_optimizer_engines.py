"""Every engine does what the plain formula does, and the slots' storage does not show."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES
from optimizer_cases import BY_NAME, CASES, ONE_PER_STATE, every

import keras_course_ext.optimizers as ours
from keras_course_ext import _tracing as tracing
from keras_course_ext.optimizers import rules
from keras_course_ext.optimizers.engine import flat, kernels, run

every_mode = pytest.mark.parametrize("mode", MODES)

pytestmark = pytest.mark.canary

# Two large variables of one shape, one of another, and small ones that lie flat.
SHAPES = [(280, 256), (280, 256), (flat.SMALL,), (3, 4), (4,), (), (2, 2, 2)]


def weights_and_grads(steps: int = 3) -> tuple[list[Any], list[list[Any]]]:
    rng = np.random.default_rng(0)
    weights = [keras.Variable(rng.normal(size=shape), dtype="float32") for shape in SHAPES]
    grads = [[tf.constant(rng.normal(size=s), tf.float32) for s in SHAPES] for _ in range(steps)]
    return weights, grads


def by_the_formula(optimizer: Any) -> list[np.ndarray]:
    """Update variable by variable, in eager mode, through the public `update_step`."""
    weights, grads = weights_and_grads()
    optimizer.build(weights)
    for step_grads in grads:
        scalars = optimizer.begin_step(pairs=zip(step_grads, weights, strict=True))
        for g, w in zip(step_grads, weights, strict=True):
            run.plain(optimizer.update_of(g, w, scalars))
        optimizer.iterations.assign_add(1)
    return values_of(optimizer, weights)


def values_of(optimizer: Any, weights: list[Any]) -> list[np.ndarray]:
    return [np.array(v.numpy()) for v in (*weights, *optimizer.variables)]


WITH_A_KERNEL = [
    c for c in CASES if kernels.kernel_of(c.ours().rule.func) and c not in ONE_PER_STATE
]


@pytest.mark.thin("plain-*-adam", "plain-*-nesterov", "decay-graph-rmsprop", "plain-graph-lamb")
@every([c for c in ONE_PER_STATE + WITH_A_KERNEL if c.cls is not ours.SOAP])
@every_mode
@pytest.mark.parametrize("common", [{}, {"weight_decay": 0.1}], ids=["plain", "decay"])
def test_every_engine_computes_the_formula(case, mode, common):
    """SOAP's first gradients have not full rank here, so that its eigenvectors are not unique."""
    expected = by_the_formula(case.ours(**common))
    weights, grads = weights_and_grads()
    optimizer = case.ours(**common)
    optimizer.build(weights)
    step = MODES[mode](lambda step_grads: optimizer.apply(step_grads, weights))
    for step_grads in grads:
        step(step_grads)
    for value, exact in zip(values_of(optimizer, weights), expected, strict=True):
        # The kernel of Adam rounds 1 − β₂, and so v, as its comment says.
        np.testing.assert_allclose(value, exact, rtol=2e-5, atol=1e-6)
    for value, exact in zip(values_of(optimizer, weights)[: len(weights)], expected, strict=False):
        np.testing.assert_allclose(value, exact, rtol=1e-6, atol=1e-6)


def test_no_engine_makes_nan_of_zero_gradients():
    w = keras.Variable(tf.ones((300, 300)))
    optimizer = ours.Adagrad(epsilon=0.0, convention="paper")
    optimizer.build([w])
    tf.function(lambda: optimizer.apply([tf.zeros((300, 300))], [w]))()
    np.testing.assert_array_equal(w, np.ones((300, 300)))


def test_every_kernel_belongs_to_a_rule():
    for rule, kernel in kernels.KERNELS.items():
        assert rule.__name__ in rules.__all__
        assert kernels.kernel_of(rule) is kernel
    assert kernels.kernel_of(weights_and_grads) is None


@every_mode
def test_tracing_knows_xla_and_strategies(mode):
    seen = []

    def look():
        tf.cond(tf.constant(True) & (tf.constant(1) > 0), inside, inside)

    def inside():
        seen.append((tracing.under_xla(), tracing.in_plain_graph()))

    MODES[mode](look)()
    assert set(seen) == {(mode == "jit", mode == "graph")}
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        assert not tracing.in_plain_graph()


@every_mode
def test_small_variables_without_a_gradient_stay_with_their_slots(mode):
    optimizer, expected = ours.Adam(0.1), ours.Adam(0.1)
    weights, grads = weights_and_grads()
    alone = [keras.Variable(w) for w in weights]
    optimizer.build(weights)
    missing = (3, 5)
    step_grads = [None if i in missing else g for i, g in enumerate(grads[0])]
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        MODES[mode](lambda: optimizer.apply(step_grads, weights))()
    kept = [i for i in range(len(SHAPES)) if i not in missing]
    expected.apply([grads[0][i] for i in kept], [alone[i] for i in kept])
    for i in range(len(SHAPES)):
        np.testing.assert_allclose(weights[i], alone[i], rtol=1e-6, atol=1e-7)
        m = optimizer._momentums[i].numpy()
        if i in missing:
            np.testing.assert_array_equal(m, np.zeros(SHAPES[i]))
        else:
            np.testing.assert_allclose(m, 0.1 * grads[0][i], rtol=1e-6)


def test_a_view_is_a_variable():
    weights, grads = weights_and_grads()
    optimizer = ours.Adam(0.1)
    optimizer.apply(grads[0], weights)
    large, small = optimizer._momentums[0], optimizer._momentums[3]
    assert not isinstance(large, flat.FlatView)
    assert isinstance(small, flat.FlatView)
    assert isinstance(small, keras.Variable)
    assert small.shape == (3, 4)
    assert small.path.endswith("_momentum")
    before, neighbour = small.numpy(), optimizer._momentums[4].numpy()
    np.testing.assert_allclose(before, 0.1 * grads[0][3], rtol=1e-6)
    small.assign(2 * small)
    small.assign_add(tf.ones((3, 4)))
    np.testing.assert_allclose(small, 2 * before + 1, rtol=1e-6)
    np.testing.assert_array_equal(optimizer._momentums[4], neighbour)
    with pytest.raises(ValueError, match="shape"):
        small.assign(tf.ones(2))


def test_slots_are_created_outside_of_the_function_that_creates_them():
    weights, grads = weights_and_grads()
    optimizer = ours.Momentum(0.1)
    step = tf.function(lambda g: optimizer.apply(g, weights))
    step(grads[0])
    step(grads[0])
    np.testing.assert_allclose(optimizer.momentums[3], -0.19 * grads[0][3], rtol=1e-6)


def test_the_state_of_adam_is_two_of_the_model():
    weights, _ = weights_and_grads()
    optimizer = ours.Adam()
    optimizer.build(weights)
    size = sum(int(np.prod(w.shape)) for w in weights)
    store = optimizer._momentums[3].store
    held = [v for v in optimizer.variables if not isinstance(v, flat.FlatView)] + store.slots
    assert sum(int(np.prod(v.shape)) for v in held) == 2 * size + 2


def test_without_the_private_hook_the_public_path_does_the_same(monkeypatch):
    monkeypatch.delattr(ours.RuleOptimizer, "_backend_apply_gradients")
    for name in ("nesterov", "adam", "nadam"):
        weights, grads = weights_and_grads()
        optimizer = BY_NAME[name].ours(weight_decay=0.1)
        for step_grads in grads:
            optimizer.apply(step_grads, weights)
        expected = by_the_formula(BY_NAME[name].ours(weight_decay=0.1))
        for value, exact in zip(values_of(optimizer, weights), expected, strict=True):
            np.testing.assert_allclose(value, exact, rtol=1e-6, atol=1e-7)
