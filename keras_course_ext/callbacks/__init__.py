"""Callbacks for `fit`."""

from keras_course_ext.callbacks.gradient_monitor import GradientMonitor

__all__ = ["GradientMonitor"]
