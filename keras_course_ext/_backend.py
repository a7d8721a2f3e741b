"""The check that Keras 3 runs on TensorFlow, made before anything else is imported."""

import importlib.util
import os


def require_tensorflow_backend() -> None:
    """Refuse to go on unless `keras` is Keras 3 on the TensorFlow backend.

    Raises:
        ImportError: If TensorFlow is not installed, if Keras runs on another backend, or if
            `TF_USE_LEGACY_KERAS` puts Keras 2 in its place. The message says what to install
            or set.
    """
    if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true"):
        raise ImportError(
            "keras_course_ext extends Keras 3, but the environment variable "
            f"TF_USE_LEGACY_KERAS={os.environ['TF_USE_LEGACY_KERAS']} replaces it by Keras 2. "
            "Remove the variable: `unset TF_USE_LEGACY_KERAS`."
        )
    if importlib.util.find_spec("tensorflow") is None:
        raise ImportError(
            "keras_course_ext needs TensorFlow, and it is not installed. Write "
            '`pip install "keras-course-ext[cpu]"` for a machine without a GPU or '
            '`pip install "keras-course-ext[tensorflow]"` for one with a GPU; not both, they '
            "overwrite each other."
        )
    # Asked before `import keras`, which would fail in its own words where the other backend's
    # library is missing.
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
