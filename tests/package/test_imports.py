"""What may import what, and what an import refuses."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_course_ext as kce

PACKAGE = Path(kce.__file__).parent

# Part of the package -> the parts that it may reach, also through others. Files of the package's
# root whose names begin with an underscore are below all parts, and reach none.
BELOW = {
    "ops": set(),
    "gradient_check": set(),
    "optimizers": set(),
    "sharpness": set(),
    # Saturation reads f' from the one table of derivatives.
    "monitoring": {"ops"},
    "activations": {"ops"},
    "losses": {"ops"},
    "layers": {"ops", "activations"},
    "plotting": {"ops", "activations", "optimizers", "monitoring"},
    # It draws its traces.
    "backprop": {"ops", "activations", "layers", "plotting", "optimizers", "monitoring"},
    # It draws the gradients at the end of `fit`.
    "callbacks": {"monitoring", "plotting", "ops", "activations", "optimizers"},
    # It draws the records that it reads.
    "command_line": {"monitoring", "plotting", "ops", "activations", "optimizers"},
}

# Part -> its floors, from the lowest. A floor reaches itself and the floors below it. "*" is the
# floor of all files that are not named.
FLOORS = {
    "optimizers": [
        ["rules", "slots", "time_based_decay"],
        ["arguments"],
        ["engine"],
        ["*"],
        ["wrappers", "lookup", "trajectory"],
    ],
    "monitoring": [["record"], ["diagnosis", "sinks"], ["page", "transport"], ["capture"], ["*"]],
}

# Importable and usable where neither Keras nor TensorFlow is installed.
NUMPY_ONLY = [
    *("_nearest", "_lazy", "_language", "_html", "command_line"),
    *(f"optimizers.{name}" for name in ("rules", "slots", "arguments.checks", "arguments.common")),
    *("monitoring.record", "monitoring.diagnosis", "monitoring.page"),
    *(f"monitoring.sinks.{name}" for name in ("sink", "file_sink", "csv_sink", "jsonl_sink")),
    *(f"monitoring.sinks.{name}" for name in ("fan_out", "resolve")),
]
LIBRARIES = {"keras", "tensorflow"}


def imported(path):
    """The names that a file imports, `keras_course_ext.` cut off."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {name.removeprefix("keras_course_ext.") for name in names_in(tree)}


def names_in(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from names


def module_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def arrows(modules, package="keras_course_ext"):
    """Module -> the modules that its file imports: in functions and for type checkers, too."""
    names = {f"{package}.{module}".rstrip("."): module for module in modules}
    graph = {}
    for module, path in modules.items():
        found = names_in(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        # A module is imported, or a name of one.
        targets = {names.get(name, names.get(name.rpartition(".")[0])) for name in found}
        graph[module] = targets - {module, None}
    return graph


def reached(graph):
    """Module -> all modules that it reaches over its arrows."""
    found = {}
    for module, arrows_of_it in graph.items():
        seen, waiting = set(), list(arrows_of_it)
        while waiting:
            target = waiting.pop()
            if target not in seen:
                seen.add(target)
                waiting += graph[target]
        found[module] = seen
    return found


REACHED = reached(arrows(MODULES))


def test_no_module_reaches_itself():
    circles = {module for module, targets in REACHED.items() if module in targets}
    assert circles == set()


def test_a_circle_is_found(tmp_path):
    texts = {"a": "import p.b", "b": "def f():\n    from p.c import d", "c": "from p import a"}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    modules = {path.stem: path for path in tmp_path.glob("*.py")}
    assert all(
        module in targets for module, targets in reached(arrows(modules, package="p")).items()
    )


def part_of(module):
    return module.partition(".")[0]


@pytest.mark.parametrize("part", BELOW)
def test_a_part_reaches_only_the_parts_below_it(part):
    for module in MODULES:
        if part_of(module) == part:
            parts = {part_of(target) for target in REACHED[module]} - {part}
            assert {p for p in parts if not p.startswith("_")} <= BELOW[part], module


def test_the_private_files_of_the_root_reach_no_part():
    for module, targets in REACHED.items():
        if module.startswith("_") and module != "__main__":
            assert all(target.startswith("_") for target in targets), module


def test_every_part_is_in_the_table():
    parts = {part_of(module) for module in MODULES}
    assert {part for part in parts if part and not part.startswith("_")} == BELOW.keys()


def floor_of(module, floors):
    name = module.split(".")[1]
    named = [i for i, floor in enumerate(floors) if name in floor]
    return named[0] if named else floors.index(["*"])


@pytest.mark.parametrize("part", FLOORS)
def test_a_floor_reaches_only_the_floors_below_it(part):
    floors = FLOORS[part]
    inside = [module for module in MODULES if module.startswith(f"{part}.")]
    for module in inside:
        higher = [
            t
            for t in REACHED[module]
            if t in inside and floor_of(t, floors) > floor_of(module, floors)
        ]
        assert not higher, module


@pytest.mark.parametrize("part", NUMPY_ONLY)
def test_no_file_of_these_parts_imports_keras_or_tensorflow_at_once(part):
    for module, path in MODULES.items():
        if module == part or module.startswith(f"{part}."):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert not {name.split(".")[0] for name in names_in(tree.body)} & LIBRARIES, module


def test_no_private_module_of_keras_or_tensorflow_is_imported():
    """Such an import would stop the whole package where the module has moved."""
    private = ("tensorflow.python", "keras.src")
    for path in MODULES.values():
        assert not [name for name in imported(path) if name.startswith(private)], path


def test_matplotlib_is_asked_for_in_one_place():
    asking = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if any(name.startswith("matplotlib.pyplot") for name in imported(path))
    }
    assert asking == {"_matplotlib.py"}


def test_jinja2_is_asked_for_in_one_place():
    asking = {path.name for path in PACKAGE.rglob("*.py") if "jinja2" in set(imported(path))}
    assert asking == {"_html.py"}


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


@pytest.mark.thin("another backend")
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
    "from keras_course_ext import activations",
    "from keras_course_ext.callbacks import GradientMonitor",
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


WITHOUT_BOTH = """
import sys
sys.modules.update(keras=None, tensorflow=None)
from functools import partial
import numpy as np
from keras_course_ext.optimizers import rules, trajectory

def valley(w):
    return w * np.array([0.1, 2.0])

path = trajectory(partial(rules.momentum_rule, mu=0.9), valley, [-7.0, 2.0], 3, 0.1)
print(path[-1].round(6).tolist())
adam = partial(rules.adam_rule, beta_1=0.9, beta_2=0.999, epsilon=0.0)
print(trajectory(adam, valley, [-7.0, 2.0], 1, [0.1])[-1].round(6).tolist())
rmsprop = partial(rules.rmsprop_momentum_rule, rho=0.9, mu=0.9, epsilon=1e-7)
print(trajectory(rmsprop, valley, np.float32([-7.0, 2.0]), 5, 0.1).dtype)
assert sys.modules["keras"] is sys.modules["tensorflow"] is None
"""


def test_rules_and_trajectory_run_without_keras_and_tensorflow():
    result = run(WITHOUT_BOTH)
    assert not result.stderr
    path, adam, dtype = result.stdout.splitlines()
    assert path == "[-6.610653, 0.124]"
    assert adam == "[-6.9, 1.9]"
    assert dtype == "float32"


RECORD_WITHOUT_BOTH = """
import sys, tempfile
sys.modules.update(keras=None, tensorflow=None)
import numpy as np
from rich.console import Console
from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo, diagnose
from keras_course_ext.monitoring.diagnosis.report import print_report

names = [f"h{i}" for i in range(6)]
keys = [Key(name, "output", "grad_norm") for name in names]
keys += [Key(name, "kernel", "grad_norm") for name in names]
history = GradientHistory([LayerInfo(name, activation="sigmoid") for name in names])
history.append([0, 1], [0, 0], keys, [[*10.0 ** np.arange(-5, 1), *[1.0] * 6]] * 2)
path = tempfile.mkdtemp() + "/record.jsonl"
history.save(path)
(finding,) = diagnose(GradientHistory.load(path))
print(finding.kind, finding.layer)
print_report(history, Console(file=open(path + ".txt", "w")))
assert sys.modules["keras"] is sys.modules["tensorflow"] is None
"""


def test_record_and_diagnosis_run_without_keras_and_tensorflow():
    result = run(RECORD_WITHOUT_BOTH)
    assert not result.stderr
    assert result.stdout == "vanishing h0\n"


def test_a_rule_needs_learning_rates():
    with pytest.raises(TypeError, match="needs the learning rates of a rule"):
        kce.optimizers.trajectory(lambda g, w, *, lr: (w - lr * g,), lambda w: w, [1.0], 2)


def test_a_name_that_does_not_exist_is_no_missing_library():
    result = run(f"{BLOCK.format(['tensorflow'])}import keras_course_ext as k; k.optimizer")
    assert "AttributeError: module 'keras_course_ext' has no attribute" in result.stderr


def test_everything_is_registered_under_the_package_name():
    import keras

    for module in (kce.layers, kce.losses, kce.optimizers, kce.callbacks):
        for name in module.__all__:
            member = getattr(module, name)
            if not isinstance(member, type) or issubclass(member, Exception):
                continue
            if name != "RuleOptimizer":
                registered = keras.saving.get_registered_name(member)
                assert registered == f"keras_course_ext>{name}", name
