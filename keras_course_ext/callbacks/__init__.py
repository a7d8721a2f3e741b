"""Callbacks for `fit`."""

from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use

if TENSORFLOW_INSTALLED:
    from keras_course_ext.callbacks.averaged_weights import AveragedWeights
    from keras_course_ext.callbacks.gradient_monitor import GradientMonitor
    from keras_course_ext.callbacks.on_finding import FindingError
    from keras_course_ext.callbacks.stochastic_weight_averaging import SWA
else:
    raise_on_use(__name__)

__all__ = ["SWA", "AveragedWeights", "FindingError", "GradientMonitor"]
