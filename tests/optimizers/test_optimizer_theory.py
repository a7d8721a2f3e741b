"""What theory says of the optimizers: rates on quadratics, Reddi's example, classic landscapes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
import pytest

import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers import trajectory
from keras_course_ext.optimizers.rules.scalars import scalars_of

# Rates on a quadratic f(w) = ½ Σ λ w², μ ≤ λ ≤ L, of condition k = L / μ.

MU, L = 0.5, 50.0
K = L / MU
EXTREMES = np.array([MU, L])
SPECTRUM = np.geomspace(MU, L, 7)


def norms(path: np.ndarray) -> np.ndarray:
    return np.linalg.norm(path, axis=1)


def down_quadratic(
    make: Callable[[Any], Any], lr: float, eigenvalues: np.ndarray, steps: int
) -> np.ndarray:
    """The path from (1, …, 1). An optimizer keeps its own rate in float32, so it is given."""
    start = np.ones(len(eigenvalues))
    return trajectory(make(lr), lambda w: eigenvalues * w, start, steps, repeat(lr))


def double_root_rate(path: np.ndarray) -> float:
    """ρ of |w_t| ~ t ρ^t, which is how an optimally damped ball comes to rest."""
    t = len(path) // 2
    size = norms(path) / np.maximum(1, np.arange(len(path)))
    return float((size[2 * t] / size[t]) ** (1 / t))


def test_gradient_descent_reaches_its_optimal_rate():
    sizes = norms(down_quadratic(ours.GradientDescent, 2 / (MU + L), SPECTRUM, 400))
    rate = (K - 1) / (K + 1)
    assert np.all(sizes[1:] / sizes[:-1] <= rate * (1 + 1e-12))
    assert sizes[-1] / sizes[-2] == pytest.approx(rate, rel=1e-9)


def test_no_other_rate_of_gradient_descent_is_better():
    rate = (K - 1) / (K + 1)
    for lr in np.array([0.9, 0.99, 1.01]) * 2 / (MU + L):
        sizes = norms(down_quadratic(ours.GradientDescent, lr, EXTREMES, 400))
        assert sizes[-1] / sizes[-2] > rate + 1e-5


@pytest.mark.parametrize(("factor", "converges"), [(0.999, True), (1.001, False)])
def test_gradient_descent_diverges_past_2_over_l(factor, converges):
    sizes = norms(down_quadratic(ours.GradientDescent, factor * 2 / L, SPECTRUM, 5000))
    assert sizes[-1] < 1e-4 if converges else sizes[-1] > 1e4


ROOT = np.sqrt(K)

HEAVY_BALL_RATE = 4 / (np.sqrt(L) + np.sqrt(MU)) ** 2
HEAVY_BALL_MOMENTUM = ((ROOT - 1) / (ROOT + 1)) ** 2
"""Polyak's optimal choice."""

NESTEROV_RATE = 1 / L
NESTEROV_MOMENTUM = (ROOT - 1) / (ROOT + 1)
"""The constant momentum for a strongly convex function."""


@pytest.mark.parametrize("cls", [ours.Momentum, ours.SGD])
@pytest.mark.parametrize("eigenvalues", [EXTREMES, SPECTRUM], ids=["extremes", "spectrum"])
def test_heavy_ball_reaches_its_optimal_rate(cls, eigenvalues):
    make = partial(cls, momentum=HEAVY_BALL_MOMENTUM)
    path = down_quadratic(make, HEAVY_BALL_RATE, eigenvalues, 600)
    assert double_root_rate(path) == pytest.approx((ROOT - 1) / (ROOT + 1), rel=1e-3)


@pytest.mark.parametrize(
    "make",
    [ours.NesterovMomentum, partial(ours.SGD, nesterov=True)],
    ids=["NesterovMomentum", "SGD"],
)
def test_nesterov_keeps_its_bound(make):
    """f(θ_t) − f* ≤ (1 − 1/√k)^t (f(θ_0) − f* + μ/2 |θ_0 − θ*|²).

    θ is not what the model holds: that is w = θ + μ v, where the gradient is taken. A gradient step
    from w leads to the next θ.
    """
    make = partial(make, momentum=NESTEROV_MOMENTUM)
    path = down_quadratic(make, NESTEROV_RATE, SPECTRUM, 600)
    theta = np.vstack([path[:1], path[:-1] - NESTEROV_RATE * SPECTRUM * path[:-1]])
    values = 0.5 * np.sum(SPECTRUM * theta**2, axis=1)
    start = values[0] + MU / 2 * np.sum(theta[0] ** 2)
    t = np.arange(len(values))
    assert np.all(values <= start * (1 - 1 / ROOT) ** t)
    # On a quadratic θ itself shrinks by 1 − 1/√k, so f(θ) by its square, but for a factor t².
    assert double_root_rate(theta) == pytest.approx(1 - 1 / ROOT, rel=1e-3)


def test_the_order_of_the_three_is_as_the_theory_says():
    paths = (
        down_quadratic(ours.GradientDescent, 2 / (MU + L), SPECTRUM, 200),
        down_quadratic(
            partial(ours.NesterovMomentum, momentum=NESTEROV_MOMENTUM), NESTEROV_RATE, SPECTRUM, 200
        ),
        down_quadratic(
            partial(ours.Momentum, momentum=HEAVY_BALL_MOMENTUM), HEAVY_BALL_RATE, SPECTRUM, 200
        ),
    )
    plain, nesterov, heavy_ball = (norms(path)[-1] for path in paths)
    assert plain > 1e4 * nesterov > 1e8 * heavy_ball


# Forms of the same method.


def beale(w: np.ndarray) -> np.ndarray:
    """The gradient of Σ_i (c_i − x + x yⁱ)², c = 1.5, 2.25, 2.625; 0 at (3, 0.5)."""
    x, y = w
    i = np.arange(1, 4)
    r = np.array([1.5, 2.25, 2.625]) - x + x * y**i
    return np.array([np.sum(2 * r * (y**i - 1)), np.sum(2 * r * x * i * y ** (i - 1.0))])


def rosenbrock(w: np.ndarray) -> np.ndarray:
    """The gradient of (1 − x)² + 100 (y − x²)², 0 at (1, 1)."""
    x, y = w
    return np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


def parabola(w: np.ndarray) -> np.ndarray:
    """The gradient of ½ |w − (1, −2)|²."""
    return w - np.array([1.0, -2.0])


def test_shifted_nesterov_is_the_look_ahead_form():
    lr, mu, steps = 0.003, 0.9, 300
    start = np.array([1.0, 1.0])
    path = trajectory(ours.NesterovMomentum(lr, momentum=mu), beale, start, steps, repeat(lr))
    theta, v = start, np.zeros(2)
    for w in path:
        np.testing.assert_allclose(w, theta + mu * v, rtol=1e-11, atol=1e-11)
        v = mu * v - lr * beale(theta + mu * v)
        theta = theta + v


def torch_form(lr: np.ndarray, start: np.ndarray, mu: float) -> np.ndarray:
    """b ← μ b + g, w ← w − η b: the learning rate stands outside of what is remembered."""
    path, b = [start], np.zeros_like(start)
    for rate in lr:
        b = mu * b + beale(path[-1])
        path.append(path[-1] - rate * b)
    return np.array(path)


def test_torch_momentum_is_ours_at_a_constant_rate_only():
    start = np.array([1.0, 1.0])
    for rates, same in ((np.full(200, 0.003), True), (np.linspace(0.004, 0.001, 200), False)):
        path = trajectory(ours.Momentum(momentum=0.9), beale, start, 200, rates)
        assert np.allclose(path, torch_form(rates, start, 0.9), rtol=1e-11, atol=1e-11) == same


def test_the_torch_convention_is_the_torch_form_at_any_rate():
    start, rates = np.array([1.0, 1.0]), np.linspace(0.004, 0.001, 200)
    optimizer = ours.Momentum(momentum=0.9, convention="torch")
    path = trajectory(optimizer, beale, start, 200, rates)
    np.testing.assert_allclose(path, torch_form(rates, start, 0.9), rtol=1e-11, atol=1e-11)


def test_nesterov_uses_the_new_velocity():
    """On x²/2 from 1, η = 0.1, μ = 0.9.

    The Korean edition of "Deep Learning from Scratch" renews v after it has used it in part, and
    comes to other numbers than Keras, the look-ahead form and Bengio's form.
    """
    for optimizer in (ours.NesterovMomentum(0.1), ours.SGD(0.1, momentum=0.9, nesterov=True)):
        path = trajectory(optimizer, lambda w: w, [1.0], 3, repeat(0.1))
        np.testing.assert_allclose(path[1:, 0], [0.81, 0.5751, 0.327321], rtol=1e-12)
    x, v, trap = 1.0, 0.0, []
    for _ in range(3):
        v, g = 0.9 * v - 0.1 * x, x
        x = x + 0.81 * v - 0.19 * g
        trap.append(x)
    np.testing.assert_allclose(trap, [0.729, 0.4585, 0.2155], atol=5e-5)


# Reddi, Kale, Kumar, On the Convergence of Adam and Beyond, ICLR 2018, section 3.


def play_reddi(optimizer: Any, C: float, steps: int) -> tuple[float, float]:
    """Plays f_t(x) = C x if t mod 3 = 1, else −x, on [−1, 1], at the rate α / √t.

    Returns:
        The last x, and the mean regret per round against the best x, which is −1.
    """
    x = np.array([0.0])
    slots, regret = optimizer.first_slots(x), 0.0
    for t in range(1, steps + 1):
        g = np.array([C if t % 3 == 1 else -1.0])
        regret += float(g[0] * (x[0] + 1))
        scalars = {"lr": 0.5 / np.sqrt(t), "t": t}
        rule = optimizer.rule
        x, *slots = rule(g, x, *slots, **scalars_of(rule.func, scalars))
        x = np.clip(x, -1.0, 1.0)
    return float(x[0]), regret / steps


@pytest.mark.parametrize("C", [2.5, 3.0, 10.0])
def test_adam_fails_where_amsgrad_does_not(C):
    betas = {"beta_1": 0.0, "beta_2": 1 / (1 + C * C)}
    last, regret = play_reddi(ours.Adam(**betas), C, 3000)
    assert last > 0.9  # the worst point of all
    assert regret > 0.9 * 2 * (C - 2) / 3
    last, regret = play_reddi(ours.Adam(**betas, amsgrad=True), C, 3000)
    assert last < -0.9
    assert regret < 0.25 * 2 * (C - 2) / 3


# A parabola, Rosenbrock and Beale, every optimizer.


@dataclass(frozen=True)
class Descent:
    """How an optimizer finds the three minima: for each a first learning rate and steps.

    The rate falls linearly to 0, so that also those whose steps keep their length come to rest.
    """

    make: Callable[[], Any]
    parabola: tuple[float, int]
    rosenbrock: tuple[float, int]
    beale: tuple[float, int]


PROBLEMS = {
    "parabola": (parabola, [-1.0, 10.0], [1.0, -2.0]),
    "rosenbrock": (rosenbrock, [0.0, 0.0], [1.0, 1.0]),
    "beale": (beale, [1.0, 1.0], [3.0, 0.5]),
}

DESCENTS = {
    "gradient_descent": Descent(
        lambda: ours.GradientDescent(), (0.5, 500), (0.0015, 20000), (0.02, 3000)
    ),
    "momentum": Descent(lambda: ours.Momentum(), (0.1, 500), (0.001, 5000), (0.01, 1000)),
    "momentum/torch": Descent(
        lambda: ours.Momentum(convention="torch"), (0.1, 500), (0.001, 5000), (0.01, 1000)
    ),
    "nesterov": Descent(lambda: ours.NesterovMomentum(), (0.1, 500), (0.001, 5000), (0.01, 1000)),
    "sgd": Descent(
        lambda: ours.SGD(momentum=0.9, nesterov=True), (0.1, 500), (0.001, 5000), (0.01, 1000)
    ),
    "adagrad": Descent(lambda: ours.Adagrad(), (50.0, 500), (0.5, 10000), (1.0, 1000)),
    "adagrad/torch": Descent(
        lambda: ours.Adagrad(convention="torch"), (50.0, 500), (0.5, 10000), (1.0, 1000)
    ),
    "rmsprop": Descent(lambda: ours.RMSprop(), (5.0, 500), (0.005, 5000), (0.05, 1000)),
    "rmsprop/torch": Descent(
        lambda: ours.RMSprop(convention="torch"), (5.0, 500), (0.005, 5000), (0.05, 1000)
    ),
    "rmsprop_momentum": Descent(
        lambda: ours.RMSprop(momentum=0.9), (0.1, 500), (0.01, 2000), (0.02, 1000)
    ),
    "rmsprop_centered": Descent(
        lambda: ours.RMSprop(centered=True), (2.0, 500), (0.002, 5000), (0.02, 1000)
    ),
    "adam": Descent(lambda: ours.Adam(), (5.0, 500), (0.1, 2000), (0.5, 1000)),
    "adam/paper": Descent(
        lambda: ours.Adam(convention="paper"), (5.0, 500), (0.1, 2000), (0.5, 1000)
    ),
    "adam_amsgrad": Descent(lambda: ours.Adam(amsgrad=True), (5.0, 500), (0.1, 2000), (0.5, 1000)),
    "adamw": Descent(lambda: ours.AdamW(), (5.0, 500), (0.1, 2000), (0.5, 1000)),
    "nadam": Descent(lambda: ours.Nadam(), (5.0, 500), (0.05, 2000), (0.5, 1000)),
    "adamax": Descent(lambda: ours.Adamax(), (20.0, 500), (0.05, 2000), (0.5, 1000)),
    "adadelta": Descent(
        lambda: ours.Adadelta(rho=0.9, epsilon=1e-6), (100.0, 500), (0.5, 5000), (20.0, 1000)
    ),
    "adabelief": Descent(
        lambda: ours.AdaBelief(epsilon=1e-8), (5.0, 500), (0.05, 2000), (0.2, 1000)
    ),
    "radam": Descent(lambda: ours.RAdam(), (1.0, 500), (0.02, 2000), (0.05, 3000)),
    "lion": Descent(lambda: ours.Lion(), (1.0, 500), (0.005, 2000), (0.05, 1000)),
    "lamb": Descent(lambda: ours.Lamb(), (0.1, 500), (0.02, 2000), (0.05, 1000)),
    "lars": Descent(
        lambda: ours.LARS(trust_coefficient=0.001), (20.0, 500), (5.0, 2000), (5.0, 1000)
    ),
    "adafactor": Descent(lambda: ours.Adafactor(), (1.0, 500), (0.02, 5000), (0.05, 500)),
    "yogi": Descent(lambda: ours.Yogi(), (5.0, 500), (0.1, 500), (0.5, 500)),
    "novograd": Descent(lambda: ours.NovoGrad(), (0.5, 500), (0.05, 500), (0.1, 500)),
    "adan": Descent(lambda: ours.Adan(), (5.0, 500), (0.1, 500), (0.5, 500)),
    "ademamix": Descent(
        lambda: ours.AdEMAMix(beta_3=0.99, alpha=1.0, warmup_steps=500),
        (5.0, 500),
        (0.1, 500),
        (0.5, 500),
    ),
    "prodigy": Descent(lambda: ours.Prodigy(), (1.0, 500), (0.02, 500), (0.2, 500)),
    "soap": Descent(lambda: ours.SOAP(), (5.0, 500), (0.1, 500), (0.5, 500)),
    "schedule_free_adamw": Descent(
        lambda: ours.ScheduleFreeAdamW(), (20.0, 500), (0.1, 2000), (1.0, 1000)
    ),
}


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("descent", [pytest.param(d, id=name) for name, d in DESCENTS.items()])
def test_every_optimizer_finds_the_minimum(descent, problem):
    gradient, start, minimum = PROBLEMS[problem]
    rate, steps = getattr(descent, problem)
    falling = rate * (1 - np.arange(steps) / steps)
    path = trajectory(descent.make(), gradient, start, steps, falling)
    np.testing.assert_allclose(path[-1], minimum, atol=0.03)
