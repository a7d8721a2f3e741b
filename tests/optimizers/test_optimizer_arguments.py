"""What may be written for an optimizer, what is refused, and the deck's own calls."""

import inspect
import re
import warnings
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import every_class, every_optimizer

import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers import SGD, Adagrad, Adam, Momentum, RMSprop
from keras_course_ext.optimizers.arguments.common import COMMON_MARKER, CommonArguments

# fmt: off
DECK_CALLS = {
    "method 1": (lambda **more: SGD(lr = 0.1, **more), SGD, {"learning_rate": 0.1}),
    "method 2": (
        lambda **more: SGD(lr = 0.1, momentum = 0.9, **more),
        SGD, {"learning_rate": 0.1, "momentum": 0.9},
    ),
    "method 3": (
        lambda **more: SGD(lr = 0.1, momentum = 0.9, nesterov = True, **more),
        SGD, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    ),
    "method 4": (
        lambda **more: Adagrad(lr = 0.01, epsilon = 1e-6, **more),
        Adagrad, {"learning_rate": 0.01, "epsilon": 1e-6},
    ),
    "method 5": (
        lambda **more: RMSprop(lr = 0.001, rho = 0.9, epsilon = 1e-08, decay = 0.0, **more),
        RMSprop, {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-8},
    ),
    "method 6": (
        lambda **more: Adam(
            lr = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-08, decay = 0.0, **more
        ),
        Adam, {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
    ),
}
# fmt: on


def config(optimizer) -> dict:
    return optimizer.get_config() | {"name": ""}


every_deck_call = pytest.mark.parametrize(
    ("call", "cls", "modern"), DECK_CALLS.values(), ids=DECK_CALLS
)


@every_deck_call
@pytest.mark.parametrize("more", [{}, {"convention": "deck"}], ids=["keras", "deck"])
def test_deck_calls_run_with_one_warning(call, cls, modern, more):
    with pytest.warns(DeprecationWarning, match=r"Write `learning_rate=") as caught:
        optimizer = call(**more)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert config(optimizer) == config(cls(**modern, **more))
    optimizer.apply([tf.ones(2)], [keras.Variable([1.0, 2.0])])


@every_deck_call
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_deck_calls_print_the_defaults_of_their_convention(call, cls, modern):
    """But for the rate and the momentum of SGD, which the deck chooses."""
    chosen = {k: modern[k] for k in modern if cls is SGD}
    assert config(call(convention="deck")) == config(cls(**chosen, convention="deck"))


@every_optimizer
def test_modern_calls_run_without_a_warning(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        case.ours()
        if not case.make:
            case.cls()


@pytest.mark.parametrize("rate", [1, 0, np.float32(0.5), np.float64(0.5), np.int64(2), 0.25])
def test_learning_rate_may_be_any_real_number(rate):
    assert float(SGD(rate).learning_rate) == float(rate)


def test_integers_and_none_are_understood():
    assert SGD(0.1, momentum=0).rule.func is ours.GradientDescent().rule.func
    assert SGD(0.1, momentum=1).momentum == 1.0
    with pytest.warns(DeprecationWarning, match=r"`epsilon=1e-07`, or nothing") as caught:
        optimizer = Adam(lr=0.1, epsilon=None)
    assert len(caught) == 1
    assert optimizer.epsilon == keras.config.epsilon() == 1e-7


@pytest.mark.parametrize("decay", [1e-6, 0.01, 0.5])
def test_decay_is_lr_over_1_plus_decay_t_to_one_ulp(decay):
    with pytest.warns(DeprecationWarning, match=r"InverseTimeDecay\(0.1, decay_steps=1") as caught:
        optimizer: Any = RMSprop(lr=0.1, decay=decay)
    assert len(caught) == 1
    t = np.concatenate([np.arange(1000), np.arange(1000, 2**24, 7919)])
    exact = 0.1 / (1 + decay * t)
    schedule = keras.optimizers.schedules.deserialize(optimizer.get_config()["learning_rate"])
    assert np.all(np.abs(schedule(t) - exact) <= 0.501 * np.spacing(exact.astype("float32")))
    for step in (0, 1, 12_345):
        assert optimizer.learning_rate_at(step) == float(schedule(step))
    assert float(optimizer.learning_rate) == 0.1  # as in Keras 2, what the decay starts from


def test_decay_survives_the_config_and_counts_steps():
    with pytest.warns(DeprecationWarning, match="decay_rate=1.0"):
        optimizer = ours.GradientDescent(lr=1.0, decay=1.0)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    for sgd in (optimizer, again):
        w = keras.Variable([0.0])
        for _ in range(3):
            sgd.apply([tf.ones(1)], [w])
        np.testing.assert_allclose(w, [-(1 + 1 / 2 + 1 / 3)], rtol=1e-6)


BAD_ARGUMENTS = [
    ({"learning_rate": -0.1}, "got learning_rate=-0.1 (float). Write, for example, `Momentum("),
    ({"learning_rate": float("nan")}, "got learning_rate=nan"),
    ({"learning_rate": float("inf")}, "got learning_rate=inf"),
    ({"learning_rate": "0.1"}, "got learning_rate='0.1' (str)"),
    ({"learning_rate": True}, "got learning_rate=True (bool)"),
    ({"learning_rate": None}, "got learning_rate=None"),
    ({"lr": -0.1}, "`lr` must be a number of at least 0"),
    ({"learning_rate": 1e39}, "must be a number of at least 0 and at most 3.4e+38"),
    ({"gradient_accumulation_steps": 2**40}, "an integer of at least 2 and at most 2147483647"),
    ({"momentum": 1.5}, "`momentum` must be a number in [0, 1], but got momentum=1.5 (float)"),
    ({"momentum": -0.1}, "`momentum` must be a number in [0, 1]"),
    ({"momentum": float("nan")}, "`momentum` must be a number in [0, 1]"),
    ({"momentum": "0.9"}, "got momentum='0.9' (str). Write, for example, `momentum=0.9`."),
    ({"momentum": True}, "got momentum=True (bool)"),
    ({"momentum": None}, "got momentum=None"),
    ({"momentun": 0.9}, "`Momentum` has no argument `momentun`. Did you mean `momentum`?"),
    ({"beta_1": 0.9}, "`Momentum` has no argument `beta_1`. It takes ["),
    ({"lr": 0.1, "learning_rate": 0.01}, "got both learning_rate=0.01 and lr=0.1"),
    ({"lr": 0.01, "learning_rate": 0.01}, "Write `Momentum(learning_rate=0.01)` alone."),
    ({"decay": -0.1}, "`decay` must be a number of at least 0, but got decay=-0.1"),
    ({"decay": 0.1, "learning_rate": lambda: 0.1}, "already changes over time"),
    ({"weight_decay": -1}, "`weight_decay` must be a number of at least 0"),
    ({"clipnorm": "1"}, "`clipnorm` must be a number of at least 0, but got clipnorm='1' (str)"),
    ({"loss_scale_factor": 0}, "`loss_scale_factor` must be a number greater than 0"),
    ({"use_ema": "no"}, "`use_ema` must be True or False, but got use_ema='no' (str)"),
    ({"ema_momentum": 1.1}, "`ema_momentum` must be a number in [0, 1]"),
    ({"ema_overwrite_frequency": 0.5}, "`ema_overwrite_frequency` must be an integer of at least"),
    ({"gradient_accumulation_steps": 1}, "must be an integer of at least 2, but got"),
    ({"name": 3}, "`name` must be a string, but got name=3 (int)"),
    ({"momentum": 10**400}, "`momentum` must be a number in [0, 1], but got momentum=1000"),
    ({"momentum": 10**5000}, "`momentum` must be a number in [0, 1], but got momentum=an integer"),
    ({"learning_rate": 10**400}, "got learning_rate=1000"),
    ({"learning_rate": [1, 2], "lr": 0.1}, "but got a list of length 2. An optimizer of Keras"),
    ({"momenta": (0.9, 0.8)}, "Received: momenta=(0.9, 0.8)."),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("arguments", "message"), BAD_ARGUMENTS)
def test_bad_arguments_are_refused_with_advice(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Momentum(**arguments)


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (Adam, {"beta_1": 1.0}, "`beta_1` must be a number in [0, 1), but got beta_1=1.0"),
        (Adam, {"beta_2": -0.1}, "`beta_2` must be a number in [0, 1)"),
        (Adam, {"epsilon": -1e-8}, "`epsilon` must be a number of at least 0"),
        (Adam, {"amsgrad": 1}, "`amsgrad` must be True or False, but got amsgrad=1 (int)"),
        (SGD, {"nesterov": "yes"}, "`nesterov` must be True or False"),
        (RMSprop, {"rho": 1.1}, "`rho` must be a number in [0, 1]"),
        (RMSprop, {"centered": None}, "`centered` must be True or False"),
        (Adagrad, {"initial_accumulator_value": -1}, "must be a number of at least 0"),
    ],
)
def test_bad_hyperparameters_are_refused_with_advice(cls, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        cls(**arguments)


@pytest.mark.parametrize("cls", [Adam, ours.Nadam, ours.Lamb])
def test_an_argument_of_torch_may_be_several(cls):
    with pytest.raises(ValueError, match="Did you mean `beta_1` and `beta_2`"):
        cls(betas=(0.9, 0.99))


def test_a_shape_that_is_not_known_is_refused():
    w = tf.Variable([1.0], shape=[None], name="w")
    with pytest.raises(ValueError, match=r"`Adam` needs variables.*'w' of shape \(None,\)"):
        Adam().build([w])


VALUES = [
    *("no", b"no", [], [0.1], {}, object(), None, True, 0, -1, 1.5, 2 + 1j, np.inf, np.nan),
    *(-(10**400), 10**400, 10**5000, np.ones(2), np.array("no"), tf.constant(1.0)),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@every_class
def test_every_argument_is_taken_or_refused_by_its_name(case):
    if case.cls in (ours.Lookahead, ours.LayerWise):
        own = []
    else:
        own = [p for p in inspect.signature(case.cls).parameters if p != "common"]
    for name in dict.fromkeys([*own, *CommonArguments.__annotations__]) if own else ():
        for value in VALUES:
            try:
                optimizer = case.cls(**{name: value})
            except ValueError as error:
                message = str(error)
                assert ("learning_rate" if name == "lr" else name) in message
                assert len(message) < 600
            else:
                keras.saving.serialize_keras_object(optimizer)


def test_a_class_that_keeps_its_hyperparameters_to_itself_is_told():
    class Quiet(ours.RuleOptimizer):
        hyperparameters = Momentum.hyperparameters

        def __init__(self, learning_rate=0.1, momentum=0.9):
            super().__init__(learning_rate)

    with pytest.raises(TypeError, match=r"super\(\).__init__\(learning_rate, momentum=momentum"):
        Quiet()


@every_class
def test_help_lists_the_common_arguments(case):
    for cls in (case.cls, ours.RuleOptimizer):
        documentation = inspect.getdoc(cls) or ""
        assert COMMON_MARKER not in documentation
        for argument in CommonArguments.__annotations__:
            assert f"    {argument}: " in documentation


@every_class
def test_get_finds_every_class(case):
    name = case.cls.__name__
    for spelling in (name, name.lower(), name.upper(), f"keras_course_ext>{name}"):
        assert type(ours.get(spelling)) is case.cls
    optimizer = case.ours()
    assert ours.get(optimizer) is optimizer


def test_get_names_the_nearest():
    assert isinstance(ours.get("gradient_descent"), ours.GradientDescent)
    with pytest.raises(ValueError, match=r"no optimizer 'adm'. Did you mean 'Adam'\?"):
        ours.get("adm")
    with pytest.raises(ValueError, match=r"no optimizer 'xyz'. There are GradientDescent, SGD"):
        ours.get("xyz")
    with pytest.raises(ValueError, match=r"got 3 \(int\)"):
        ours.get(3)


def test_get_reads_a_dictionary():
    optimizer: Any = ours.get({"class_name": "adam", "config": {"beta_1": 0.5}})
    assert type(optimizer) is Adam
    assert optimizer.beta_1 == 0.5
    with pytest.raises(ValueError, match=r"no optimizer 'tiger'"):
        ours.get({"class_name": "tiger"})
    with pytest.raises(ValueError, match=r"no optimizer 3"):
        ours.get({"class_name": 3})
    with pytest.raises(ValueError, match=r"must be a dictionary.*config=3 \(int\)"):
        ours.get({"class_name": "adam", "config": 3})
    with pytest.raises(ValueError, match=r"dictionary with a `class_name`"):
        ours.get({})
