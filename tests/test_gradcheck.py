"""`gradcheck` passes right derivatives, fails wrong ones, and says which, where and by how much."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext import GradcheckError, gradcheck, layers, losses, ops

X = np.array([[0.3, -1.2], [2.0, 0.7]])


@tf.custom_gradient
def cube(x):
    return x**3, lambda dy: dy * 3 * x**2


def with_wrong_derivative(wrong):
    @tf.custom_gradient
    def forward(x):
        return x**3, lambda dy: wrong(x, dy)

    return forward


def one_element_wrong(x, dy):
    return dy * 3 * x**2 + tf.constant([[0.0, 0.0], [1e-6, 0.0]], x.dtype)


WRONG = {
    "factor": lambda x, dy: dy * 2 * x**2,
    "sign": lambda x, dy: -dy * 3 * x**2,
    "upstream forgotten": lambda x, dy: 3 * x**2,
    "transposed": lambda x, dy: tf.transpose(dy * 3 * x**2),
    "zero": lambda x, dy: tf.zeros_like(x),
    "none": lambda x, dy: None,
    "nan": lambda x, dy: dy * np.nan,
    "one element": one_element_wrong,
    "one nan": lambda x, dy: one_element_wrong(x, dy) * [[1.0, 1.0], [np.nan, 1.0]],
    "one infinity": lambda x, dy: one_element_wrong(x, dy) / [[1.0, 1.0], [0.0, 1.0]],
}


@pytest.mark.parametrize("mode", ["eager", "graph", "jit"])
def test_a_right_derivative_passes_and_reports_every_comparison(mode):
    report = gradcheck(cube, X, twin=lambda x: x * x * x, mode=mode, order=2)
    first = ["central differences", "autodiff of the twin"]
    assert [row.reference for row in report.rows] == ["the twin's value", *first, *first, *first]
    assert [row.input for row in report.rows[1:]][::2] == [
        "argument 0 (x)",
        "second order: argument 0 (x)",
        "second order: upstream gradient",
    ]
    assert report.ok
    assert all(row.checked == row.size == 4 for row in report.rows)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_derivative_fails(name):
    f = with_wrong_derivative(WRONG[name])
    for mode in ("eager", "graph"):
        with pytest.raises(GradcheckError, match="WRONG, argument 0") as error:
            gradcheck(f, X, mode=mode)
        assert not error.value.report.ok


def test_the_message_holds_the_worst_element_its_place_and_both_values():
    with pytest.raises(GradcheckError) as error:
        gradcheck(with_wrong_derivative(one_element_wrong), np.array([[0.0, 0.0], [2.0, 0.0]]))
    worst = error.value.report.worst
    assert worst.place == (1, 0)
    np.testing.assert_allclose(worst.found - worst.expected, 1e-6, rtol=1e-3)
    message = str(error.value)
    assert f"element (1, 0): {worst.found:.12g}, by central differences" in message
    assert f"{worst.expected:.12g} (off by 1.00e-06, allowed 7." in message
    assert max(map(len, message.splitlines()[1:])) <= 120


def test_a_twin_of_other_value_or_shape_fails():
    with pytest.raises(GradcheckError, match="twin's value"):
        gradcheck(cube, X, twin=lambda x: x * x * x + 1e-9)
    with pytest.raises(GradcheckError, match="shapes"):
        gradcheck(cube, X, twin=lambda x: tf.reduce_sum(x**3))


def test_a_twin_sees_what_differences_cannot():
    f = with_wrong_derivative(lambda x, dy: dy * 3 * x**2 * (1 + 1e-10))
    assert gradcheck(f, X).ok
    with pytest.raises(GradcheckError, match="autodiff of the twin"):
        gradcheck(f, X, twin=lambda x: x**3)


def test_a_gradient_of_wrong_shape_fails():
    f = with_wrong_derivative(lambda x, dy: tf.reduce_sum(dy * 3 * x**2, axis=0))
    with pytest.raises(GradcheckError, match=r"shape \(2,\), but must have .* \(2, 2\)"):
        gradcheck(f, X)


def test_an_input_that_the_gradient_forgets_fails():
    @tf.custom_gradient
    def product(x, y):
        return x * y, lambda dz: (dz * y, None)

    with pytest.raises(GradcheckError, match=r"argument 1 \(y\).*the gradient is None"):
        gradcheck(product, X, X)


def test_an_input_that_does_not_matter_needs_no_gradient():
    report = gradcheck(lambda x, y: 2 * x + 0 * tf.stop_gradient(y), X, X)
    assert ["None" in row.note for row in report.rows] == [False, True]


def test_a_second_derivative_may_be_wrong_where_the_first_is_right():
    f = with_wrong_derivative(lambda x, dy: dy * 3 * x * tf.stop_gradient(x))
    assert gradcheck(f, X).ok
    with pytest.raises(GradcheckError, match=r"second order: argument 0 \(x\)"):
        gradcheck(f, X, order=2)


def test_arguments_of_every_kind():
    def f(pair, options, power, scale, flag, shift):
        assert (power, flag, options["name"]) == (3, True, "name")
        assert not tf.is_tensor(power)
        y = pair[0] ** power * options["w"] if flag else 0
        return {"y": y + shift, "count": tf.constant(3)}, [scale * pair[1], None]

    report = gradcheck(
        f, (X, [1.0, 2.0]), {"w": tf.constant(X), "name": "name"}, 3, 0.5, True, tf.Variable(X)
    )
    assert [(row.input, row.size) for row in report.rows] == [
        ("argument 0 (pair)[0]", 4),
        ("argument 0 (pair)[1]", 2),
        ("argument 1 (options)['w']", 4),
        ("argument 3 (scale)", 1),
        ("argument 5 (shift)", 4),
    ]
    assert report.notes == (
        "argument 2 (power) is not floating point: passed through, not checked.",
        "argument 4 (flag) is not floating point: passed through, not checked.",
    )
    assert "argument 2 (power)" in str(report)


def test_single_numbers():
    scale = tf.Variable(0.5, dtype=tf.float64)
    report = gradcheck(lambda x: x * scale**2, 3.0, variables=[scale], order=2)
    assert [row.place for row in report.rows] == [()] * 5


def test_rows_of_a_table_and_an_index():
    report = gradcheck(tf.gather, X, np.array([1, 1, 0]))
    assert len(report.rows) == 1
    assert len(report.notes) == 1


def wrong_in_w(x, w):
    @tf.custom_gradient
    def product(x, w):
        return x @ w, lambda dy: (dy @ tf.transpose(w), 1.1 * tf.transpose(x) @ dy)

    return product(x, w)


def test_variables_are_checked_and_keep_their_values():
    w = tf.Variable(X, name="w")
    f = lambda x: x @ w  # noqa: E731
    assert [row.input for row in gradcheck(f, X).rows] == ["argument 0 (x)"]
    report = gradcheck(f, X, variables=[w], order=2, mode="graph")
    assert [row.input for row in report.rows[:2]] == ["argument 0 (x)", "variable 'w:0'"]
    with pytest.raises(GradcheckError, match="variable 'w:0'"):
        gradcheck(lambda x: wrong_in_w(x, w), X, variables=[w])
    np.testing.assert_array_equal(w, X)


def test_a_layer_is_checked_by_its_weights_too():
    dense = layers.Dense(2, activation="tanh", dtype="float64")
    report = gradcheck(dense, X, twin=lambda x: tf.tanh(x @ dense.kernel + dense.bias))
    inputs = ["argument 0 (inputs)", *(f"variable '{w.path}'" for w in dense.weights)]
    assert [row.input for row in report.rows] == ["output 0", *np.repeat(inputs, 2)]
    twin = keras.layers.Dense(2, activation="tanh", dtype="float64")
    twin.build(X.shape)
    twin.set_weights(dense.get_weights())
    report = gradcheck(dense, X, twin=twin)
    assert len(report.rows) == 5
    assert all("doesn't read variable" in note for note in report.notes)


@pytest.mark.parametrize("mode", ["eager", "jit"])
def test_a_float32_layer_and_loss_get_tolerances_that_fit(mode):
    report = gradcheck(keras.layers.Dense(3, activation="sigmoid"), X, mode=mode)
    assert "float32" in report.notes[0]
    assert len(report.rows) == 3
    assert gradcheck(losses.MeanSquaredError(), X, X + 1, mode=mode).ok
    with pytest.raises(GradcheckError):
        gradcheck(with_wrong_derivative(lambda x, dy: dy * 3.1 * x**2), tf.constant(X, "float32"))


def test_a_dtype_that_is_asked_for_is_kept():
    def only_float32(x):
        return tf.ensure_shape(x, [2, 2]) * tf.ones((2, 2), tf.float32)

    assert gradcheck(only_float32, X.astype("float32")).ok
    assert gradcheck(only_float32, tf.constant(X, tf.float32)).ok


def test_of_a_large_input_some_elements_are_drawn_and_all_are_moved_at_once():
    x = np.random.default_rng(0).normal(size=(40, 50))
    report = gradcheck(cube, x, samples=20)
    assert [(row.checked, row.place is None) for row in report.rows] == [(20, False), (2000, True)]
    assert "20 of 2000" in str(report)
    assert report == gradcheck(cube, x, samples=20)
    hidden = np.zeros_like(x)
    hidden[17, 3] = 1e-4
    f = with_wrong_derivative(lambda x, dy: dy * 3 * x**2 + hidden)
    with pytest.raises(GradcheckError, match="a random direction"):
        gradcheck(f, x, samples=20)


def test_a_corner_is_told_from_a_mistake():
    with pytest.raises(GradcheckError, match=r"corner.*slope is 0 to the left and \d") as error:
        gradcheck(ops.relu, [1.5, 0.0])
    assert error.value.report.worst.place == (1,)
    with pytest.raises(GradcheckError, match="corner or a jump"):
        gradcheck(tf.nn.relu, [1e-5, 1.0])
    with pytest.raises(GradcheckError, match="not finite next to"):
        gradcheck(tf.math.log, [1e-5, 1.0])
    with pytest.raises(GradcheckError) as error:
        gradcheck(with_wrong_derivative(WRONG["factor"]), X)
    assert "corner" not in str(error.value)


def test_large_values_lend_their_rounding():
    assert gradcheck(lambda x: 1e7 + tf.math.sin(x), X).ok


@tf.custom_gradient
def wrong_product(x, factor=3.0):
    return x * factor, lambda dy: 1000.0 * dy


@tf.custom_gradient
def product(x, factor=3.0):
    return x * factor, lambda dy: dy * factor


def test_a_gradient_that_tensorflow_never_calls_is_refused():
    with pytest.raises(GradcheckError, match=r"never called.*`wrong_product\(x\)`"):
        gradcheck(lambda a: wrong_product(x=a), X)
    with pytest.raises(GradcheckError, match="never called"):
        gradcheck(lambda a: wrong_product(tf.ones(2, a.dtype), factor=a), X)
    with pytest.raises(ValueError, match="keywords"):
        gradcheck(lambda a: wrong_product(x=a), X, mode="graph")


def test_the_private_function_that_skips_gradients_is_still_there():
    """Without it `gradcheck` cannot see that a gradient was skipped; see docs/architecture.md."""
    assert callable(sys.modules["tensorflow.python.ops.custom_gradient"]._eager_mode_decorator)


def test_without_the_private_function_the_check_goes_on(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow.python.ops.custom_gradient", None)
    assert gradcheck(cube, X).ok


def test_options_and_constants_may_be_keyword_arguments():
    assert gradcheck(lambda a: product(a, factor=2.0), X).ok
    assert gradcheck(lambda a: product(a, factor=tf.constant(2.0, a.dtype)), X).ok
    with pytest.raises(GradcheckError, match="WRONG"):
        gradcheck(lambda a: wrong_product(a, factor=2.0), X)


def test_a_missing_gradient_is_explained():
    with pytest.raises(GradcheckError, match="NumPy function or"):
        gradcheck(lambda x: tf.constant(np.square(x)), X)


BAD = {
    "no function": (3, (X,), {}, TypeError, "must be a function"),
    "no twin": (cube, (X,), {"twin": 3}, TypeError, "`twin`"),
    "order": (cube, (X,), {"order": 3}, ValueError, "must be 1 or 2"),
    "mode": (cube, (X,), {"mode": "xla"}, ValueError, "'eager', 'graph', 'jit'"),
    "samples": (cube, (X,), {"samples": 0}, ValueError, "1 or more"),
    "tolerance": (cube, (X,), {"rtol": -1.0}, ValueError, "0 or more"),
    "nothing": (lambda: tf.constant(1.0), (), {}, ValueError, "nothing to differentiate by"),
    "integers": (lambda x: x * 1.0, (3.0 > 2,), {}, ValueError, "nothing to differentiate by"),
    "empty": (cube, (np.zeros((0, 2)),), {}, ValueError, "nothing to differentiate by"),
    "complex": (cube, (X + 1j,), {}, TypeError, "tf.complex"),
    "half": (cube, (X.astype("float16"),), {}, TypeError, "astype"),
    "bfloat16": (cube, (tf.constant(X, tf.bfloat16),), {}, TypeError, "bfloat16"),
    "sparse": (cube, (tf.sparse.from_dense(X),), {}, TypeError, "SparseTensor"),
    "symbolic": (cube, (keras.Input((2,)),), {}, TypeError, "KerasTensor"),
    "complex output": (lambda x: tf.complex(x, x), (X,), {}, TypeError, "tf.math.real"),
    "half output": (lambda x: tf.cast(x, "float16"), (X,), {}, TypeError, "float16"),
    "numpy": (np.square, (X,), {}, TypeError, "tf.square"),
    "numpy in a graph": (np.square, (X,), {"mode": "graph"}, TypeError, "tf.square"),
    "integer output": (lambda x: tf.argmax(x), (X,), {}, ValueError, "floating-point output"),
    "no output": (lambda x: None, (X,), {}, ValueError, "return"),
    "not finite": (lambda x: tf.math.log(x), (X,), {}, ValueError, r"nan at element \(0, 1\)"),
    "random": (lambda x: x + tf.random.uniform((), dtype=x.dtype), (X,), {}, ValueError, "random"),
    "no variable": (cube, (X,), {"variables": [X]}, TypeError, "Received: ndarray"),
    "integer variable": (cube, (X,), {"variables": [tf.Variable(1)]}, TypeError, "no gradient"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    f, inputs, options, error, message = BAD[name]
    with pytest.raises(error, match=message):
        gradcheck(f, *inputs, **options)
