"""Readable optimizers, hand-written gradients and a gradient monitor for Keras 3.

Importing the package registers its classes with Keras under the package name
`keras_course_ext`, so that saved models find them. Where TensorFlow is not installed the names
that need it raise an ImportError when they are used; the rules of the optimizers, `trajectory`
and what works on recorded gradients need NumPy only.
"""

from keras_course_ext import _backend

_backend.refuse_other_backends()

from keras_course_ext import (  # noqa: E402
    backprop,
    callbacks,
    layers,
    losses,
    monitoring,
    ops,
    optimizers,
    plotting,
)
from keras_course_ext._language import get_language, set_language  # noqa: E402
from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use  # noqa: E402
from keras_course_ext._version import __version__  # noqa: E402

if TENSORFLOW_INSTALLED:
    from keras_course_ext import activations
    from keras_course_ext.callbacks.trial import diagnose
    from keras_course_ext.gradient_check import GradcheckError, GradientReport, gradcheck
    from keras_course_ext.sharpness import SAM
else:
    raise_on_use(__name__)

__all__ = [
    "SAM",
    "GradcheckError",
    "GradientReport",
    "__version__",
    "activations",
    "backprop",
    "callbacks",
    "diagnose",
    "get_language",
    "gradcheck",
    "layers",
    "losses",
    "monitoring",
    "ops",
    "optimizers",
    "plotting",
    "set_language",
]
