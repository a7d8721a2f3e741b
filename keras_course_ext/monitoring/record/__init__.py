"""The record of a training run: what was measured, at which step, and its files. NumPy only."""

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Histogram, Key, LayerInfo

__all__ = ["GradientHistory", "Histogram", "Key", "LayerInfo"]
