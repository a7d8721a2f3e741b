"""Paths over contours: the points are those of the formulas, and what diverges breaks nothing."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.animation import FuncAnimation
from PIL import Image

import keras_course_ext as kce
from keras_course_ext.plotting import Surface, animate, trajectories

STEPS = 25
START = (-7.0, 2.0)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def valley(w):
    return np.array([w[0] / 10, 2 * w[1]])


def rosenbrock(w):
    x, y = w
    return np.array([2 * (x - 1) + 400 * x * (x * x - y), 200 * (y - x * x)])


def walked(gradient, start, step, slots=2, steps=STEPS):
    """The points of a rule that is written out: `step(g, w, s, t)` returns w and changes s."""
    w, s = np.array(start, np.float64), [np.zeros(2) for _ in range(slots)]
    points = [w]
    for t in range(1, steps + 1):
        w = step(gradient(w), w, s, t)
        points.append(w)
    return np.array(points)


def descent(g, w, s, t):
    return w - 0.9 * g


def momentum(g, w, s, t):
    s[0] = 0.9 * s[0] - 0.05 * g
    return w + s[0]


def adagrad(g, w, s, t):
    s[0] = s[0] + g * g
    return w - 1.5 * g / np.sqrt(s[0] + 1e-7)


def adam(g, w, s, t):
    s[0], s[1] = 0.9 * s[0] + 0.1 * g, 0.999 * s[1] + 0.001 * g * g
    rate = 0.3 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return w - rate * s[0] / (np.sqrt(s[1]) + 1e-7)


RULES = {
    "descent": (lambda: kce.optimizers.SGD(0.9), descent),
    "momentum": (lambda: kce.optimizers.Momentum(0.05, momentum=0.9), momentum),
    "adagrad": (lambda: kce.optimizers.Adagrad(1.5, initial_accumulator_value=0.0), adagrad),
    "adam": (lambda: kce.optimizers.Adam(0.3), adam),
}


def drawn(ax, count):
    return [np.stack(line.get_data(), axis=1) for line in ax.get_lines()[:count]]


def test_the_lines_are_the_points_of_the_formulas():
    ways = {label: make() for label, (make, _) in RULES.items()}
    ax = trajectories("valley", ways, start=START, steps=STEPS)
    for points, (_, step) in zip(drawn(ax, 4), RULES.values(), strict=True):
        np.testing.assert_allclose(points, walked(valley, START, step), rtol=1e-9, atol=1e-12)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == [*RULES, "minimum", "start"]


def test_rosenbrock_is_rosenbrock():
    ax = trajectories("rosenbrock", kce.optimizers.Adam(0.3), start=(-1.5, 2), steps=STEPS)
    expected = walked(rosenbrock, (-1.5, 2), adam)
    np.testing.assert_allclose(drawn(ax, 1)[0], expected, rtol=1e-9, atol=1e-9)
    assert ax.get_title() == "f(x, y) = (1 − x)² + 100 (y − x²)²"
    (minimum,) = (line for line in ax.get_lines() if line.get_label() == "minimum")
    assert np.ravel(minimum.get_data()).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("surface", "start", "optimizer"),
    [
        ("valley", START, lambda: kce.optimizers.SGD(0.97)),
        ("valley", START, lambda: kce.optimizers.Momentum(0.1)),
        ("rosenbrock", (-1.5, 2), lambda: kce.optimizers.Adam(0.05)),
    ],
    ids=["swings", "overshoots", "bends"],
)
def test_all_of_a_path_that_stays_near_is_in_sight(surface, start, optimizer):
    wild = kce.optimizers.SGD(2.0)
    ax = trajectories(surface, [wild, optimizer()], start=start, steps=60)
    points = drawn(ax, 2)[1]
    assert len(points) == 61
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert ((points > (left, bottom)) & (points < (right, top))).all()
    # The one that diverges does not make it small.
    assert (right - left, top - bottom) < (11, 8)


@pytest.mark.parametrize(
    ("surface", "function", "point", "level"),
    [
        ("valley", lambda x, y: x**2 / 20 + y**2, START, 0.0),
        ("rosenbrock", lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2, (-1, 2), 0.0),
        (
            Surface(lambda x, y: x**2 + y**2 - 5, lambda x, y: (2 * x, 2 * y), (0, 0)),
            lambda x, y: x**2 + y**2 - 5,
            (1, 2),
            -5.0,
        ),
    ],
    ids=["valley", "rosenbrock", "below zero"],
)
def test_contours_lie_on_the_surface_apart_by_equal_factors(surface, function, point, level):
    ax = trajectories(surface, [kce.optimizers.SGD(1e-4)], start=point, steps=1)
    contours = ax.collections[1]
    levels = contours.levels
    ratios = (levels[1:] - level) / (levels[:-1] - level)
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)
    assert ratios[0] > 1.5
    for height, path in list(zip(levels, contours.get_paths(), strict=True))[-4:]:
        np.testing.assert_allclose(function(*path.vertices.T), height, rtol=0.02, atol=0.02)


def diverging(rate):
    return kce.optimizers.SGD(rate)


@pytest.mark.parametrize("rate", [1.5, 1e3, 3e38])
def test_a_path_that_diverges_is_cut_and_said(rate, tmp_path):
    ways = {"calm": kce.optimizers.SGD(0.1), "wild": diverging(rate)}
    ax = trajectories("valley", ways, start=START, steps=2000)
    calm, wild = drawn(ax, 2)
    assert calm.shape == (2001, 2)
    assert 1 <= len(wild) < 10
    assert np.isfinite(wild).all()
    full = walked(valley, START, lambda g, w, s, t: w - np.float64(rate) * g, steps=len(wild) - 1)
    np.testing.assert_allclose(wild, full)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[:2] == ["calm", f"wild (leaves at step {max(1, len(wild) - 1)})"]
    assert np.diff(ax.get_ylim()) < 12
    ax.figure.savefig(tmp_path / "wild.png", dpi=40)


def test_a_gradient_that_is_nan_cuts_the_path_too():
    cliff = Surface(lambda x, y: np.where(x < 0, np.nan, x) + y, lambda x, y: (np.sqrt(x), 1.0))
    ax = trajectories(cliff, {"SGD": kce.optimizers.SGD(0.6)}, start=(1, 1), steps=30)
    (points,) = drawn(ax, 1)
    assert np.isfinite(points).all()
    assert len(points) < 31
    (label, _) = (text.get_text() for text in ax.get_legend().get_texts())
    assert label.startswith("SGD (leaves at step ")


def test_a_path_that_comes_back_is_not_cut():
    ways = {"Momentum": kce.optimizers.Momentum(0.05, momentum=0.9)}
    ax = trajectories("valley", ways, start=START, steps=200, limits=((-8, 2), (-1, 2.1)))
    (points,) = drawn(ax, 1)
    assert points[:, 1].min() < -1
    assert len(points) == 201
    assert ax.get_legend().get_texts()[0].get_text() == "Momentum"
    assert (ax.get_xlim(), ax.get_ylim()) == ((-8, 2), (-1, 2.1))


@pytest.mark.parametrize(
    ("optimizers", "labels"),
    [
        ("adam", ["Adam"]),
        (["sgd", "adam"], ["SGD", "Adam"]),
        (
            lambda: [kce.optimizers.SGD(r) for r in (0.5, 0.1, 0.1)],
            ["SGD, η = 0.5", "SGD, η = 0.1", "SGD, η = 0.1 (2)"],
        ),
    ],
)
def test_what_has_no_label_is_named_by_its_kind(optimizers, labels):
    optimizers = optimizers() if callable(optimizers) else optimizers
    ax = trajectories("valley", optimizers, start=START, steps=3)
    assert [text.get_text() for text in ax.get_legend().get_texts()[:-2]] == labels


def test_lines_are_told_apart_without_colour():
    ways = {str(rate): kce.optimizers.SGD(rate) for rate in np.linspace(0.01, 0.9, 14)}
    lines = trajectories("valley", ways, start=START, steps=3).get_lines()[:14]
    looks = {(line.get_marker(), str(line._dash_pattern)) for line in lines}
    assert len(looks) == 14
    assert len({line.get_color() for line in lines[:7]}) == 7


def test_the_animation_shows_the_path_so_far(tmp_path):
    ways = {"descent": kce.optimizers.SGD(0.9), "wild": kce.optimizers.SGD(1.5)}
    _, ax = plt.subplots(figsize=(3, 2))
    moving = animate("valley", ways, ax, start=START, steps=3, title="here", fps=10)
    assert isinstance(moving, FuncAnimation)
    assert len(ax.get_lines()[0].get_xdata()) == 1
    moving.save(tmp_path / "paths.gif", writer="pillow", dpi=40)
    points = drawn(ax, 1)[0]
    np.testing.assert_allclose(points, walked(valley, START, descent, steps=3))
    assert ax.get_title() == "here   step 3"
    with Image.open(tmp_path / "paths.gif") as gif:
        assert gif.n_frames == 4
        assert gif.info["duration"] == 100
        frames = []
        for k in range(4):
            gif.seek(k)
            frames.append(np.array(gif.convert("L")))
    assert all((a != b).any() for a, b in pairwise(frames))


def test_a_long_animation_has_200_frames_from_the_first_to_the_last():
    moving = animate("valley", "sgd", start=START, steps=1000)
    steps = list(moving.new_frame_seq())
    moving._draw_was_started = True  # It complains of an animation that nobody looked at.
    assert (steps[0], steps[-1], len(steps)) == (0, 1000, 200)
    assert set(np.diff(steps)) == {5, 6}


BAD = [
    ({"surface": "hill"}, ValueError, "'valley', 'rosenbrock' or a `kce.plotting.Surface`"),
    ({"surface": lambda x, y: x}, TypeError, r"kce.plotting.Surface\(f, gradient\)"),
    ({"optimizers": {}}, ValueError, "at least one"),
    ({"optimizers": [3]}, TypeError, "this package's optimizers. Received: 3"),
    ({"optimizers": "keras"}, TypeError, r"Write `kce.optimizers.SGD\(\)`"),
    ({"start": (1, 2, 3)}, ValueError, r"Received: start=\(1, 2, 3\)"),
    ({"start": "here"}, ValueError, "start='here'"),
    ({"start": (np.nan, 0)}, ValueError, "two finite numbers"),
    ({"steps": -1}, ValueError, "steps"),
    ({"limits": (3, 1)}, ValueError, r"limits=\(3, 1\)"),
    ({"limits": ((0, 1), (0, np.inf))}, ValueError, "finite and ascending"),
    ({"lang": "fr"}, ValueError, "'en' or 'ko'. Received: lang='fr'"),
    ({"surface": Surface(lambda x, y: x[:1], lambda x, y: (1, 0))}, ValueError, "shape"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
@pytest.mark.parametrize("plot", [trajectories, animate])
def test_bad_arguments_are_refused(plot, change, error, message):
    import keras

    options = {"surface": "valley", "optimizers": "sgd", "start": START, "steps": 2} | change
    if options["optimizers"] == "keras":
        options["optimizers"] = {"SGD": keras.optimizers.SGD(0.1)}
    with pytest.raises(error, match=message):
        plot(options.pop("surface"), options.pop("optimizers"), **options)


@pytest.mark.parametrize("fps", [0, -1, "20", np.inf, True])
def test_frames_per_second_are_positive(fps):
    with pytest.raises(ValueError, match="`fps` of animate must be a number > 0"):
        animate("valley", "sgd", start=START, fps=fps)
