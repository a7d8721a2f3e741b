import numpy as np
import pytest
import tensorflow as tf
from gradcheck import GradcheckError, gradcheck

X = np.array([[0.3, -1.2], [2.0, 0.7]])


def cube(x):
    @tf.custom_gradient
    def forward(x):
        return x**3, lambda dy: dy * 3 * x**2

    return forward(x)


def with_wrong_derivative(wrong):
    @tf.custom_gradient
    def forward(x):
        return x**3, lambda dy: wrong(x, dy)

    return forward


def one_element_wrong(x, dy):
    return dy * 3 * x**2 + tf.constant([[0.0, 0.0], [1e-6, 0.0]], tf.float64)


WRONG = {
    "factor": lambda x, dy: dy * 2 * x**2,
    "upstream forgotten": lambda x, dy: 3 * x**2,
    "transposed": lambda x, dy: tf.transpose(dy * 3 * x**2),
    "zero": lambda x, dy: tf.zeros_like(x),
    "nan": lambda x, dy: dy * np.nan,
    "one element": one_element_wrong,
}


def test_a_right_derivative_passes_and_reports_every_comparison():
    report = gradcheck(cube, X, twin=lambda x: x * x * x)
    assert [d.reference for d in report] == ["central differences", "autodiff of the twin"]
    assert all(d.ratio <= 1 for d in report)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_derivative_fails(name):
    with pytest.raises(GradcheckError, match="WRONG"):
        gradcheck(with_wrong_derivative(WRONG[name]), X)


def test_the_message_holds_the_worst_element_its_place_and_both_values():
    with pytest.raises(GradcheckError) as error:
        gradcheck(with_wrong_derivative(one_element_wrong), np.array([[0.0, 0.0], [2.0, 0.0]]))
    message = str(error.value)
    assert "element (1, 0)" in message
    assert "off by 1.00e-06" in message


def test_a_twin_of_other_value_fails():
    with pytest.raises(GradcheckError, match="twin's value"):
        gradcheck(cube, X, twin=lambda x: x * x * x + 1e-9)


def test_a_gradient_of_wrong_shape_fails():
    f = with_wrong_derivative(lambda x, dy: tf.reduce_sum(dy * 3 * x**2, axis=0))
    with pytest.raises(GradcheckError, match="shape"):
        gradcheck(f, X)


def test_an_input_that_the_gradient_forgets_fails():
    @tf.custom_gradient
    def product(x, y):
        return x * y, lambda dz: (dz * y, None)

    with pytest.raises(GradcheckError, match="argument 1"):
        gradcheck(product, X, X)
