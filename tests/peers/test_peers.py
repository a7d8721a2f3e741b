"""Keras's own tests, which its wheel contains, with the classes of this package.

Each passes, or is in `expected.toml` with the reason why it is to fail. What Keras fails by itself
does not count: a failure that is not expected is run again with Keras's classes.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import keras
import pytest

HERE = Path(__file__).parent
TABLE = tomllib.loads((HERE / "expected.toml").read_text("utf-8"))
EXPECTED = {test: group["reason"] for group in TABLE["expected"] for test in group["tests"]}
CANARY_ONLY = [glob for group in TABLE["canary_only"] for glob in group["tests"]]

# Options -> the tests, as globs below `keras/src`.
RUNS = {
    ("--ours",): [
        "optimizers/**/*_test.py",
        "layers/core/dense_test.py",
        "layers/activations/*_test.py",
        "layers/convolutional/conv_test.py",
        "activations/*_test.py",
        "losses/*_test.py",
        "models/*_test.py",
        "backend/tensorflow/*_test.py",
    ],
    ("--ours", "--monitored"): ["trainers/*_test.py", "callbacks/*_test.py"],
}
NOT_INSTALLED = re.compile(r"No module named '(jax|torch|grain|orbax)\b")

Outcomes = dict[str, dict[str, str]]


def version(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)[:3]))


def run(folder: Path, tests: Iterable[str], options: Iterable[str]) -> Outcomes:
    """Run tests in a folder that holds copies of their files, and return what became of each."""
    report = folder / "outcomes.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--import-mode=importlib", f"--outcomes={report}", *options]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, *tests], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(report.read_text("utf-8"))


def copied(globs: Iterable[str], folder: Path) -> list[str]:
    """Copy test files out of the wheel, beside the plugin as their conftest.py."""
    source = Path(keras.__file__).parent / "src"
    files = sorted({path.relative_to(source) for glob in globs for path in source.glob(glob)})
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / file, folder / file)
    shutil.copy(HERE / "peers_plugin.py", folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\n")
    return [str(file) for file in files]


def deselected(test: str, globs: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(test, glob) for glob in globs)


@pytest.mark.slow
@pytest.mark.canary
@pytest.mark.parametrize("options", RUNS, ids=" ".join)
def test_the_tests_of_keras_pass_with_our_classes(options, request, tmp_path):
    left_out = [] if "canary" in request.config.getoption("markexpr") else CANARY_ONLY
    files = copied(RUNS[options], tmp_path)
    if not files and version(keras.__version__) < version(TABLE["keras"]):
        pytest.skip(f"the wheel of Keras {keras.__version__} has no tests")
    assert files, "the wheel of Keras has no tests any more"
    outcomes = run(tmp_path, files, [*options, *(f"--leave-out={glob}" for glob in left_out)])
    failed = {t for t, o in outcomes.items() if o["outcome"] == "failed"}
    missing = {t for t in failed if NOT_INSTALLED.search(outcomes[t]["text"])}
    unexpected = failed - missing - EXPECTED.keys()
    if unexpected:
        with_keras = run(tmp_path, sorted(unexpected), [])
        unexpected = {t for t in unexpected if with_keras[t]["outcome"] != "failed"}
    texts = [f"{test}\n{outcomes[test]['text'][-1500:]}" for test in sorted(unexpected)]
    assert not texts, "fail with our classes and are not in expected.toml:\n" + "\n".join(texts)
    here = {t for t in EXPECTED if t.partition("::")[0] in files and not deselected(t, left_out)}
    stale = sorted(here - failed)
    if version(keras.__version__) >= version(TABLE["keras"]):
        assert not stale, f"pass or are gone, remove them from expected.toml: {stale}"
    by_suite = Counter((t.split("/")[0], o["outcome"]) for t, o in outcomes.items())
    print(options, dict(by_suite), f"{len(here & failed)} expected, {len(missing)} cannot run")
    assert sum(o["outcome"] == "passed" for o in outcomes.values()) > 100


def test_every_expected_difference_has_one_reason():
    tests = [test for group in TABLE["expected"] for test in group["tests"]]
    assert len(tests) == len(set(tests))
    assert all(len(group["reason"]) > 20 for group in TABLE["expected"] + TABLE["canary_only"])
