"""What Lookahead and LayerWise go around: optimizers of this package, of Keras, each other."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext.optimizers as ours

WRAPPERS: dict[str, Any] = {
    "lookahead": ours.Lookahead,
    "layer_wise": lambda inner: ours.LayerWise(inner, {".*": 0.5}),
}
every_wrapper = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)


class OfTheUser(keras.optimizers.SGD):
    pass


def built(optimizer: Any) -> Any:
    optimizer.build([keras.Variable([1.0])])
    return optimizer


def without_biases(optimizer: Any) -> Any:
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


NOT_WRAPPED: dict[str, tuple[Any, type[Exception], str]] = {
    "a name": (lambda: "adam", TypeError, r"wraps an optimizer, but got 'adam' \(str\)"),
    "no optimizer": (keras.layers.ReLU, TypeError, r"wraps an optimizer, but got .*\(ReLU\)"),
    "of the user": (OfTheUser, TypeError, "`OfTheUser` is none of this package"),
    "other formula": (keras.optimizers.Lamb, TypeError, r"Keras's `Lamb`.*kce\.optimizers\.Lamb\("),
    "loss scale": (
        lambda: keras.optimizers.LossScaleOptimizer(ours.Adam()),
        TypeError,
        r"must be the outermost one. Write `keras\.optimizers\.LossScaleOptimizer\(",
    ),
    "built": (lambda: built(ours.Adam()), ValueError, r"other weights already.*\(Adam\(\.\.\.\)"),
    "built of keras": (lambda: built(keras.optimizers.Adam()), ValueError, "weights already"),
    "excluded in keras": (
        lambda: without_biases(keras.optimizers.AdamW()),
        ValueError,
        "Call it on the `",
    ),
}


@every_wrapper
@pytest.mark.parametrize(("make", "error", "message"), NOT_WRAPPED.values(), ids=NOT_WRAPPED)
def test_what_cannot_be_wrapped_is_refused(wrap, make, error, message):
    with pytest.raises(error, match=message):
        wrap(make())


def moved(optimizer: Any, steps: int = 6) -> np.ndarray:
    """The weights of "a/kernel" and "b/kernel" after some steps with other gradients each."""
    with keras.name_scope("a"):
        a = keras.Variable([1.0, -2.0], name="kernel")
    with keras.name_scope("b"):
        b = keras.Variable([0.5, 1.0], name="kernel")
    for i in range(steps):
        optimizer.apply([tf.constant([0.5, -1.0 - i]), tf.constant([1.0 + i, 2.0])], [a, b])
    return np.stack([a.numpy(), b.numpy()])


OF_KERAS: dict[str, tuple[Any, Any]] = {
    "adam": (keras.optimizers.Adam, {"learning_rate": 0.1, "beta_1": 0.8}),
    "adamw": (keras.optimizers.AdamW, {"learning_rate": 0.1, "weight_decay": 0.1}),
    "sgd": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True, "clipnorm": 0.5}),
    "rmsprop": (keras.optimizers.RMSprop, {"momentum": 0.5, "centered": True}),
    "schedule": (
        keras.optimizers.SGD,
        {
            "learning_rate": keras.optimizers.schedules.InverseTimeDecay(0.5, 1, 1.0),
            "gradient_accumulation_steps": 2,
        },
    ),
}


@pytest.mark.parametrize(("cls", "arguments"), OF_KERAS.values(), ids=OF_KERAS)
def test_an_optimizer_of_keras_is_wrapped(cls, arguments):
    same = {"slow_step_size": 1.0, "sync_period": 1}  # φ is θ at every step: the optimizer itself
    of_keras = ours.Lookahead(cls(**arguments), **same)
    np.testing.assert_allclose(moved(of_keras), moved(cls(**arguments)), rtol=2e-6)
    again = ours.Lookahead.from_config(ours.Lookahead(cls(**arguments), **same).get_config())
    np.testing.assert_array_equal(moved(again), moved(ours.Lookahead(cls(**arguments), **same)))
    halved = ours.LayerWise(cls(**arguments), {"a": 0.0})
    expected = moved(cls(**arguments))[1] if "clipnorm" not in arguments else None
    result = moved(halved)
    np.testing.assert_array_equal(result[0], [1.0, -2.0])
    if expected is not None:
        np.testing.assert_allclose(result[1], expected, rtol=2e-6)


@pytest.mark.parametrize("inner", [ours.AdamW, ours.Lamb, ours.SGD])
def test_a_wrapper_goes_around_layer_wise(inner):
    """The factors of one variable do not depend on the order of the wrappers."""
    factors = {"a": {"learning_rate": 0.1, "weight_decay": 3.0}}
    arguments = {"learning_rate": 0.1, "weight_decay": 0.1}
    around = ours.Lookahead(ours.LayerWise(inner(**arguments), factors), sync_period=2)
    within = ours.LayerWise(ours.Lookahead(inner(**arguments), sync_period=2), factors)
    again = ours.Lookahead.from_config(
        ours.Lookahead(ours.LayerWise(inner(**arguments), factors), sync_period=2).get_config()
    )
    expected = moved(within)
    np.testing.assert_array_equal(moved(around), expected)
    np.testing.assert_array_equal(moved(again), expected)
    assert not np.allclose(moved(inner(**arguments)), expected)


def test_the_factors_of_two_layer_wise_multiply():
    twice = ours.LayerWise(ours.LayerWise(ours.SGD(1.0), {"a": 0.5, "b": 0.25}), {"a": 0.5})
    once = ours.LayerWise(ours.SGD(1.0), {"a": 0.25, "b": 0.25})
    np.testing.assert_array_equal(moved(twice), moved(once))
    assert twice.factors_of(twice.weights[0]) == (0.25, 1.0)


def test_lookahead_does_not_go_around_another_average_in_layer_wise():
    with pytest.raises(TypeError, match="Use one of the two"):
        ours.Lookahead(ours.LayerWise(ours.ScheduleFreeAdamW(), {".*": 0.5}))
