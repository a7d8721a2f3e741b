"""Readable optimizers, hand-written gradients and a gradient monitor for Keras 3.

Importing the package registers its classes with Keras under the package name
`keras_course_ext`, so that saved models find them.
"""

from keras_course_ext import _backend

_backend.require_tensorflow_backend()

from keras_course_ext import (  # noqa: E402
    activations,
    backprop,
    callbacks,
    layers,
    losses,
    monitoring,
    ops,
    optimizers,
    plotting,
)
from keras_course_ext._version import __version__  # noqa: E402
from keras_course_ext.gradient_check import (  # noqa: E402
    GradcheckError,
    GradientReport,
    gradcheck,
)

__all__ = [
    "GradcheckError",
    "GradientReport",
    "__version__",
    "activations",
    "backprop",
    "callbacks",
    "gradcheck",
    "layers",
    "losses",
    "monitoring",
    "ops",
    "optimizers",
    "plotting",
]
