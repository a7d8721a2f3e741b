"""What several tests need and takes long is made once for a run, whichever process is first."""

import json
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 1500  # seconds that a process waits for what another one makes


class Once:
    """Calls functions at most once for all the processes of a test run."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, make: Callable[[Path], Any]) -> tuple[Path, Any]:
        """Return the folder that `make` was called with, and what it returned.

        Args:
            make: Gets an empty folder, returns what can be written as JSON.
        """
        folder = self.root / f"{make.__module__}.{make.__name__}"
        report = folder.with_name(f"{folder.name}.json")
        try:
            folder.mkdir()
        except FileExistsError:
            end = time.monotonic() + PATIENCE
            while not report.exists() and time.monotonic() < end:
                time.sleep(0.2)
        else:
            try:
                made = {"returned": make(folder)}
            except Exception:
                made = {"raised": traceback.format_exc()}
            unfinished = report.with_suffix(".part")
            unfinished.write_text(json.dumps(made), "utf-8")
            unfinished.rename(report)
        made = json.loads(report.read_text("utf-8"))
        if "raised" in made:
            pytest.fail(made["raised"], pytrace=False)
        return folder, made["returned"]


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Once:
    """Make something once for all the processes of a run: `folder, result = once(make)`."""
    root = tmp_path_factory.getbasetemp()
    return Once(root.parent if "PYTEST_XDIST_WORKER" in os.environ else root)
