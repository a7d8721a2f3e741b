"""What a `GradientMonitor` records, and what it makes of it.

The floors, from the training step to the report: `capture` (in the step), `transport` (from the
device to the host), `record`, `diagnosis`, `sinks`, `page`. The last four need NumPy only, but
for TensorBoard's sink and the page, which needs jinja2.
"""

from keras_course_ext.monitoring import sinks
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.diagnosis.remedy import Remedy
from keras_course_ext.monitoring.page.page import summary_of, write_page
from keras_course_ext.monitoring.record.display import show_with
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Fit, Histogram, Key, LayerInfo

show_with(summary_of, write_page)

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
