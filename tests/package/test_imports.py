"""What may import what, and what an import refuses."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_course_ext as kce

PACKAGE = Path(kce.__file__).parent

# Folder or file -> what it must not import: arrows of the architecture never point back.
FORBIDDEN = {
    "ops": {
        "backprop",
        "layers",
        "losses",
        "activations",
        "optimizers",
        "monitoring",
        "callbacks",
        "plotting",
    },
    "backprop": {"optimizers", "monitoring", "callbacks"},
    "layers": {"optimizers", "backprop", "monitoring", "callbacks", "plotting"},
    "losses": {"backprop", "optimizers", "monitoring", "callbacks", "plotting"},
    "optimizers": {"backprop", "ops", "layers", "losses", "monitoring", "callbacks", "plotting"},
    "monitoring": {"backprop", "ops", "layers", "losses", "optimizers", "callbacks", "plotting"},
    "callbacks": {"backprop", "ops", "layers", "losses", "optimizers"},
    # It reads the attributes of a history or of a trace, whatever made them, runs the rules of
    # optimizers and takes activations by their names.
    "plotting": {"callbacks", "layers", "losses", "ops", "backprop"},
    # It has to judge all the others, so it uses none of them.
    "gradient_check": {
        *("ops", "activations", "layers", "losses", "backprop"),
        *("optimizers", "monitoring", "callbacks", "plotting"),
    },
}
# After the tap a recorded array is all there is: no model, no TensorFlow.
NUMPY_ONLY = ["history", "finding", "diagnosis", "rules", "report", "storage", "json_lines"]
LIBRARIES = {"keras", "tensorflow"}


def imported(path):
    """The names that a file imports, `keras_course_ext.` cut off."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("keras_course_ext.") for name in names)


def files(part):
    path = PACKAGE / part
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


@pytest.mark.parametrize("part", FORBIDDEN)
def test_arrows_never_point_back(part):
    for path in files(part):
        tops = {name.split(".")[0] for name in imported(path)}
        assert not tops & FORBIDDEN[part], path


@pytest.mark.parametrize("part", NUMPY_ONLY)
def test_behind_the_tap_there_is_only_numpy(part):
    for path in files(f"monitoring/{part}"):
        assert not {name.split(".")[0] for name in imported(path)} & LIBRARIES, path


def test_matplotlib_is_asked_for_in_one_place():
    asking = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if any(name.startswith("matplotlib.pyplot") for name in imported(path))
    }
    assert asking == {"_matplotlib.py"}


def test_jinja2_is_asked_for_in_one_place():
    asking = {path.name for path in PACKAGE.rglob("*.py") if "jinja2" in set(imported(path))}
    assert asking == {"html.py"}


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )


BLOCK = "import sys; sys.modules.update(dict.fromkeys({}))\n"

OTHER_BACKEND_IN_PROCESS = """
import keras
keras.config.backend = lambda: "jax"
import keras_course_ext
"""


@pytest.mark.parametrize(
    ("code", "environment", "advice"),
    [
        ("import keras_course_ext", {"KERAS_BACKEND": "jax"}, "KERAS_BACKEND=tensorflow"),
        (OTHER_BACKEND_IN_PROCESS, {}, "KERAS_BACKEND=tensorflow"),
        ("import keras_course_ext", {"TF_USE_LEGACY_KERAS": "1"}, "unset TF_USE_LEGACY_KERAS"),
    ],
    ids=["another backend", "another backend in keras.json", "legacy Keras"],
)
def test_a_wrong_environment_is_refused_with_advice(code, environment, advice):
    result = run(code, **environment)
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: keras_course_ext")
    assert advice in last


USES = [
    "kce.activations.relu",
    "kce.backprop.trace",
    "kce.callbacks.GradientMonitor",
    "kce.gradcheck",
    "kce.layers.Dense",
    "kce.losses.Huber",
    "kce.ops.relu",
    "kce.optimizers.Adam",
    "kce.plotting.gradients",
    "from keras_course_ext import callbacks",
    "from keras_course_ext.backprop import trace",
    "from keras_course_ext.gradient_check import gradcheck",
    "from keras_course_ext.layers import Dense",
    "from keras_course_ext.losses import get",
    "from keras_course_ext.ops import affine",
    "from keras_course_ext.optimizers import get",
    "from keras_course_ext.plotting import network",
]


@pytest.mark.parametrize(
    ("blocked", "advice"),
    [
        (["tensorflow"], 'pip install "keras-course-ext[cpu]"'),
        (["tensorflow", "keras"], 'pip install "keras-course-ext[cpu]"'),
        (["keras"], 'pip install "keras>=3.12"'),
    ],
    ids=" and ".join,
)
def test_a_name_that_needs_a_missing_library_says_so_when_it_is_used(blocked, advice):
    tries = [f"try:\n    {use}\nexcept ImportError as error:\n    print(error)" for use in USES]
    result = run("\n".join([BLOCK.format(blocked), "import keras_course_ext as kce", *tries]))
    assert not result.stderr
    messages = result.stdout.strip().splitlines()
    assert len(messages) == len(USES)
    for message in messages:
        assert message.startswith("keras_course_ext needs ")
        assert advice in message


def test_a_name_that_does_not_exist_is_no_missing_library():
    result = run(f"{BLOCK.format(['tensorflow'])}import keras_course_ext as k; k.optimizer")
    assert "AttributeError: module 'keras_course_ext' has no attribute" in result.stderr


def test_everything_is_registered_under_the_package_name():
    import keras

    for module in (kce.layers, kce.losses, kce.optimizers, kce.callbacks):
        for name in module.__all__:
            member = getattr(module, name)
            if isinstance(member, type) and name != "RuleOptimizer":
                registered = keras.saving.get_registered_name(member)
                assert registered == f"keras_course_ext>{name}", name
