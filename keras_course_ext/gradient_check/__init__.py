"""Checks a hand-written gradient: against central differences, and against autodiff of a twin."""

from keras_course_ext.gradient_check.check import gradcheck
from keras_course_ext.gradient_check.report import Comparison, GradcheckError, GradientReport

__all__ = ["Comparison", "GradcheckError", "GradientReport", "gradcheck"]
