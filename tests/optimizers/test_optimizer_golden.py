"""Ours beside what torch.optim and optax made of the same gradients, from the files of golden/."""

import json
import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from golden import sequence

import keras_course_ext.optimizers as ours

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
FILES = {
    library: json.loads((GOLDEN / f"{library}.json").read_text()) for library in ("torch", "optax")
}
RUNS = {f"{lib}/{name}": run for lib, file in FILES.items() for name, run in file["runs"].items()}

OTHER_FORM = {
    "optax/amsgrad": "takes the largest of the corrected v; torch and Keras correct the largest v",
    "optax/lars_decay": "divides by |g + λ w|; the paper divides by |g| + λ |w|",
    "optax/adan_defaults": "multiplies the difference by 1 − β₂ = 0.08; the authors' code by β₂",
}
"""The runs whose form none of ours has, and why."""


@dataclass(frozen=True)
class Row:
    """How ours makes a run of the golden files.

    Attributes:
        make: The optimizer, from its learning rate.
        applied: Whether `apply` on a float64 variable makes the steps, because the rule alone
            leaves something out, such as decoupled weight decay; otherwise `trajectory`.
        tolerance: The largest error allowed, as a share of the largest weight.
    """

    make: Callable[[Any], Any]
    applied: bool = False
    tolerance: float = 1e-11


BETAS = {"beta_1": 0.9, "beta_2": 0.95}
LOOKAHEAD = {"sync_period": 5, "slow_step_size": 0.5}
TORCH_MUON = {"weight_decay": None, "rms_rate": 0.2}

ROWS = {
    "torch/sgd": Row(lambda lr: ours.SGD(lr)),
    "torch/sgd_momentum": Row(lambda lr: ours.SGD(lr, momentum=0.9, convention="torch")),
    "torch/sgd_nesterov": Row(
        lambda lr: ours.SGD(lr, momentum=0.9, nesterov=True, convention="torch")
    ),
    "torch/adagrad": Row(lambda lr: ours.Adagrad(lr, convention="torch")),
    "torch/rmsprop": Row(lambda lr: ours.RMSprop(lr, convention="torch")),
    "torch/rmsprop_momentum": Row(
        lambda lr: ours.RMSprop(lr, rho=0.95, momentum=0.8, convention="torch")
    ),
    "torch/rmsprop_centered": Row(lambda lr: ours.RMSprop(lr, centered=True, convention="torch")),
    "torch/rmsprop_centered_momentum": Row(
        lambda lr: ours.RMSprop(lr, centered=True, momentum=0.9, convention="torch")
    ),
    "torch/adam": Row(lambda lr: ours.Adam(lr, convention="torch")),
    "torch/adam_amsgrad": Row(lambda lr: ours.Adam(lr, **BETAS, amsgrad=True, convention="torch")),
    "torch/adamw": Row(lambda lr: ours.AdamW(lr, convention="torch"), applied=True),
    "torch/nadam": Row(lambda lr: ours.Nadam(lr, convention="torch")),
    "torch/adamax": Row(lambda lr: ours.Adamax(lr, convention="torch")),
    "torch/adadelta": Row(lambda lr: ours.Adadelta(lr, convention="torch")),
    "torch/radam": Row(lambda lr: ours.RAdam(lr, convention="torch")),
    "torch/radam_betas": Row(lambda lr: ours.RAdam(lr, **BETAS, convention="torch")),
    # torch orthogonalizes in bfloat16, whatever the dtype of the weights.
    "torch/muon": Row(lambda lr: ours.Muon(lr, **TORCH_MUON), tolerance=2e-3),
    "optax/sgd": Row(lambda lr: ours.SGD(lr)),
    "optax/momentum": Row(lambda lr: ours.SGD(lr, momentum=0.9, convention="torch")),
    "optax/nesterov": Row(lambda lr: ours.SGD(lr, momentum=0.9, nesterov=True, convention="torch")),
    "optax/adam": Row(lambda lr: ours.Adam(lr, convention="paper")),
    "optax/adamw": Row(
        lambda lr: ours.AdamW(lr, weight_decay=0.01, convention="paper"), applied=True
    ),
    "optax/amsgrad_uncorrected": Row(
        lambda lr: ours.Adam(lr, **BETAS, epsilon=1e-8, amsgrad=True, convention="paper")
    ),
    "optax/adabelief": Row(lambda lr: ours.AdaBelief(lr, epsilon=1e-8, convention="paper")),
    "optax/lion": Row(lambda lr: ours.Lion(lr, beta_1=0.9, beta_2=0.99)),
    "optax/lion_decay": Row(
        lambda lr: ours.Lion(lr, beta_1=0.9, beta_2=0.99, weight_decay=0.1), applied=True
    ),
    "optax/lamb": Row(lambda lr: ours.Lamb(lr, epsilon=1e-6, convention="paper")),
    "optax/lamb_decay": Row(
        lambda lr: ours.Lamb(lr, epsilon=1e-6, weight_decay=0.1, convention="paper"), applied=True
    ),
    "optax/lars": Row(
        lambda lr: ours.LARS(lr, momentum=0.9, trust_coefficient=0.1, convention="paper")
    ),
    # optax's μ is constant: 0.96 to the power of a large number is 0.
    "optax/nadam": Row(lambda lr: ours.Nadam(lr, momentum_decay=1000.0, convention="paper")),
    "optax/radam": Row(lambda lr: ours.RAdam(lr, epsilon=0.0, convention="torch")),
    "optax/radam_betas": Row(lambda lr: ours.RAdam(lr, **BETAS, epsilon=0.0, convention="torch")),
    "optax/adamax": Row(lambda lr: ours.Adamax(lr, convention="torch")),
    "optax/rmsprop": Row(lambda lr: ours.RMSprop(lr, epsilon=1e-8)),
    "optax/rmsprop_momentum": Row(
        lambda lr: ours.RMSprop(lr, rho=0.95, momentum=0.8, epsilon=1e-8)
    ),
    "optax/rmsprop_centered": Row(lambda lr: ours.RMSprop(lr, centered=True, epsilon=1e-8)),
    "optax/rmsprop_eps_outside": Row(
        lambda lr: ours.RMSprop(lr, rho=0.9, epsilon=1e-8, convention="torch")
    ),
    "optax/adagrad": Row(lambda lr: ours.Adagrad(lr)),
    "optax/adadelta": Row(lambda lr: ours.Adadelta(lr, rho=0.9, epsilon=1e-6, convention="paper")),
    "optax/lookahead": Row(
        lambda lr: ours.Lookahead(ours.Adam(lr, convention="paper"), **LOOKAHEAD)
    ),
    "optax/schedule_free_adamw": Row(lambda lr: ours.ScheduleFreeAdamW(lr, epsilon=1e-8)),
    "optax/schedule_free_adamw_decay": Row(
        lambda lr: ours.ScheduleFreeAdamW(lr, epsilon=1e-8, weight_decay=0.1)
    ),
    "optax/schedule_free_rising": Row(lambda lr: ours.ScheduleFreeAdamW(lr, epsilon=1e-8)),
    # optax adds its ε to another multiple of the momentum's norm than Keras does.
    "optax/muon": Row(
        lambda lr: ours.Muon(lr, nesterov=False, weight_decay=None, rms_rate=0.2), tolerance=1e-8
    ),
    "torch/adafactor": Row(lambda lr: ours.Adafactor(lr)),
    "torch/adafactor_matrix": Row(lambda lr: ours.Adafactor(lr, convention="paper")),
    "optax/yogi": Row(lambda lr: ours.Yogi(lr, epsilon=0.0, initial_accumulator_value=0.0)),
    "optax/novograd": Row(lambda lr: ours.NovoGrad(lr)),
    "optax/novograd_decay": Row(
        lambda lr: ours.NovoGrad(lr, beta_1=0.9, beta_2=0.25, epsilon=1e-6, weight_decay=0.1)
    ),
    "optax/adan": Row(lambda lr: ours.Adan(lr, beta_2=0.5)),
    "optax/ademamix": Row(lambda lr: ours.AdEMAMix(lr)),
    "optax/ademamix_decay": Row(
        lambda lr: ours.AdEMAMix(lr, beta_3=0.99, alpha=2.0, weight_decay=0.1), applied=True
    ),
    "optax/prodigy": Row(lambda lr: ours.Prodigy(lr, epsilon=0.0, use_bias_correction=True)),
    "optax/prodigy_decay": Row(
        lambda lr: ours.Prodigy(lr, epsilon=0.0, use_bias_correction=True, d0=0.1, weight_decay=0.1)
    ),
}


def follow(row: Row, run: dict[str, Any]) -> np.ndarray:
    """The weights of ours after every step."""
    shape = np.shape(run["weights"])[1:]
    n = int(np.prod(shape))
    start = sequence.start(n).reshape(shape)
    gradients = sequence.gradients(n).reshape(-1, *shape)
    rates = sequence.rates(run["rates"])
    if row.applied:
        return apply(row.make, gradients, start, rates)
    given = iter(gradients)
    path = ours.trajectory(row.make(0.5), lambda w: next(given), start, len(rates), rates)
    return path[1:]


def apply(make: Callable[[Any], Any], gradients: Any, start: Any, rates: Any) -> np.ndarray:
    step, path = 0, []
    # A callable that returns a tensor, because a variable or a number would be float32.
    optimizer = make(lambda: keras.ops.convert_to_tensor(rates[step], "float64"))
    w = keras.Variable(start, dtype="float64")
    for step, g in enumerate(gradients):  # noqa: B007
        optimizer.apply([keras.ops.convert_to_tensor(g, "float64")], [w])
        path.append(w.numpy().copy())
    return np.array(path)


def worst(path: np.ndarray, golden: Any) -> float:
    stored = path[np.array(sequence.STORED) - 1]
    return float(np.max(np.abs(stored - golden)) / np.max(np.abs(golden)))


def param(name: str, row: Row) -> Any:
    return pytest.param(row, RUNS[name], id=name)


@pytest.mark.parametrize(("row", "run"), [param(name, row) for name, row in ROWS.items()])
def test_weights_are_the_golden_ones(row, run):
    assert worst(follow(row, run), run["weights"]) < row.tolerance


def averages(y: np.ndarray, lr: np.ndarray, start: np.ndarray, beta_1: float = 0.9) -> np.ndarray:
    """The averages x of schedule-free training, found from the weights y = (1 − β₁) z + β₁ x.

    x is the mean of the z so far, weighted by their squared learning rates.
    """
    x, path = start, []
    for share, y_t in zip(lr**2 / np.cumsum(lr**2), y, strict=True):
        old = (1 - share) * x
        z = (y_t - beta_1 * old) / (1 - beta_1 + beta_1 * share)
        x = old + share * z
        path.append(x)
    return np.array(path)


SCHEDULE_FREE = [name for name, run in RUNS.items() if "averages" in run]


@pytest.mark.parametrize("name", SCHEDULE_FREE)
def test_averages_are_the_golden_ones(name):
    run = RUNS[name]
    path = follow(ROWS[name], run)
    x = averages(path, sequence.rates(run["rates"]), sequence.start())
    assert worst(x, run["averages"]) < 1e-10


def test_every_run_has_its_row():
    assert ROWS.keys().isdisjoint(OTHER_FORM)
    assert ROWS.keys() | OTHER_FORM.keys() == RUNS.keys()


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_the_sequence_is_still_the_one_of_the_files(file):
    """Otherwise: run tests/golden/make_golden.py again."""
    at = np.array(sequence.STORED) - 1
    here = {kind: sequence.rates(kind)[at] for kind in ("varying", "rising", "constant")}
    here |= {"start": sequence.start(), "gradients": sequence.gradients()[at]}
    assert file["steps"] == sequence.STORED
    assert file["formulas"] == sequence.FORMULAS
    assert file["sample"].keys() == here.keys()
    for key, values in here.items():
        np.testing.assert_allclose(file["sample"][key], values, rtol=1e-11, err_msg=key)
