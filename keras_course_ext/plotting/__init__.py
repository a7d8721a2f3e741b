"""Plots; they need the extra `plot` (matplotlib), and nothing else in the package needs them."""

from keras_course_ext.plotting.gradients import gradients
from keras_course_ext.plotting.network import network

__all__ = ["gradients", "network"]
