"""The table of the optimizers: a row here adds an optimizer to every test."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import oracles
import oracles_beyond
import pytest

import keras_course_ext.optimizers as ours


@dataclass(frozen=True)
class Case:
    """One optimizer with one choice of its arguments.

    Attributes:
        name: The test's name.
        cls: The class.
        arguments: Its own arguments, without the learning rate.
        keras_cls: Keras's class of the same update, with `keras_arguments`; `None`: it has none.
        oracle: The float64 oracle, with `oracle_arguments`.
        starts: The first values of the slots, in the order of the rule's arguments.
        rate: The learning rate of the tests.
        decays_as_keras: Whether `weight_decay` does what it does in Keras.
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

    def ours(self, learning_rate: Any = None, **common: Any) -> Any:
        rate = self.rate if learning_rate is None else learning_rate
        return self.cls(rate, **(self.arguments | common))

    def keras(self, learning_rate: Any = None, **common: Any) -> Any:
        rate = self.rate if learning_rate is None else learning_rate
        assert self.keras_cls is not None
        return self.keras_cls(rate, **(self.keras_arguments | common))


def case(
    name: str, cls: type, keras_cls: type | None, oracle: Any, same: Any = None, **rest: Any
) -> Case:
    """A case whose arguments are the same for ours, Keras's and the oracle."""
    for arguments in ("arguments", "keras_arguments", "oracle_arguments"):
        rest.setdefault(arguments, same or {})
    return Case(name, cls, keras_cls, oracle, **rest)


_SGD = keras.optimizers.SGD
_HEAVY = {"momentum": 0.9}
_NESTEROV = {"momentum": 0.9, "nesterov": True}
_DOZAT = {"epsilon": 1e-8, "momentum_decay": 0.004}
_NO_DECAY = {"weight_decay": None, "adam_weight_decay": None}

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
    # What is no matrix; the matrices are in test_optimizer_muon.py.
    case(
        "muon_adamw",
        ours.Muon,
        keras.optimizers.Muon,
        oracles_beyond.muon_adamw,
        _NO_DECAY,
        oracle_arguments={},
        starts=(0, 0),
    ),
]

BY_NAME = {c.name: c for c in CASES}

_SAME_UPDATE = {(c.oracle, *c.oracle_arguments.items()): c for c in reversed(CASES)}

ONE_PER_UPDATE = list(reversed(_SAME_UPDATE.values()))
"""The cases without those that make the same update under another name, for what is slow."""


def each(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[c.name for c in cases])


every_optimizer = each(CASES)
every_update = each(ONE_PER_UPDATE)
every_optimizer_of_keras = each([c for c in CASES if c.keras_cls])
every_update_of_keras = each([c for c in ONE_PER_UPDATE if c.keras_cls])
