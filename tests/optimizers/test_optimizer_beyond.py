"""The arguments and conventions of the optimizers beyond the deck."""

import inspect
from typing import Any

import pytest

import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers import RuleOptimizer

CONVENTIONS: list[tuple[type[RuleOptimizer], str, dict[str, Any]]] = [
    (ours.Nadam, "keras", {"learning_rate": 0.001, "epsilon": 1e-7, "momentum_decay": 1.0}),
    (ours.Nadam, "paper", {"learning_rate": 0.002, "epsilon": 1e-8, "momentum_decay": 0.004}),
    (ours.Nadam, "torch", {"learning_rate": 0.002, "epsilon": 1e-8, "momentum_decay": 0.004}),
    (ours.AdaBelief, "paper", {"epsilon": 1e-16}),
    (ours.RAdam, "keras", {"epsilon": 1e-7}),
    (ours.RAdam, "paper", {"epsilon": 1e-8}),
    (ours.RAdam, "torch", {"epsilon": 1e-8}),
    (ours.Lion, "keras", {"learning_rate": 0.001}),
    (ours.Lion, "paper", {"learning_rate": 0.0001}),
    (ours.Lamb, "keras", {"epsilon": 1e-7, "weight_decay": None}),
    (ours.Lamb, "paper", {"epsilon": 1e-6}),
    (ours.LARS, "paper", {"learning_rate": 1.0, "weight_decay": None}),
    (ours.Muon, "keras", {"learning_rate": 0.001, "weight_decay": 0.004, "rms_rate": 0.2}),
    (ours.Muon, "paper", {"learning_rate": 0.02, "weight_decay": 0.0, "rms_rate": None}),
    (ours.Muon, "torch", {"learning_rate": 0.001, "weight_decay": 0.1, "rms_rate": None}),
    (ours.Adafactor, "keras", {"learning_rate": 0.001, "epsilon_1": 1e-30}),
    (ours.Adafactor, "paper", {"learning_rate": 0.01}),
    (ours.Ftrl, "keras", {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "beta": 0.0}),
    (ours.Ftrl, "paper", {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "beta": 1.0}),
    (ours.Yogi, "paper", {"learning_rate": 0.01, "epsilon": 1e-3}),
    (ours.NovoGrad, "paper", {"beta_1": 0.95, "beta_2": 0.98}),
    (ours.Adan, "paper", {"beta_1": 0.98, "beta_2": 0.92, "beta_3": 0.99}),
    (ours.AdEMAMix, "paper", {"beta_3": 0.9999, "alpha": 5.0}),
    (ours.Prodigy, "paper", {"learning_rate": 1.0, "d0": 1e-6}),
    (ours.SOAP, "paper", {"learning_rate": 0.003, "beta_1": 0.95}),
]


@pytest.mark.parametrize(
    ("cls", "convention", "defaults"),
    CONVENTIONS,
    ids=[f"{cls.__name__}-{convention}" for cls, convention, _ in CONVENTIONS],
)
def test_a_convention_changes_what_nobody_wrote(cls, convention, defaults):
    make: Any = cls
    config = make(convention=convention).get_config()
    for name, value in defaults.items():
        assert config[name] == (value if value is None else pytest.approx(value, rel=1e-6))
        written = make(convention=convention, **{name: 0.25}).get_config()
        assert written[name] == 0.25
    again = make.from_config(config)
    assert again.get_config() == config
    assert again.rule.keywords == make(convention=convention).rule.keywords


def test_help_lists_weight_decay_once():
    for cls in (ours.Lamb, ours.LARS, ours.Muon):
        documentation = inspect.getdoc(cls) or ""
        assert documentation.count("    weight_decay: ") == 1
        assert "inside" in documentation or "λ′" in documentation


def test_a_beta_2_that_never_adapts_is_refused():
    with pytest.raises(ValueError, match=r"`beta_2` must be a number .*0\.6"):
        ours.RAdam(beta_2=0.6)
