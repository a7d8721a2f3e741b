"""The table of the optimizers: a row here adds an optimizer to every test."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import oracles
import oracles_beyond
import oracles_newer
import pytest

import keras_course_ext.optimizers as ours


@dataclass(frozen=True)
class Case:
    """One optimizer with one choice of its arguments.

    Attributes:
        name: The test's name.
        cls: The class.
        arguments: Its own arguments, without the learning rate.
        keras_cls: Keras's class of the same update, with `keras_arguments`; `None` if Keras has
            no such update.
        oracle: The float64 oracle, with `oracle_arguments`.
        starts: The first values of the slots, in the order of the rule's arguments.
        rate: The learning rate of the tests.
        decays_as_keras: Whether `weight_decay` does what it does in Keras.
        rounds_as_keras: Whether the steps are equal to Keras's to the bit in eager mode. A power is
            not: TensorFlow rounds it differently at different places of a vector.
        make: What makes the optimizer of the rate and the arguments; `None`: the class itself.
    """

    name: str
    cls: type
    keras_cls: type | None
    oracle: Callable[..., np.ndarray]
    arguments: dict[str, Any] = field(default_factory=dict)
    keras_arguments: dict[str, Any] = field(default_factory=dict)
    oracle_arguments: dict[str, Any] = field(default_factory=dict)
    starts: tuple[float, ...] = ()
    rate: float = 0.01
    decays_as_keras: bool = True
    rounds_as_keras: bool = True
    make: Callable[..., Any] | None = None

    def ours(self, learning_rate: Any = None, **common: Any) -> Any:
        rate = self.rate if learning_rate is None else learning_rate
        return (self.make or self.cls)(rate, **(self.arguments | common))

    def keras(self, learning_rate: Any = None, **common: Any) -> Any:
        assert self.keras_cls
        rate = self.rate if learning_rate is None else learning_rate
        return self.keras_cls(rate, **(self.keras_arguments | common))


def case(name: str, cls: type, keras_cls: Any, oracle: Any, same: Any = None, **rest: Any) -> Case:
    """A case whose arguments are the same for ours, Keras's and the oracle."""
    for arguments in ("arguments", "keras_arguments", "oracle_arguments"):
        rest.setdefault(arguments, same or {})
    return Case(name, cls, keras_cls, oracle, **rest)


def around_adam(rate: Any, **arguments: Any) -> Any:
    return ours.Lookahead(ours.Adam(rate, **arguments))


def around_momentum(rate: Any, **arguments: Any) -> Any:
    return ours.Lookahead(ours.Momentum(rate, **arguments), sync_period=2)


def half_of_adamw(rate: Any, **arguments: Any) -> Any:
    factors = {"learning_rate": 0.5, "weight_decay": 0.0}
    return ours.LayerWise(ours.AdamW(rate, **arguments), {".*": factors})


_SGD = keras.optimizers.SGD
_HEAVY = {"momentum": 0.9}
_NESTEROV = {"momentum": 0.9, "nesterov": True}
_DOZAT = {"epsilon": 1e-8, "momentum_decay": 0.004}
_PENALTIES = {"l1_regularization_strength": 0.3, "l2_regularization_strength": 0.2}
_NO_DECAY = {"weight_decay": None, "adam_weight_decay": None}
# Keras 3.12's Muon has no `adam_weight_decay` and fails in its first step under TensorFlow.
KERAS_MUON = keras.optimizers.Muon
if "adam_weight_decay" not in inspect.signature(KERAS_MUON).parameters:
    KERAS_MUON = None

CASES = [
    case("gradient_descent", ours.GradientDescent, _SGD, oracles.gradient_descent),
    case("momentum", ours.Momentum, _SGD, oracles.momentum, _HEAVY, starts=(0,)),
    case(
        "nesterov",
        ours.NesterovMomentum,
        _SGD,
        oracles.nesterov,
        _HEAVY,
        keras_arguments=_NESTEROV,
        starts=(0,),
    ),
    case("sgd", ours.SGD, _SGD, oracles.gradient_descent),
    case("sgd_momentum", ours.SGD, _SGD, oracles.momentum, _HEAVY, starts=(0,)),
    case(
        "sgd_nesterov",
        ours.SGD,
        _SGD,
        oracles.nesterov,
        _NESTEROV,
        oracle_arguments=_HEAVY,
        starts=(0,),
    ),
    case("adagrad", ours.Adagrad, keras.optimizers.Adagrad, oracles.adagrad, starts=(0.1,)),
    case(
        "adagrad_from_0",
        ours.Adagrad,
        keras.optimizers.Adagrad,
        oracles.adagrad,
        {"initial_accumulator_value": 0.0, "epsilon": 1e-6},
        starts=(0,),
    ),
    case("rmsprop", ours.RMSprop, keras.optimizers.RMSprop, oracles.rmsprop, starts=(0,)),
    case(
        "rmsprop_momentum",
        ours.RMSprop,
        keras.optimizers.RMSprop,
        oracles.rmsprop,
        {"momentum": 0.8, "rho": 0.95},
        starts=(0, 0),
    ),
    case(
        "rmsprop_centered",
        ours.RMSprop,
        keras.optimizers.RMSprop,
        oracles.rmsprop,
        {"centered": True},
        starts=(0, 0),
    ),
    case(
        "rmsprop_centered_momentum",
        ours.RMSprop,
        keras.optimizers.RMSprop,
        oracles.rmsprop,
        {"centered": True, "momentum": 0.9},
        starts=(0, 0, 0),
    ),
    case("adam", ours.Adam, keras.optimizers.Adam, oracles.adam, starts=(0, 0)),
    case(
        "adam_amsgrad",
        ours.Adam,
        keras.optimizers.Adam,
        oracles.adam,
        {"amsgrad": True, "beta_2": 0.9},
        starts=(0, 0, 0),
    ),
    case(
        "adamw",
        ours.AdamW,
        keras.optimizers.AdamW,
        oracles.adam,
        {"weight_decay": 0.01},
        starts=(0, 0),
    ),
    case(
        "adamw_amsgrad",
        ours.AdamW,
        keras.optimizers.AdamW,
        oracles.adam,
        {"weight_decay": 0.01, "amsgrad": True, "beta_2": 0.9},
        starts=(0, 0, 0),
    ),
    case("adamax", ours.Adamax, keras.optimizers.Adamax, oracles.adamax, starts=(0, 0)),
    case(
        "adadelta",
        ours.Adadelta,
        keras.optimizers.Adadelta,
        oracles.adadelta,
        starts=(0, 0),
        rate=1.0,
    ),
    case("nadam", ours.Nadam, keras.optimizers.Nadam, oracles_beyond.nadam, starts=(0, 0)),
    case(
        "nadam_paper",
        ours.Nadam,
        None,
        oracles_beyond.nadam,
        {"convention": "paper"},
        oracle_arguments=_DOZAT,
        starts=(0, 0),
    ),
    case(
        "nadam_torch",
        ours.Nadam,
        None,
        oracles_beyond.nadam,
        {"convention": "torch"},
        oracle_arguments=_DOZAT,
        starts=(0, 0),
    ),
    case("adabelief", ours.AdaBelief, None, oracles_beyond.adabelief, starts=(0, 0)),
    case(
        "adabelief_1e-3",
        ours.AdaBelief,
        None,
        oracles_beyond.adabelief,
        {"epsilon": 1e-3, "beta_2": 0.9},
        starts=(0, 0),
    ),
    case("radam", ours.RAdam, None, oracles_beyond.radam, starts=(0, 0)),
    case(
        "radam_paper",
        ours.RAdam,
        None,
        oracles_beyond.radam,
        {"convention": "paper", "epsilon": 1e-3},
        oracle_arguments={"epsilon": 1e-3, "corrected": True},
        starts=(0, 0),
    ),
    case(
        "radam_torch",
        ours.RAdam,
        None,
        oracles_beyond.radam,
        {"convention": "torch"},
        oracle_arguments={"epsilon": 1e-8, "threshold": 5.0},
        starts=(0, 0),
    ),
    case("lion", ours.Lion, keras.optimizers.Lion, oracles_beyond.lion, starts=(0,)),
    case(
        "lamb",
        ours.Lamb,
        keras.optimizers.Lamb,
        oracles_beyond.lamb,
        starts=(0, 0),
        decays_as_keras=False,
    ),
    case(
        "lamb_decay",
        ours.Lamb,
        None,
        oracles_beyond.lamb,
        {"weight_decay": 0.1, "convention": "paper"},
        oracle_arguments={"weight_decay": 0.1, "epsilon": 1e-6},
        starts=(0, 0),
    ),
    case("lars", ours.LARS, None, oracles_beyond.lars, starts=(0,), rate=10.0),
    case(
        "lars_decay",
        ours.LARS,
        None,
        oracles_beyond.lars,
        {"weight_decay": 0.1, "momentum": 0.5, "trust_coefficient": 0.01},
        starts=(0,),
        rate=1.0,
    ),
    case(
        "schedule_free_adamw",
        ours.ScheduleFreeAdamW,
        None,
        oracles_beyond.schedule_free_adamw,
        starts=(0, 0),
    ),
    case(
        "schedule_free_adamw_warmup",
        ours.ScheduleFreeAdamW,
        None,
        oracles_beyond.schedule_free_adamw,
        {"weight_decay": 0.1, "warmup_steps": 10, "beta_1": 0.8},
        starts=(0, 0),
    ),
    case(
        "lookahead_adam",
        ours.Lookahead,
        None,
        oracles_beyond.lookahead,
        oracle_arguments={"inner": oracles.adam},
        make=around_adam,
    ),
    case(
        "lookahead_momentum",
        ours.Lookahead,
        None,
        oracles_beyond.lookahead,
        _HEAVY,
        oracle_arguments={"inner": oracles.momentum, "sync_period": 2, **_HEAVY},
        make=around_momentum,
    ),
    case(
        "layer_wise_adamw",
        ours.LayerWise,
        None,
        oracles_beyond.adam_at_half_the_rate,
        make=half_of_adamw,
    ),
    # What is no matrix; the matrices are in test_optimizer_muon.py.
    case(
        "muon_adamw",
        ours.Muon,
        KERAS_MUON,
        oracles_beyond.muon_adamw,
        _NO_DECAY,
        oracle_arguments={},
        starts=(0, 0),
    ),
    # Of vectors; the matrices are in test_optimizer_matrices.py.
    case(
        "adafactor",
        ours.Adafactor,
        keras.optimizers.Adafactor,
        oracles_newer.adafactor,
        starts=(0, 0, 0),
    ),
    case(
        "adafactor_paper",
        ours.Adafactor,
        None,
        oracles_newer.adafactor,
        {"convention": "paper", "relative_step": False, "clip_threshold": 0.5},
        oracle_arguments={"relative_step": False, "clip_threshold": 0.5},
        starts=(0, 0, 0),
    ),
    case(
        "ftrl",
        ours.Ftrl,
        keras.optimizers.Ftrl,
        oracles_newer.ftrl,
        starts=(0.1, 0),
        rounds_as_keras=False,
        rate=1.0,
    ),
    case(
        "ftrl_penalties",
        ours.Ftrl,
        keras.optimizers.Ftrl,
        oracles_newer.ftrl,
        {
            "learning_rate_power": -0.25,
            "initial_accumulator_value": 0.5,
            "l1_regularization_strength": 0.3,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.4,
        },
        starts=(0.5, 0),
        rounds_as_keras=False,
        rate=1.0,
    ),
    case(
        "ftrl_paper",
        ours.Ftrl,
        None,
        oracles_newer.ftrl,
        {**_PENALTIES, "convention": "paper"},
        oracle_arguments={
            **_PENALTIES,
            "initial_accumulator_value": 0.0,
            "beta": 1.0,
            "l2_factor": 1.0,
        },
        starts=(0, 0),
    ),
    case("yogi", ours.Yogi, None, oracles_newer.yogi, starts=(0, 1e-6)),
    case(
        "yogi_paper",
        ours.Yogi,
        None,
        oracles_newer.yogi,
        {"convention": "paper", "beta_2": 0.9},
        oracle_arguments={"corrected": False, "beta_2": 0.9},
        starts=(0, 1e-6),
    ),
    case("novograd", ours.NovoGrad, None, oracles_newer.novograd, starts=(0, 0)),
    case(
        "novograd_decay",
        ours.NovoGrad,
        None,
        oracles_newer.novograd,
        {"weight_decay": 0.1, "beta_1": 0.5, "epsilon": 0.1},
        starts=(0, 0),
    ),
    case("adan", ours.Adan, None, oracles_newer.adan, starts=(0, 0, 0, 0)),
    case(
        "adan_decay",
        ours.Adan,
        None,
        oracles_newer.adan,
        {"weight_decay": 0.1, "beta_1": 0.8, "epsilon": 0.1},
        starts=(0, 0, 0, 0),
    ),
    case(
        "adan_paper",
        ours.Adan,
        None,
        oracles_newer.adan,
        {"convention": "paper"},
        oracle_arguments={"corrected": False},
        starts=(0, 0, 0, 0),
    ),
    case("ademamix", ours.AdEMAMix, None, oracles_newer.ademamix, starts=(0, 0, 0)),
    case(
        "ademamix_warmup",
        ours.AdEMAMix,
        None,
        oracles_newer.ademamix,
        {"warmup_steps": 50, "beta_3": 0.99, "alpha": 2.0},
        starts=(0, 0, 0),
    ),
    case("prodigy", ours.Prodigy, None, oracles_newer.prodigy, starts=(0, 0, 0, 0), rate=1.0),
    case(
        "prodigy_corrected",
        ours.Prodigy,
        None,
        oracles_newer.prodigy,
        {"use_bias_correction": True, "weight_decay": 0.1, "d0": 1e-3, "d_coef": 2.0},
        starts=(0, 0, 0, 0),
        rate=1.0,
    ),
    case("soap", ours.SOAP, None, oracles_newer.soap_adam, starts=(0, 0, 0, 0, 0, 0)),
]

_NAMED = {c.name: c for c in CASES}


def as_keras(name: str, convention: str, **defaults: Any) -> Case:
    """The case `name` in a convention whose update Keras has, perhaps with other arguments."""
    base = _NAMED[name]
    return replace(
        base,
        name=f"{name}_{convention}",
        arguments=base.arguments | {"convention": convention},
        keras_arguments=defaults | base.keras_arguments,
        oracle_arguments=defaults | base.oracle_arguments,
    )


def unlike_keras(name: str, convention: str, **defaults: Any) -> Case:
    """The case `name` in a convention whose update Keras doesn't have."""
    return replace(as_keras(name, convention, **defaults), keras_cls=None, keras_arguments={})


_FROM_0: Any = {"initial_accumulator_value": 0.0, "form": "outside"}

CASES += [as_keras("gradient_descent", c) for c in ("paper", "torch", "deck")]
CASES += [as_keras(n, c) for n in ("momentum", "nesterov") for c in ("paper", "deck")]
CASES += [
    as_keras("sgd", "torch"),
    *(
        unlike_keras(name, "torch", form="torch")
        for name in ("momentum", "nesterov", "sgd_momentum", "sgd_nesterov")
    ),
    unlike_keras("adagrad", "paper", **_FROM_0),
    unlike_keras("adagrad", "torch", epsilon=1e-10, **_FROM_0),
    unlike_keras("adagrad", "deck", epsilon=1e-6, **_FROM_0),
    *(
        row
        for name in (
            "rmsprop",
            "rmsprop_momentum",
            "rmsprop_centered",
            "rmsprop_centered_momentum",
        )
        for row in (
            unlike_keras(name, "paper", epsilon=0.0),
            unlike_keras(name, "torch", rho=0.99, epsilon=1e-8, form="torch"),
        )
    ),
    unlike_keras("rmsprop", "deck", epsilon=1e-8, form="outside"),
    unlike_keras("rmsprop_centered", "deck", epsilon=1e-8, form="outside"),
    as_keras("rmsprop_momentum", "deck", epsilon=1e-8),
    as_keras("rmsprop_centered_momentum", "deck", epsilon=1e-8),
    unlike_keras("adam", "paper", epsilon=1e-8, form="corrected"),
    unlike_keras("adam", "torch", epsilon=1e-8, form="corrected"),
    as_keras("adam", "deck", epsilon=1e-8),
    unlike_keras("adam_amsgrad", "paper", epsilon=1e-8, form="uncorrected"),
    unlike_keras("adam_amsgrad", "torch", epsilon=1e-8, form="corrected"),
    as_keras("adam_amsgrad", "deck", epsilon=1e-8),
    unlike_keras("adamw", "paper", epsilon=1e-8, form="corrected"),
    unlike_keras("adamw", "torch", epsilon=1e-8, form="corrected"),
    as_keras("adamw", "deck", epsilon=1e-8),
    unlike_keras("adamax", "paper", epsilon=0.0),
    unlike_keras("adamax", "torch", epsilon=1e-8, form="torch"),
    as_keras("adamax", "deck"),
    as_keras("adadelta", "paper", epsilon=1e-6),
    as_keras("adadelta", "torch", rho=0.9, epsilon=1e-6),
    as_keras("adadelta", "deck"),
]

BY_NAME = {c.name: c for c in CASES}

_SAME_UPDATE = {(c.oracle, *c.oracle_arguments.items()): c for c in reversed(CASES)}

ONE_PER_UPDATE = list(reversed(_SAME_UPDATE.values()))
"""The cases without those that make the same update under another name, for what is slow."""

ONE_PER_STATE = [c for c in ONE_PER_UPDATE if "convention" not in c.arguments]
"""Those of Keras's convention alone, for what is slow and depends on the state, not the formula."""

UPDATES_OF_KERAS = [c for c in ONE_PER_STATE if c.keras_cls]
"""Those that Keras has too."""


def every(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[c.name for c in cases])


every_class = every(list({c.cls: c for c in reversed(CASES) if not c.make}.values()))
every_optimizer = every(CASES)
every_unwrapped_optimizer = every([c for c in CASES if not c.make])
every_rule = every([c for c in CASES if c.cls is not ours.LayerWise])
every_optimizer_of_keras = every([c for c in CASES if c.keras_cls])
every_update = every(ONE_PER_UPDATE)
every_state = every(ONE_PER_STATE)
every_update_of_keras = every(UPDATES_OF_KERAS)
