"""Public names that need TensorFlow, in packages that can be imported without it.

The `__init__.py` of such a package imports the names that need only NumPy, and then:

    if TENSORFLOW_INSTALLED:
        from keras_course_ext.optimizers.adam import Adam
    else:
        raise_on_use(__name__)

Where TensorFlow is installed everything is imported at once, because importing a class registers
it with Keras, and a type checker sees the names.
"""

import sys
from typing import NoReturn

from keras_course_ext._backend import missing_library

TENSORFLOW_INSTALLED: bool = missing_library() is None
"""Whether TensorFlow and Keras are installed."""


def raise_on_use(module: str) -> None:
    """Makes the missing names of a module's `__all__` raise an ImportError when they are used.

    Args:
        module: The `__name__` of the module.
    """
    namespace = vars(sys.modules[module])

    def missing_name(name: str) -> NoReturn:
        message = missing_library()
        # `from package import submodule` reads the attribute first, and imports the submodule only
        # after an AttributeError.
        if name in namespace.get("__all__", ()) and message is not None:
            raise ImportError(message)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    # PEP 562: Python calls a module's `__getattr__` for the names that it does not have.
    namespace["__getattr__"] = missing_name
