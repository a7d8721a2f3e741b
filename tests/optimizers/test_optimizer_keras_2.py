"""What people bring from Keras 2: configurations, `get_weights`, `optimizers.legacy`."""

import warnings
from typing import Any

import keras
import numpy as np
import pytest

import keras_course_ext as kce
import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers import legacy

# `get_config` of Keras 2.15 and of its `optimizers.legacy`, as the files have them.
COMMON = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "jit_compile": True,
    "is_legacy_optimizer": False,
}
ADAM = {"name": "Adam", "learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-06}
OLD_SCHEDULE = {
    "class_name": "ExponentialDecay",
    "config": {
        "initial_learning_rate": 0.5,
        "decay_steps": 10,
        "decay_rate": 0.5,
        "staircase": False,
        "name": None,
    },
}
CONFIGS: dict[str, tuple[type, dict[str, Any], dict[str, Any]]] = {
    "adam": (ours.Adam, COMMON | ADAM | {"amsgrad": True}, {"beta_1": 0.8, "amsgrad": True}),
    "adamw": (
        ours.AdamW,
        COMMON | ADAM | {"name": "AdamW", "amsgrad": False, "weight_decay": 0.1},
        {"weight_decay": 0.1},
    ),
    "legacy adam": (
        ours.Adam,
        ADAM | {"decay": 0.0, "amsgrad": False, "is_legacy_optimizer": True},
        {"learning_rate": pytest.approx(0.01)},
    ),
    "legacy sgd": (
        ours.SGD,
        {
            "name": "SGD",
            "learning_rate": np.float32(0.5),
            "decay": np.float32(0.25),
            "momentum": 0.9,
            "nesterov": True,
            "is_legacy_optimizer": True,
        },
        {"momentum": 0.9, "nesterov": True},
    ),
    "legacy nadam": (
        ours.Nadam,
        ADAM | {"name": "Nadam", "decay": 0.004, "is_legacy_optimizer": True},
        {"momentum_decay": 0.004, "learning_rate": pytest.approx(0.01)},
    ),
    "keras 2.2": (ours.RMSprop, {"lr": 0.5, "rho": 0.8, "decay": 0.0, "epsilon": 1e-7}, {}),
    "schedule": (ours.SGD, COMMON | {"learning_rate": OLD_SCHEDULE, "momentum": 0.0}, {}),
}


@pytest.mark.parametrize(("cls", "config", "expected"), CONFIGS.values(), ids=CONFIGS)
def test_a_configuration_of_keras_2_is_loaded(cls, config, expected):
    given = dict(config)
    optimizers = [
        cls.from_config(config),
        ours.get({"class_name": cls.__name__, "config": config}),
        keras.saving.deserialize_keras_object(
            {
                "module": None,
                "class_name": cls.__name__,
                "config": config,
                "registered_name": f"keras_course_ext>{cls.__name__}",
            }
        ),
    ]
    assert config == given
    for optimizer in optimizers:
        assert type(optimizer) is cls
        loaded = optimizer.get_config()
        assert {name: loaded[name] for name in expected} == expected


def test_a_loaded_decay_and_a_loaded_schedule_go_on():
    sgd = ours.SGD.from_config(CONFIGS["legacy sgd"][1])
    assert [sgd.learning_rate_at(t) for t in (0, 2, 4)] == pytest.approx([0.5, 1 / 3, 0.25])
    scheduled = ours.SGD.from_config(CONFIGS["schedule"][1])
    assert scheduled.learning_rate_at(10) == pytest.approx(0.25)
    assert ours.RMSprop.from_config(CONFIGS["keras 2.2"][1]).learning_rate_at(0) == 0.5


def test_a_decay_of_a_schedule_is_refused():
    with pytest.raises(ValueError, match=r"decay=0\.25 together with a learning rate that already"):
        ours.SGD.from_config({"learning_rate": OLD_SCHEDULE, "decay": 0.25})


def stepped(optimizer, w, steps=3):
    for i in range(steps):
        optimizer.apply([keras.ops.array([0.5 + i, -1.0])], [w])
    return optimizer


def test_the_weights_of_an_optimizer_go_into_another():
    w = keras.Variable([1.0, 2.0])
    first = stepped(ours.Adam(0.1), w)
    weights = first.get_weights()
    assert [a.shape for a in weights] == [(), (), (2,), (2,)]
    assert weights[0] == 3
    second, copy = ours.Adam(0.5), keras.Variable(w.numpy())
    with pytest.raises(ValueError, match=r"`Adam` before it is built\. Call `optimizer\.build\("):
        second.set_weights(weights)
    second.build([copy])
    second.set_weights(weights)
    stepped(first, w), stepped(second, copy)
    np.testing.assert_array_equal(w, copy)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_that_do_not_fit_are_refused():
    optimizer = stepped(ours.Adam(), keras.Variable([1.0, 2.0]))
    with pytest.raises(ValueError, match="has 4 variables where the state has 3"):
        optimizer.set_weights(optimizer.get_weights()[:-1])
    with pytest.raises(ValueError, match=r"of shape \(3,\) there"):
        optimizer.set_weights([*optimizer.get_weights()[:-1], np.zeros(3)])


@pytest.mark.parametrize("name", dir(legacy))
def test_a_legacy_name_gives_the_modern_class_with_one_warning(name):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        modern = getattr(kce.optimizers.legacy, name)
    assert modern is getattr(ours, name)
    assert [w.category for w in caught] == [DeprecationWarning]
    assert f"Write `kce.optimizers.{name}`." in str(caught[0].message)
    assert caught[0].filename == __file__


def test_what_keras_2_had_not_is_no_legacy_name():
    assert {"Adam", "SGD", "RMSprop", "Nadam"} <= set(dir(legacy))
    assert not hasattr(legacy, "Lion")
    assert not hasattr(legacy, "trajectory")
