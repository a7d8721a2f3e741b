"""The conftest.py of Keras's own tests, which puts the package into Keras's place.

    python -m pytest --outcomes=FILE [--ours] [--monitored] [--leave-out=GLOB] FOLDER

`--ours` replaces every public class and activation function of Keras that this package has under
the same name. `--monitored` adds a `GradientMonitor` to every `fit`.
"""

import importlib.util
import json
import sys
import types
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

NOT_REPLACED = {"get", "serialize", "deserialize"}
"""The functions from names to objects: Keras's find its own classes, which are replaced."""


def skip_if_backend(backend: str, reason: str) -> pytest.MarkDecorator:
    """Skip a test on a backend; tests of Keras import it from `conftest`."""
    return pytest.mark.skipif(backend == "tensorflow", reason=reason)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ours", action="store_true")
    parser.addoption("--monitored", action="store_true")
    parser.addoption("--leave-out", action="append", default=[])
    parser.addoption("--outcomes", type=Path)


def pytest_configure(config: pytest.Config) -> None:
    for marker in ("requires_trainable_backend", "multi_device"):
        config.addinivalue_line("markers", f"{marker}: a marker of Keras")
    config.stash[OUTCOMES] = {}
    if config.getoption("--ours"):
        replace(counterparts())
    if config.getoption("--monitored"):
        monitor_every_fit()
    # The file of the trainer's tests imports jax, and a few of its tests use it.
    if importlib.util.find_spec("jax") is None:
        import keras  # noqa: F401, which looks for jax itself

        sys.modules["jax"] = types.ModuleType("jax")


OUTCOMES = pytest.StashKey[dict[str, dict[str, str]]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    globs = config.getoption("--leave-out")
    items[:] = [i for i in items if not any(fnmatchcase(i.nodeid, glob) for glob in globs)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Any:
    report = yield
    outcomes = item.config.stash[OUTCOMES]
    if report.outcome != "passed" or report.when == "call":
        # A failure in the set-up or afterwards counts as a failure of the test.
        if outcomes.get(item.nodeid, {}).get("outcome") != "failed":
            outcomes[item.nodeid] = {"outcome": report.outcome, "text": ""}
        if report.outcome == "failed":
            outcomes[item.nodeid]["text"] += report.longreprtext
    return report


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        FAILED_TO_COLLECT[report.nodeid] = {"outcome": "failed", "text": report.longreprtext}


FAILED_TO_COLLECT: dict[str, dict[str, str]] = {}


def pytest_sessionfinish(session: pytest.Session) -> None:
    outcomes = FAILED_TO_COLLECT | session.config.stash[OUTCOMES]
    session.config.getoption("--outcomes").write_text(json.dumps(outcomes), "utf-8")


def counterparts() -> list[tuple[Any, Any]]:
    """List pairs of a class or function of Keras and the one here that has its name."""
    import keras

    import keras_course_ext as kce

    pairs = []
    for part in ("optimizers", "layers", "activations", "losses"):
        theirs, ours = getattr(keras, part), getattr(kce, part)
        pairs += [
            (getattr(theirs, name), getattr(ours, name))
            for name in ours.__all__
            if name not in NOT_REPLACED and hasattr(theirs, name)
        ]
    return pairs


def replace(pairs: list[tuple[Any, Any]]) -> None:
    """Replace objects in the modules of Keras, and in the tables that map names to them."""
    new = {id(theirs): ours for theirs, ours in pairs}
    for module in [m for name, m in sys.modules.items() if name.split(".")[0] == "keras"]:
        for name, value in list(vars(module).items()):
            if id(value) in new:
                setattr(module, name, new[id(value)])
            elif isinstance(value, dict) and not name.startswith("__"):
                value.update({k: new[id(v)] for k, v in value.items() if id(v) in new})
            elif isinstance(value, set):
                for old in [v for v in value if id(v) in new]:
                    value.remove(old)
                    value.add(new[id(old)])


def monitor_every_fit() -> None:
    """Add a `GradientMonitor` to the callbacks of every `fit`, and ask it for its report."""
    import keras
    from keras.src.backend.tensorflow.trainer import TensorFlowTrainer

    import keras_course_ext as kce

    def monitored(fit: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(fit)
        def monitored_fit(model: Any, *args: Any, callbacks: Any = None, **kwargs: Any) -> Any:
            nothing_to_train = model.built and not model.trainable_weights
            if isinstance(callbacks, keras.callbacks.CallbackList) or nothing_to_train:
                return fit(model, *args, callbacks=callbacks, **kwargs)
            given = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
            monitor = kce.callbacks.GradientMonitor()
            callbacks = [*(c for c in given if c is not None), monitor]
            history = fit(model, *args, callbacks=callbacks, **kwargs)
            str(monitor.report())
            return history

        return monitored_fit

    TensorFlowTrainer.fit = monitored(TensorFlowTrainer.fit)
