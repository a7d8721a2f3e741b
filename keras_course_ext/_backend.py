"""The checks that Keras 3 runs on TensorFlow, made before anything else is imported."""

import importlib.util
import os
import sys
from itertools import pairwise
from pathlib import Path


def is_command_line() -> bool:
    """Says whether this process is the command `keras-course-ext`.

    The command reads records, for which NumPy is enough: without TensorFlow, whose import takes
    seconds, it answers in half a second.
    """
    program = sys.argv[0] if sys.argv else ""
    # While Python looks for the module that `-m` names, `sys.argv[0]` is "-m".
    as_module = program == "-m" and ("-m", "keras_course_ext") in pairwise(sys.orig_argv)
    return as_module or Path(program).stem == "keras-course-ext"


def missing_library() -> str | None:
    """Says which library the package needs and does not find.

    Returns:
        The message of the `ImportError` that a name which needs TensorFlow raises, with what to
        install; `None` if TensorFlow and Keras are installed.
    """
    if is_command_line():
        return "keras_course_ext does not load TensorFlow in the command `keras-course-ext`."
    if importlib.util.find_spec("tensorflow") is None:
        return (
            "keras_course_ext needs TensorFlow, and it is not installed. Write "
            '`pip install "keras-course-ext[cpu]"` for a machine without a GPU or '
            '`pip install "keras-course-ext[tensorflow]"` for one with a GPU; not both, they '
            "overwrite each other."
        )
    if importlib.util.find_spec("keras") is None:
        return (
            "keras_course_ext needs Keras 3, and it is not installed. Write "
            '`pip install "keras>=3.12"`.'
        )
    return None


def refuse_other_backends() -> None:
    """Raises an error if the installed Keras is not Keras 3 on the TensorFlow backend.

    Raises:
        ImportError: If Keras runs on another backend, or if `TF_USE_LEGACY_KERAS` replaces it by
            Keras 2. The message says what to set.
    """
    if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true"):
        raise ImportError(
            "keras_course_ext extends Keras 3, but the environment variable "
            f"TF_USE_LEGACY_KERAS={os.environ['TF_USE_LEGACY_KERAS']} replaces it by Keras 2. "
            "Remove the variable: `unset TF_USE_LEGACY_KERAS`."
        )
    if missing_library():
        return
    # Before `import keras`, which raises another error if the library of the other backend
    # is not installed.
    _refuse_backend(os.environ.get("KERAS_BACKEND") or "tensorflow")
    import keras

    _refuse_backend(keras.config.backend())


def _refuse_backend(backend: str) -> None:
    if backend != "tensorflow":
        raise ImportError(
            "keras_course_ext needs Keras on the TensorFlow backend, but the backend is "
            f"'{backend}'. Set `KERAS_BACKEND=tensorflow` in the environment (or "
            '`"backend": "tensorflow"` in ~/.keras/keras.json) before keras is first imported.'
        )
