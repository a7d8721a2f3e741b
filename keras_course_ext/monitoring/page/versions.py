"""Versions of what made a page, found without importing it."""

import platform
from importlib.metadata import PackageNotFoundError, version

from keras_course_ext._version import __version__

_DISTRIBUTIONS = {
    "Keras": ("keras",),
    "TensorFlow": ("tensorflow", "tensorflow-cpu"),
    "NumPy": ("numpy",),
}


def versions() -> dict[str, str]:
    """Return the version of each library by its name; those that are not installed are left out."""
    found = {"keras_course_ext": __version__, "Python": platform.python_version()}
    for name, distributions in _DISTRIBUTIONS.items():
        for distribution in distributions:
            try:
                found.setdefault(name, version(distribution))
            except PackageNotFoundError:
                continue
    return found
