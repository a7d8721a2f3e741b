"""What a `GradientMonitor` records, and what it makes of it.

The floors, from the training step to the report: `capture` (in the step), `transport` (from the
device to the host), `record`, `diagnosis`, `sinks`. The last three need NumPy only, but for
TensorBoard's sink.
"""

from keras_course_ext.monitoring import sinks
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.diagnosis.remedy import Remedy
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Fit, Histogram, Key, LayerInfo

__all__ = [
    "Finding",
    "Fit",
    "GradientHistory",
    "Histogram",
    "Key",
    "LayerInfo",
    "Remedy",
    "diagnose",
    "sinks",
]
