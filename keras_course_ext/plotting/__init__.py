"""Plots; they need the extra `plot` (matplotlib), and nothing else in the package needs them."""

from keras_course_ext.plotting.gradients import gradients

__all__ = ["gradients"]
