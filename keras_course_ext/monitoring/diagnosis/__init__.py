"""From the record to findings in words. NumPy only."""

from keras_course_ext.monitoring.diagnosis.diagnose import RULES, diagnose
from keras_course_ext.monitoring.diagnosis.finding import Finding

__all__ = ["RULES", "Finding", "diagnose"]
