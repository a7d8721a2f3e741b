"""What a `GradientMonitor` records, and what it makes of it.

Everything here but the tap works on recorded arrays alone, without a model.
"""

from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use

if TENSORFLOW_INSTALLED:
    from keras_course_ext.monitoring import sinks
    from keras_course_ext.monitoring.diagnosis import diagnose
    from keras_course_ext.monitoring.finding import Finding
    from keras_course_ext.monitoring.history import GradientHistory, Histogram, Key, LayerInfo
else:
    raise_on_use(__name__)

__all__ = ["Finding", "GradientHistory", "Histogram", "Key", "LayerInfo", "diagnose", "sinks"]
