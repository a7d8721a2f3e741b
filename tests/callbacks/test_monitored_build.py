"""A monitored step is traced once, and the optimizer has the variables that it has without it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext as kce
from keras_course_ext.callbacks import GradientMonitor

OPTIMIZERS = {
    "Keras's": lambda: keras.optimizers.Adam(0.1),
    "ours, slots start at the weights": lambda: kce.optimizers.ScheduleFreeAdamW(0.1),
    "loss scale": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, 0.9)),
}


class LastLayerOnly(keras.Sequential):
    """Trains its last layer, and counts how often that is traced."""

    traces = 0

    def train_step(self, data):
        self.traces += 1
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
            loss = self.optimizer.scale_loss(loss)
        weights = self.layers[-1].trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return {"loss": loss}


def trained(make, built, callbacks):
    keras.utils.set_random_seed(0)
    keras.backend.clear_session(free_memory=False)  # Keras numbers the names of a process
    inputs = [keras.Input((4,))] if built else []
    model = LastLayerOnly(
        [
            *inputs,
            keras.layers.Dense(5, activation="tanh", name="a"),
            keras.layers.Dense(1, name="b"),
        ]
    )
    model.compile(make(), "mse")
    x = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
    model.fit(x, x[:, :1], batch_size=4, verbose=0, shuffle=False, callbacks=callbacks)
    return model


@pytest.mark.parametrize("built", [True, False], ids=["built", "not built"])
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_optimizer_is_built_as_without_the_monitor(make, built):
    plain = trained(make, built, [])
    monitor = GradientMonitor(1)
    monitored = trained(make, built, [monitor])
    scaled = isinstance(plain.optimizer, keras.optimizers.LossScaleOptimizer)
    assert monitored.traces == (1 if built and not scaled else plain.traces)
    assert len(monitor.history.steps) == 3
    paths = [[w.path for w in m.optimizer.variables] for m in (plain, monitored)]
    assert paths[0] == paths[1]
    for a, b in zip(plain.optimizer.variables, monitored.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)
    for a, b in zip(plain.get_weights(), monitored.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
