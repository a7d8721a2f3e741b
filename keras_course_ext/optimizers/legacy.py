"""`keras.optimizers.legacy` of Keras 2, by name: the optimizers of this package.

    kce.optimizers.legacy.Adam(learning_rate=0.01)

is `kce.optimizers.Adam`, after a DeprecationWarning.
"""

import sys
import warnings
from typing import Any

_PACKAGE = sys.modules[__name__.rpartition(".")[0]]

_NAMES = ("Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "RMSprop", "SGD")
"""The names that the module has in Keras 2."""


def __getattr__(name: str) -> Any:
    # PEP 562: Python calls a module's `__getattr__` for the names that it does not have.
    modern = getattr(_PACKAGE, name, None) if name in _NAMES else None
    if modern is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"`optimizers.legacy.{name}` is the name in Keras 2 of what is now `optimizers.{name}`. "
        f"Write `kce.optimizers.{name}`.",
        DeprecationWarning,
        stacklevel=2,
    )
    return modern


def __dir__() -> list[str]:
    return [name for name in _NAMES if hasattr(_PACKAGE, name)]
