"""Saved models with any damage, configurations with any values, callbacks in any order."""

import json
import shutil
import warnings
import zipfile

import keras
import numpy as np
import pytest
from cases import cases, spoilt, spoilt_bytes
from hypothesis import given
from hypothesis import strategies as st

import keras_course_ext as kce

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = X[:, :2]
OPTIMIZERS = [
    kce.optimizers.Adam(amsgrad=True),
    kce.optimizers.SGD(0.1, momentum=0.9, clipnorm=1.0),
    kce.optimizers.Muon(),
    kce.optimizers.Lookahead(kce.optimizers.RMSprop(), sync_period=3),
    kce.optimizers.LayerWise(kce.optimizers.AdamW(), {"bias": {"weight_decay": 0.0}}),
]


def network():
    layers = [kce.layers.Dense(5, activation="tanh"), kce.layers.ELU(), kce.layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(kce.optimizers.Adam(0.01), kce.losses.MeanSquaredError())
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    model = network()
    model.train_on_batch(X, Y)
    model.save(path / "whole.keras")
    with zipfile.ZipFile(path / "whole.keras") as file:
        file.extractall(path / "whole")
    return path


@cases(80)
@given(st.data(), st.sampled_from(OPTIMIZERS))
def test_a_damaged_configuration_is_refused_or_makes_an_optimizer(data, optimizer):
    config = data.draw(spoilt(json.loads(json.dumps(optimizer.get_config()))))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Keras, of arguments that it leaves out
            made = type(optimizer).from_config(config)
    except (ValueError, TypeError):
        return
    made.get_config()


@cases(25)
@given(st.data())
def test_a_damaged_model_is_refused_or_predicts(folder, data):
    path = folder / "damaged.keras"
    if data.draw(st.booleans()):
        path.write_bytes(data.draw(spoilt_bytes((folder / "whole.keras").read_bytes())))
    else:
        part = data.draw(st.sampled_from(["config.json", "model.weights.h5", "metadata.json"]))
        content = (folder / "whole" / part).read_bytes()
        if part.endswith("json") and data.draw(st.booleans()):
            content = json.dumps(data.draw(spoilt(json.loads(content)))).encode()
        else:
            content = data.draw(spoilt_bytes(content))
        with zipfile.ZipFile(path, "w") as file:
            for name in ("config.json", "model.weights.h5", "metadata.json"):
                file.writestr(
                    name, content if name == part else (folder / "whole" / name).read_bytes()
                )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a state that does not fit: the optimizer starts anew
            model = keras.saving.load_model(path)
            y = np.asarray(model(X[:, :4]))
    except Exception:
        return  # Keras and h5py have many errors for it
    assert len(y) == len(X)


class Count(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        assert np.isfinite(logs["loss"])
        self.batches += 1


@cases(4)
@given(st.permutations(range(6)), st.sets(st.integers(0, 5), min_size=2))
def test_callbacks_in_any_order_see_the_same_training(folder, order, chosen):
    def fit(monitored):
        keras.utils.set_random_seed(3)
        monitor, count = kce.callbacks.GradientMonitor(1), Count()
        all_callbacks = [
            monitor,
            count,
            keras.callbacks.CSVLogger(str(folder / "log.csv")),
            keras.callbacks.EarlyStopping("loss", patience=5),
            keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 / (epoch + 1)),
            keras.callbacks.BackupAndRestore(str(folder / "backup")),
        ]
        shutil.rmtree(folder / "backup", ignore_errors=True)
        used = [all_callbacks[i] for i in order if i in chosen | {0, 1} and (monitored or i)]
        model = network()
        model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=used)
        assert count.batches == 8
        return [np.asarray(w) for w in model.weights], monitor.history

    plain, _ = fit(False)
    weights, history = fit(True)
    for a, b in zip(plain, weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert history.steps.tolist() == list(range(8))
