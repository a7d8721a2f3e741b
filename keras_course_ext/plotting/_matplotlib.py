"""The only module that imports `matplotlib.pyplot`."""

from types import ModuleType


def pyplot() -> ModuleType:
    """Return `matplotlib.pyplot`.

    Raises:
        ImportError: If matplotlib is not installed; the message says how to install it.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Plotting needs matplotlib, which is not installed. Write "
            '`pip install "keras-course-ext[plot]"` or `pip install matplotlib`.'
        ) from error
    return plt
