"""Callbacks for `fit`."""

from keras_course_ext.callbacks.averaged_weights import AveragedWeights
from keras_course_ext.callbacks.gradient_monitor import GradientMonitor

__all__ = ["AveragedWeights", "GradientMonitor"]
