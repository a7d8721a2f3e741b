"""What a monitored `fit` observes of its task, and what a monitor does with findings."""

import logging
import random

import keras
import numpy as np
import pytest

import keras_course_ext as kce
from keras_course_ext.callbacks import FindingError, GradientMonitor
from keras_course_ext.monitoring import Finding, diagnose

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(3, 5, (64, 4)).astype("float32")
BINARY = (X[:, 0] > 3).astype(int)
CLASSES = RANDOM.integers(0, 3, 64)


def two_outputs():
    first, second = keras.Input((4,), name="first"), keras.Input((4,), name="second")
    h = keras.layers.Dense(8, "relu", name="hidden")(first)
    h = keras.layers.Add(name="sum")([h, keras.layers.Dense(8, name="side")(second)])
    p = keras.layers.Dense(1, name="score")(h)
    outputs = {
        "p": keras.layers.Activation("sigmoid", name="p")(p),
        "q": keras.layers.Dense(3, name="q")(h),
    }
    return keras.Model({"first": first, "second": second}, outputs)


@pytest.mark.parametrize("eager", [False, True])
def test_inputs_outputs_losses_and_layers_of_a_functional_model(eager):
    model = two_outputs()
    losses = {"p": "binary_crossentropy"}
    losses["q"] = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", losses, run_eagerly=eager)
    monitor = GradientMonitor(on_finding="ignore")
    data = {"first": X, "second": 2 * X}, {"p": BINARY, "q": CLASSES}
    model.fit(*data, batch_size=32, epochs=2, verbose=0, callbacks=[monitor])
    seen = monitor.history.observations
    assert [(o.epoch, o.step, o.batches) for o in seen] == [(0, 0, 2), (1, 2, 2)]
    assert [o.log("loss") for o in seen] == pytest.approx(model.history.history["loss"], rel=1e-6)
    x = {info.name: info for info in seen[0].inputs}
    assert (x["first"].columns, x["first"].samples) == (4, 64)
    assert x["first"].mean == pytest.approx(X.mean(), rel=1e-5)
    assert x["second"].std == pytest.approx(2 * X.std(), rel=1e-5)
    assert x["first"].largest_scale == pytest.approx(np.sqrt((X**2).mean(0)).max(), rel=1e-5)
    p, q = sorted(seen[0].outputs, key=lambda output: output.name)
    assert (p.layer, p.layers, p.activation, p.units) == ("p", ("score", "p"), "sigmoid", 1)
    assert (p.loss, p.from_logits) == ("binary_crossentropy", False)
    assert (q.layer, q.activation, q.units, q.from_logits) == ("q", "linear", 3, True)
    assert p.targets is not None
    assert q.targets is not None
    assert dict(zip(q.targets.values, q.targets.shares, strict=True)) == pytest.approx(
        {i: (i == CLASSES).mean() for i in range(3)}
    )
    share = BINARY.mean()
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    assert p.constant_loss == pytest.approx(entropy, rel=1e-5)
    inputs = {info.name: info.inputs for info in monitor.history.layers}
    assert inputs["hidden"] == ()
    assert inputs["sum"] == ("hidden", "side")
    assert inputs["q"] == ("sum",)


def faulty():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(4, "relu"),
            keras.layers.Dense(1, "sigmoid", name="out"),
        ]
    )
    model.compile("adam", "mse")
    return model


@pytest.fixture(scope="module")
def acted(caplog_module=None):
    """Fits of one faulty model with each `on_finding`."""
    model, found = faulty(), {}
    calls: list[Finding] = []
    for action in ("raise", "stop", calls.append):
        monitor = GradientMonitor(on_finding=action)
        how = {"batch_size": 16, "epochs": 3, "verbose": 0, "callbacks": [monitor]}
        try:
            model.fit(X, 30 * X[:, :1], **how)
            found[str(action)[:4]] = monitor
        except FindingError as error:
            found["raised"] = error
    return found, calls


def test_an_impossible_output_ends_the_run_at_the_second_batch(acted):
    found, calls = acted
    assert found["raised"].finding.kind == "output_range"
    assert "sigmoid ends at 1" in str(found["raised"])
    assert len(found["stop"].history.steps) < 4
    assert [(f.kind, f.layer) for f in calls] == [("output_range", "out")]


def test_the_log_has_a_finding_once(caplog):
    from keras_course_ext.callbacks.on_finding import Reaction

    reaction = Reaction("warn", None)
    slow = Finding("stalled", "out", 1, 10, "It is.", confidence=0.7)
    with caplog.at_level(logging.WARNING, "keras_course_ext"):
        reaction.act([slow])
        assert not caplog.records  # it may be gone after the next epoch
        reaction.act([])
        reaction.act([slow])
        assert not caplog.records
        reaction.act([slow])
        reaction.act([slow], at_end=True)
    assert [r.getMessage() for r in caplog.records] == [f"GradientMonitor: {slow}"]


def test_rules_of_ones_own_and_a_wrong_on_finding():
    monitor = GradientMonitor(rules=[lambda history: [Finding("own", "", 0, 0, "Yes.")]])
    assert [f.kind for f in monitor.findings] == ["own"]
    assert GradientMonitor.from_config(GradientMonitor(on_finding="stop").get_config()).on_finding
    with pytest.raises(ValueError, match="Received: 'shout'"):
        GradientMonitor(on_finding="shout")


def test_a_verdict_on_a_copy_leaves_everything_as_it_was():
    model = faulty()
    before = model.get_weights()
    random.seed(3)
    state = random.getstate()
    findings = kce.diagnose(model, X, 30 * X[:, :1], steps=4)
    assert findings[0].kind == "output_range"
    assert random.getstate() == state
    assert not model.optimizer.built
    assert model.train_function is None
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    monitor = GradientMonitor()
    assert kce.diagnose(monitor) == diagnose(monitor.history) == []
    with pytest.raises(ValueError, match="x=None"):
        kce.diagnose(model)
    with pytest.raises(ValueError, match="steps=1"):
        kce.diagnose(model, X, X[:, :1], steps=1)
    with pytest.raises(ValueError, match="compiled"):
        kce.diagnose(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]), X, X)


class Gan(keras.Model):
    """Trains a discriminator on a generator's fakes, each with an optimizer of its own."""

    def __init__(self):
        super().__init__()
        self.g = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="g")])
        self.d = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, name="d")])
        self.g_optimizer = keras.optimizers.Adam(1e-3)
        self.built = True

    def train_step(self, data):
        import tensorflow as tf

        x = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fake, true = self.d(self.g(x)), self.d(x)
            d_loss = tf.reduce_mean(tf.nn.softplus(fake)) + tf.reduce_mean(tf.nn.softplus(-true))
            g_loss = tf.reduce_mean(tf.nn.softplus(-fake))
        for net, tape, loss, optimizer in (
            (self.g, g_tape, g_loss, self.g_optimizer),
            (self.d, d_tape, d_loss, self.optimizer),
        ):
            weights = net.trainable_variables
            optimizer.apply(tape.gradient(loss, weights), weights)
        return {"d_loss": d_loss, "g_loss": g_loss}


def test_of_a_gan_only_what_the_watched_optimizer_trains_gets_a_verdict():
    model = Gan()
    model.compile("adam")
    monitor = GradientMonitor(update_freq=1, optimizer=model.optimizer)
    model.fit(X, epochs=2, batch_size=32, verbose=0, callbacks=[monitor])
    assert monitor.findings == []
    layers = {info.name.split("/")[-1]: info for info in monitor.history.layers}
    assert not layers["g"].is_trained
    assert layers["d"].is_trained
