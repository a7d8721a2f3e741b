"""Back-propagation step by step: every Z, A, δ and gradient of one batch through a model."""

from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use

if TENSORFLOW_INSTALLED:
    from keras_course_ext.backprop.check_report import CheckReport, TraceError
    from keras_course_ext.backprop.record import LayerTrace, WeightTrace
    from keras_course_ext.backprop.trace import Trace, trace
else:
    raise_on_use(__name__)

__all__ = ["CheckReport", "LayerTrace", "Trace", "TraceError", "WeightTrace", "trace"]
