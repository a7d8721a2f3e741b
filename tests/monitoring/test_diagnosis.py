"""The diagnosis rules: on records with known answers, and on real networks sick and healthy."""

import statistics

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring import Finding, GradientHistory, Key, LayerInfo, diagnose
from keras_course_ext.monitoring.diagnosis.finding import states
from keras_course_ext.monitoring.record.epochs import medians

RNG = np.random.default_rng(0)


def history_of(signals, activation="sigmoid", initializer="GlorotUniform", **kwargs):
    """Return a record whose signals are `signals`, of shape (epochs, layers) or (layers,)."""
    signals = np.atleast_2d(np.asarray(signals, dtype=float))
    n = signals.shape[1]
    layers = [LayerInfo(f"h{i}", "Dense", activation, initializer) for i in range(n - 1)]
    history = GradientHistory([*layers, LayerInfo("out", "Dense", "softmax")], **kwargs)
    keys = [
        Key(layer.name, tensor, "grad_norm")
        for layer in history.layers
        for tensor in ("kernel", "output")
    ]
    for epoch, row in enumerate(signals):
        noise = np.exp(RNG.normal(0, 0.3, (20, 1)))
        history.append(
            np.arange(20) + 20 * epoch, np.full(20, epoch), keys, np.repeat(row, 2) * noise
        )
    return history


def decaying(rate, layers, scale=1.0):
    return scale * rate ** np.arange(layers - 1, -1, -1.0)


def test_vanishing_names_the_layer_that_starves_most_and_when():
    (finding,) = diagnose(history_of([decaying(0.9, 9), decaying(0.236, 9)]))
    assert (finding.kind, finding.layer, finding.epoch, finding.step) == ("vanishing", "h0", 1, 20)
    assert finding.layers == ("h0", "h1", "h2", "h3")  # 0.236^5 = 7e-4, 0.236^4 = 3e-3
    assert "0.24 per layer" in finding.evidence
    assert "1 of 2 epochs" in finding.evidence
    assert "ReLU with He" in finding.advice
    assert "'h0' to 'h7'" in finding.advice
    assert "0.25" in finding.advice
    assert "vanishing gradient in 'h0'" in str(finding)


# Rates of design theory, r = sqrt(n Var(W) E[phi'(z)^2]), over a number of layers.
RATES = {
    "sigmoid, Glorot, 9 deep": (0.236, 9, "vanishing"),
    "sigmoid, He, 9 deep": (0.317, 9, "vanishing"),
    "sigmoid, Glorot, 3 deep": (0.236, 3, None),
    "tanh, small uniform, 16 deep": (0.573, 16, "vanishing"),
    "tanh, Glorot, 20 deep": (0.901, 20, None),
    "ReLU, Glorot, 12 deep": (0.709, 12, None),
    "ReLU, Glorot, 30 deep": (0.709, 30, "vanishing"),
    "ReLU, He, 100 deep": (0.998, 100, None),
    "linear, He, 9 deep": (1.414, 9, None),
    "linear, He, 30 deep": (1.414, 30, "exploding"),
}


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e3])
@pytest.mark.parametrize("name", RATES)
def test_rates_of_theory_whatever_the_scale_of_the_loss(name, scale):
    rate, depth, kind = RATES[name]
    kinds = [f.kind for f in diagnose(history_of(decaying(rate, depth, scale)))]
    assert kinds == ([kind] if kind else [])


def test_a_signal_of_exactly_zero_vanishes():
    signals = decaying(0.2, 9)
    signals[:3] = 0
    (finding,) = diagnose(history_of(signals))
    assert finding.kind == "vanishing"
    assert finding.layers[:3] == ("h0", "h1", "h2")


def test_convergence_is_not_vanishing():
    flat = np.ones(9)
    assert diagnose(history_of([flat * 10.0**-e for e in range(8)])) == []


def test_one_narrow_place_is_not_vanishing():
    signals = np.ones(9)
    signals[:3] = 1e-5  # a rescaling between two layers
    assert diagnose(history_of(signals)) == []


def test_relu_with_glorot_is_advised_he_and_an_unknown_activation_normalization():
    (finding,) = diagnose(history_of(decaying(0.5, 20), activation="relu"))
    assert "he_normal" in finding.advice
    (finding,) = diagnose(history_of(decaying(0.5, 20), activation="swish"))
    assert "Normalization" in finding.advice


@pytest.mark.parametrize("seed", range(5))
def test_medians_of_epochs(seed):
    rng = np.random.default_rng(seed)
    epochs = np.sort(rng.integers(0, 9, 60)) * 2
    values = rng.choice([0.0, 0.0, 1.0, 2.5, -3.0, 1e-20, np.nan, np.inf], 60).astype(np.float32)
    values[epochs == 4] = np.nan
    values[epochs == 6] = 0.0
    history, key = GradientHistory(), Key("a", "kernel", "update_ratio")
    history.append(np.arange(60), epochs, [key], values[:, None])
    for nonzero in (False, True):
        expected = []
        for epoch in range(0, 18, 2):
            at = np.flatnonzero((epochs == epoch) & np.isfinite(values))
            some = [float(values[i]) for i in at if values[i] != 0 or not nonzero]
            if len(at):
                all_of_it = [float(values[i]) for i in at]
                expected.append((epoch, at[0], statistics.median(some or all_of_it)))
        found = medians(history, key, nonzero)
        assert list(zip(*map(np.ndarray.tolist, found), strict=True)) == expected


@pytest.mark.parametrize("rate", [1e-5, 1e5])
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_a_trend_needs_three_hops(layers, rate):
    found = [f.kind for f in diagnose(history_of(decaying(rate, layers)))]
    kind = "vanishing" if rate < 1 else "exploding"
    assert found == ([kind] if layers == 4 else [])


def test_exploding_over_the_steps():
    (finding,) = diagnose(history_of([np.ones(4), np.ones(4), np.ones(4) * 1e4]))
    assert (finding.kind, finding.epoch, finding.step) == ("exploding", 2, 40)
    assert "learning rate" in finding.advice


def with_non_finite(value, layers, step=13, tensors=("kernel", "output"), **kwargs):
    history = history_of(np.ones((3, 5)), **kwargs)
    for block in history.blocks():
        at = np.isin(block.steps, step)
        for i, key in enumerate(block.keys):
            if key.layer in layers and key.tensor in tensors:
                block.values[at, i] = value
    return history


ORIGINS = {
    "behind it": (("h0", "h1", "h2"), ("kernel", "output"), "h3", "between 'h3' and 'h2'"),
    "in its weights": (("h2",), ("kernel",), "h2", "backward, in 'h2'"),
    "in it and on": (("h0", "h1"), ("output",), "h2", "between 'h2' and 'h1'"),
    "in the last": (("out",), ("kernel",), "out", "backward, in 'out'"),
    "loss": (("h0", "h1", "h2", "h3", "out"), ("kernel", "output"), "out", "the loss or the forw"),
}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("origin", ORIGINS)
def test_non_finite_names_the_step_and_the_origin(value, origin):
    layers, tensors, layer, direction = ORIGINS[origin]
    (finding,) = diagnose(with_non_finite(value, layers, tensors=tensors))
    assert (finding.kind, finding.layer, finding.step) == ("non_finite", layer, 13)
    assert direction in finding.evidence
    assert finding.layers == layers


def test_weights_that_were_not_finite_when_training_began():
    history = history_of(np.ones(5))
    norms = np.ones((20, 1))
    norms[0] = np.nan
    history.append(np.arange(20), np.zeros(20), [Key("h2", "kernel", "weight_norm")], norms)
    for block in history.blocks():
        block.values[0] = np.nan
    (finding,) = diagnose(history)
    assert (finding.layer, finding.step) == ("h2", 0)
    assert "before training began" in finding.evidence


# Loss scaling overflows on purpose; how many of which steps are still no finding?
OVERFLOWS = {
    "the first fifteen": (range(15), None),
    "the first sixteen": (range(16), 0),
    "one of two": (range(1, 60, 2), 1),
    "one of three": (range(0, 60, 3), None),
    "all, from the second epoch on": (range(20, 60), 20),
}


@pytest.mark.parametrize(("steps", "found"), OVERFLOWS.values(), ids=OVERFLOWS.keys())
def test_loss_scaling_may_overflow_now_and_then(steps, found):
    findings = diagnose(with_non_finite(np.inf, {"h0"}, step=list(steps), loss_scaled=True))
    kinds = [(f.kind, f.step) for f in findings if f.kind == "non_finite"]
    assert kinds == ([] if found is None else [("non_finite", found)])


def test_nothing_recorded_and_one_layer():
    assert diagnose(GradientHistory()) == []
    assert diagnose(history_of([1.0])) == []


X, Y = load_digits(return_X_y=True)
X = (X / 16).astype("float32")


def dense(depth, activation, initializer, units=32):
    return keras.Sequential(
        [keras.Input((64,))]
        + [
            keras.layers.Dense(units, activation=activation, kernel_initializer=initializer)
            for _ in range(depth)
        ]
        + [keras.layers.Dense(10, activation="softmax")]
    )


def convolutional():
    return keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Reshape((8, 8, 1)),
            keras.layers.Conv2D(8, 3, activation="relu", padding="same"),
            keras.layers.BatchNormalization(),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def residual():
    x = h = keras.Input((64,))
    h = keras.layers.Dense(32)(x)
    for _ in range(12):
        z = keras.layers.Dense(32, activation="relu")(keras.layers.LayerNormalization()(h))
        h = keras.layers.Add()([h, keras.layers.Dense(32)(z)])
    return keras.Model(x, keras.layers.Dense(10, activation="softmax")(h))


def attention():
    x = keras.Input((64,))
    h = keras.layers.Dense(16)(keras.layers.Reshape((8, 8))(x))
    for _ in range(3):
        a = keras.layers.MultiHeadAttention(2, 8)(*[keras.layers.LayerNormalization()(h)] * 2)
        h = keras.layers.Add()([h, a])
        z = keras.layers.Dense(32, activation="gelu")(keras.layers.LayerNormalization()(h))
        h = keras.layers.Add()([h, keras.layers.Dense(16)(z)])
    h = keras.layers.GlobalAveragePooling1D()(h)
    return keras.Model(x, keras.layers.Dense(10, activation="softmax")(h))


NETWORKS = {
    "eight sigmoids": (lambda: dense(8, "sigmoid", "glorot_uniform"), "sgd", "vanishing"),
    "eight sigmoids, Adam": (lambda: dense(8, "sigmoid", "he_normal"), "adam", "vanishing"),
    "sixteen small tanh": (
        lambda: dense(16, "tanh", keras.initializers.RandomUniform(-0.17, 0.17)),
        "sgd",
        "vanishing",
    ),
    "twelve large linear": (
        lambda: dense(12, "linear", keras.initializers.RandomNormal(stddev=0.5)),
        keras.optimizers.SGD(1e-9),
        "exploding",
    ),
    "rate too high": (
        lambda: dense(3, "relu", "he_normal"),
        keras.optimizers.SGD(1e30),
        "non_finite",
    ),
    "two sigmoids": (lambda: dense(2, "sigmoid", "glorot_uniform"), "adam", None),
    "eight tanh, Glorot": (lambda: dense(8, "tanh", "glorot_uniform"), "sgd", None),
    "eight ReLU, He": (lambda: dense(8, "relu", "he_normal"), "adam", None),
    "eight ReLU, Glorot": (lambda: dense(8, "relu", "glorot_uniform"), "adam", None),
    "convolutional": (convolutional, "adam", None),
    "residual": (residual, "adam", None),
    "attention": (attention, "adam", None),
}


@pytest.mark.thin("eight sigmoids", "rate too high", "eight ReLU, He")
@pytest.mark.parametrize("name", NETWORKS)
def test_real_networks_on_real_digits(name):
    build, optimizer, kind = NETWORKS[name]
    model = build()
    if not isinstance(optimizer, str):
        optimizer = optimizer.from_config(optimizer.get_config())
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
    monitor = GradientMonitor()
    model.fit(X, Y, batch_size=64, epochs=3, verbose=0, callbacks=[monitor])
    kinds = [f.kind for f in monitor.findings]
    assert kinds[:1] == ([kind] if kind else []), [str(f) for f in monitor.findings]


def test_a_rule_of_ones_own_is_asked_last():
    def rule(history):
        return [Finding("too_clipped", "dense", 2, 20, "All are.", "Clip less.", ("dense",))]

    found = diagnose(GradientHistory(), [rule])
    assert [str(f) for f in found] == ["too clipped in 'dense' (epoch 2): All are. Clip less."]
    assert states(found) == {"dense": "too clipped"}
    assert diagnose(GradientHistory()) == []
