"""SWA beside means that are computed by hand."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from problems import regression_data, regression_model

from keras_course_ext.callbacks import SWA

X, Y = regression_data(40)


class Ends(keras.callbacks.Callback):
    """The weights at the end of every epoch."""

    def __init__(self):
        super().__init__()
        self.weights: list[list[np.ndarray]] = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


def normalized() -> Any:
    keras.utils.set_random_seed(2)
    inner = keras.Sequential([keras.layers.BatchNormalization(momentum=0.9, name="first")])
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5),
            inner,
            keras.layers.Dense(5, activation="tanh"),
            keras.layers.BatchNormalization(momentum=0.8, name="second"),
            keras.layers.Dense(3),
        ]
    )


def fit(model: Any, swa: SWA, epochs: int = 6, **arguments: Any) -> list[list[np.ndarray]]:
    ends = Ends()
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    model.fit(X, Y, batch_size=10, epochs=epochs, verbose=0, callbacks=[swa, ends], **arguments)
    return ends.weights


def test_the_weights_are_the_mean_of_the_ends_of_epochs():
    model, swa = regression_model(), SWA(start_epoch=1, period=2)
    ends = fit(model, swa)
    assert swa.n == 3
    for i, w in enumerate(model.get_weights()):
        exact = np.mean([ends[epoch][i].astype("float64") for epoch in (1, 3, 5)], axis=0)
        np.testing.assert_allclose(w, exact, rtol=1e-6, atol=1e-7)
        assert np.abs(w - ends[-1][i]).max() > 1e-4


@pytest.mark.parametrize("kind", ["array", "dataset"])
def test_the_statistics_are_those_of_the_data(kind):
    model = normalized()
    batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    data = X if kind == "array" else batches
    fit(model, SWA(start_epoch=3, data=data, batch_size=16))
    first, second = model.layers[1].layers[0], model.layers[3]
    assert (first.momentum, second.momentum) == (0.9, 0.8)
    # By hand: the batches of 16, 16 and 8 rows through the layers, each by its own statistics.
    sizes = np.array([16, 16, 8])
    sums: dict[str, list[Any]] = {"first": [], "second": []}
    for rows in np.split(X.astype("float64"), [16, 32]):
        z = rows @ model.layers[0].kernel.numpy() + model.layers[0].bias.numpy()
        sums["first"].append((z.mean(0), z.var(0)))
        h = (z - z.mean(0)) / np.sqrt(z.var(0) + first.epsilon) * first.gamma + first.beta
        h = np.tanh(h @ model.layers[2].kernel.numpy() + model.layers[2].bias.numpy())
        sums["second"].append((h.mean(0), h.var(0)))
    for layer in (first, second):
        mean, variance = (
            np.average([pair[i] for pair in sums[layer.name]], axis=0, weights=sizes)
            for i in (0, 1)
        )
        np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-4, atol=1e-5)


def test_a_frozen_normalization_keeps_its_statistics():
    model = normalized()
    model.layers[1].trainable = model.layers[3].trainable = False
    before = model.layers[3].moving_mean.numpy()
    fit(model, SWA(start_epoch=0), epochs=2)
    np.testing.assert_array_equal(model.layers[3].moving_mean, before)


def test_without_data_normalization_is_refused_before_training():
    model = normalized()
    with pytest.raises(
        ValueError, match=r"statistics of 'first'.*SWA\(start_epoch=3, data=x_train"
    ):
        fit(model, SWA(start_epoch=3))
    assert int(model.optimizer.iterations) == 0


def test_a_fit_that_ends_before_the_start_keeps_its_weights():
    model, swa = regression_model(), SWA(start_epoch=9)
    ends = fit(model, swa, epochs=2)
    assert swa.n == 0
    for w, value in zip(model.get_weights(), ends[-1], strict=True):
        np.testing.assert_array_equal(w, value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start_epoch": -1}, "`start_epoch` must be an integer of at least 0"),
        ({"start_epoch": 0, "period": 0}, "`period` must be an integer of at least 1"),
        ({"start_epoch": 0, "batch_size": 1.5}, "`batch_size` must be an integer"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SWA(**arguments)


def test_config_makes_the_same_callback():
    config = SWA(start_epoch=2, period=3, data=X, batch_size=4).get_config()
    assert SWA(**config).get_config() == config
