"""Losses per sample against Keras's values, autodiff on plain ops, and differences."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from loss_cases import (
    BCE,
    BINARY,
    CASES,
    CCE,
    CLASS,
    CORE,
    HALF,
    HUBER,
    LOGITS,
    MSE,
    ONE_HOT,
    PERCEPTRON,
    PROBABILITIES,
    SCE,
    SHARES,
    gradient,
    plain_cce_logits,
)
from modes import MODES

from keras_course_ext import gradcheck, ops

by_case = pytest.mark.parametrize("name", CASES)


@by_case
def test_value_is_keras_s(name):
    c = CASES[name]
    t, y = tf.constant(c.y_true), tf.constant(c.y_pred)
    np.testing.assert_allclose(c.loss(t, y), c.value(t, y), rtol=1e-14)


@pytest.mark.thin("mse", "bce*", "sce")
@by_case
def test_gradient_agrees_with_autodiff_and_central_differences(name):
    c = CASES[name]
    y_true = tf.constant(c.y_true)
    gradcheck(lambda y: c.loss(y_true, y), c.y_pred, twin=lambda y: c.twin(y_true, y))


@pytest.mark.thin("mse", "bce")
@pytest.mark.parametrize("name", [name for name in CASES if "sce" not in name])
def test_gradient_of_targets_agrees_too(name):
    c = CASES[name]
    gradcheck(c.loss, c.y_true, c.y_pred, twin=c.twin)


@pytest.mark.thin("*-eager")
@pytest.mark.parametrize(
    ("name", "mode"), [(n, m) for n in CASES for m in MODES if n in CORE or m == "eager"]
)
def test_in_float32_value_is_keras_s_and_gradient_autodiff_s(name, mode):
    c = CASES[name]
    t, y = tf.constant(c.y_true), tf.constant(c.y_pred, tf.float32)
    t = t if "sce" in name else tf.cast(t, tf.float32)
    e, dy = MODES[mode](lambda t, y: (c.loss(t, y), gradient(c.loss, t, y)))(t, y)
    np.testing.assert_allclose(e, c.value(t, y), rtol=2e-6, atol=2e-7)
    np.testing.assert_allclose(dy, gradient(c.twin, t, y), rtol=2e-5, atol=2e-7)


def test_from_logits_the_gradient_is_p_minus_t():
    z = tf.constant(LOGITS)
    for name, t, p, n in ((BCE, BINARY, SHARES, 4), (CCE, ONE_HOT, PROBABILITIES, 1)):
        dz = gradient(partial(getattr(ops, name), from_logits=True), tf.constant(t), z)
        np.testing.assert_allclose(dz, (p - t) / n, rtol=1e-13, atol=1e-15)
    loss = partial(ops.sparse_categorical_crossentropy, from_logits=True)
    dz = gradient(loss, tf.constant(CLASS), z)
    np.testing.assert_allclose(dz, PROBABILITIES - ONE_HOT, rtol=1e-13, atol=1e-15)


HIGHER = [
    *CORE,
    "huber, delta",
    "bce, logits, axis",
    "cce, not normalized",
    "cce, axis",
    "sce, ignored",
]


@pytest.mark.thin("mse", "bce*")
@pytest.mark.parametrize("name", HIGHER)
def test_second_order_forward_mode_and_recomputation_agree_with_autodiff(name):
    c = CASES[name]
    t, y = tf.constant(c.y_true), tf.constant(c.y_pred)
    v = tf.constant(np.random.default_rng(1).normal(size=c.y_pred.shape))

    def derivatives(loss):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(y)
            e = loss(t, y)
            dy = gradient(loss, t, y)
        with tf.autodiff.ForwardAccumulator(y, v) as accumulator:
            e_forward = loss(t, y)
        # Both Jacobians by pfor; that of dy holds the Hessian of every sample.
        return outer.jacobian(dy, y), outer.jacobian(e, y), accumulator.jvp(e_forward)

    for found, expected in zip(derivatives(c.loss), derivatives(c.twin), strict=True):
        # None is how a second derivative of 0 comes back.
        found = 0.0 if found is None else found
        np.testing.assert_allclose(found, 0.0 if expected is None else expected, 1e-10, 1e-12)
    recomputed = gradient(tf.recompute_grad(c.loss), t, y)
    np.testing.assert_array_equal(recomputed, gradient(c.loss, t, y))


@pytest.mark.parametrize("name", [*CORE, "sce, ignored"])
def test_per_example_gradients_by_vectorized_map(name):
    c = CASES[name]
    t, y = tf.constant(c.y_true), tf.constant(c.y_pred)
    rows = tf.vectorized_map(lambda row: gradient(c.loss, row[0][None], row[1][None]), (t, y))
    np.testing.assert_allclose(rows[:, 0], gradient(c.loss, t, y), rtol=1e-13)


def test_targets_that_do_not_sum_to_1_get_the_true_gradient():
    t = np.array([[2.0, 1.0, 0.0, 0.5]])
    loss = partial(ops.categorical_crossentropy, from_logits=True)
    gradcheck(lambda z: loss(t, z), LOGITS[:1], twin=lambda z: plain_cce_logits(t, z))


def test_label_smoothing_counts_the_classes_along_axis():
    t, p = np.eye(3)[[1, 0]], PROBABILITIES[:2, :3]
    found = ops.categorical_crossentropy(t.T, p.T, label_smoothing=0.3, axis=0)
    expected = ops.categorical_crossentropy(t, p, label_smoothing=0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_unknown_sizes_that_differ_fail_instead_of_broadcasting():
    spec = tf.TensorSpec((None, None), tf.float32)
    f = tf.function(ops.mean_squared_error, input_signature=[spec, spec])
    assert f(tf.zeros((2, 3)), tf.ones((2, 3))).shape == (2,)
    with pytest.raises(tf.errors.InvalidArgumentError):
        f(tf.zeros((2, 1)), tf.zeros((2, 3)))


def test_a_single_class_is_warned_of():
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        ops.categorical_crossentropy([[1.0]], [[0.7]])


def test_half_squared_error_is_the_mean_over_two_outputs_and_n_halves_of_it_over_n():
    for n in (2, 4):
        t, a = BINARY[:, :n], LOGITS[:, :n]
        expected = n / 2 * np.asarray(ops.mean_squared_error(t, a))
        np.testing.assert_allclose(ops.half_squared_error(t, a), expected, rtol=1e-15)


def test_ignored_samples_may_be_predicted_as_nan():
    z = tf.constant([[0.0, 0.0], [np.nan, np.inf]])
    for from_logits in (True, False):
        loss = partial(
            ops.sparse_categorical_crossentropy, from_logits=from_logits, ignore_class=255
        )
        for mode in (MODES["eager"], MODES["jit"]):
            e, dz = mode(lambda z, f=loss: (f([0, 255], z), gradient(f, [0, 255], z)))(z)
            np.testing.assert_allclose(e, [np.log(2), 0], rtol=1e-6)
            np.testing.assert_array_equal(dz[1], [0, 0])
            assert np.isfinite(dz).all()


def test_perceptron_criterion_is_0_where_the_unit_is_right_and_the_distance_where_not():
    z = np.array([[2.0], [2.0], [-3.0], [-3.0], [0.0], [0.0]])
    t = np.array([[1.0], [0.0], [1.0], [0.0], [0.0], [1.0]])
    np.testing.assert_array_equal(ops.perceptron_criterion(t, z), [0, 2, 3, 0, 0, 0])
    # z = 0 is not above 0: the unit says 0, and is told so where 1 is wanted.
    dz = gradient(ops.perceptron_criterion, t, tf.constant(z))
    np.testing.assert_array_equal(dz, [[0], [1], [-1], [0], [0], [-1]])


def zeros(*shape):
    return tf.zeros(shape)


def sparse(**options):
    return partial(ops.sparse_categorical_crossentropy, zeros(2), zeros(2, 3), **options)


BAD = {
    "mse shapes": (
        lambda: ops.mean_squared_error(zeros(2, 1), zeros(2, 3)),
        r"\(2, 1\).*\(2, 3\)",
    ),
    "mse ranks": (lambda: ops.mean_squared_error(zeros(3), zeros(2, 3)), "equal"),
    "mse scalar": (lambda: ops.mean_squared_error(0.0, 1.0), "rank"),
    "bce shapes": (lambda: ops.binary_crossentropy(zeros(2, 1), zeros(2, 3)), "equal"),
    "bce axis": (lambda: ops.binary_crossentropy(zeros(2, 3), zeros(2, 3), axis=2), r"\[-2, 2\)"),
    "bce smoothing": (
        lambda: ops.binary_crossentropy(zeros(2, 3), zeros(2, 3), label_smoothing=1.5),
        "label_smoothing=1.5",
    ),
    "cce shapes": (lambda: ops.categorical_crossentropy(zeros(2, 4), zeros(2, 3)), "equal"),
    "cce axis": (
        lambda: ops.categorical_crossentropy(zeros(2, 3), zeros(2, 3), axis=True),
        "integer",
    ),
    "sce one-hot": (
        lambda: ops.sparse_categorical_crossentropy(zeros(2, 3), zeros(2, 3)),
        "categorical_crossentropy",
    ),
    "sce ignore_class": (sparse(ignore_class="void"), "ignore_class='void'.*Write"),
    "sce ignore_class of bool": (sparse(ignore_class=True), "ignore_class=True"),
    "half shapes": (lambda: ops.half_squared_error(zeros(2, 1), zeros(2, 3)), "equal"),
    "huber shapes": (lambda: ops.huber(zeros(2, 1), zeros(2, 3)), "equal"),
    **{
        f"huber delta {delta}": (
            lambda delta=delta: ops.huber(zeros(2, 3), zeros(2, 3), delta),
            r"`delta`.*above 0\. Received: delta=",
        )
        for delta in (0, -1.0, np.nan, True, "1")
    },
    "perceptron shapes": (lambda: ops.perceptron_criterion(zeros(2, 1), zeros(2, 3)), "equal"),
    "sce axis": (sparse(axis=0), r"keras\.ops\.moveaxis\(y_pred, 0, -1\)"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_with_what_to_write(call, message):
    with pytest.raises(ValueError, match=message):
        call()


LOSSES = [MSE, HALF, HUBER, PERCEPTRON, BCE, CCE, SCE]
NO_NUMBERS = {
    "complex": (lambda: tf.zeros((2, 3), tf.complex64), "real numbers only"),
    "sparse": (lambda: tf.sparse.from_dense(tf.eye(2, 3)), r"tf\.sparse\.to_dense"),
    "ragged": (lambda: tf.ragged.constant([[1.0], [2.0, 3.0]]), r"\.to_tensor\(\)"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_not_a_dense_tensor_of_real_numbers_is_refused(name):
    loss = getattr(ops, name)
    with pytest.raises(TypeError, match=r"y_pred.*tf\.cast"):
        loss(zeros(2, 3), tf.zeros((2, 3), tf.int32))
    for make, message in NO_NUMBERS.values():
        with pytest.raises(TypeError, match=f"y_pred.*{message}|{message}.*y_pred"):
            loss(zeros(2, 3), make())
        with pytest.raises(TypeError, match=f"y_true.*{message}|{message}.*y_true"):
            loss(make(), zeros(2, 3))


@pytest.mark.parametrize("name", LOSSES)
def test_integer_and_boolean_targets_count_as_numbers(name):
    bits = np.array([0, 1] if name == SCE else [[0, 1, 1], [1, 0, 0]])
    y = tf.constant([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    expected = getattr(ops, name)(bits.astype("float32"), y)
    for dtype in ("int32", "uint8", "bool"):
        np.testing.assert_array_equal(getattr(ops, name)(bits.astype(dtype), y), expected)


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_of_none_has_no_losses_and_an_empty_gradient(name):
    t, y = zeros(0) if name == SCE else zeros(0, 3), zeros(0, 3)
    assert getattr(ops, name)(t, y).shape == (0,)
    assert gradient(getattr(ops, name), t, y).shape == (0, 3)
