"""Checks a hand-written gradient: against central differences, and against autodiff of a twin."""

from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use

if TENSORFLOW_INSTALLED:
    from keras_course_ext.gradient_check.check import gradcheck
    from keras_course_ext.gradient_check.report import Comparison, GradcheckError, GradientReport
else:
    raise_on_use(__name__)

__all__ = ["Comparison", "GradcheckError", "GradientReport", "gradcheck"]
