"""Plots; they need the extra `plot` (matplotlib), and nothing else in the package needs them."""

from keras_course_ext.plotting.activations import activations
from keras_course_ext.plotting.depth import depth
from keras_course_ext.plotting.gradients import gradients
from keras_course_ext.plotting.lines import lines
from keras_course_ext.plotting.network import network
from keras_course_ext.plotting.update_ratios import update_ratios

__all__ = ["activations", "depth", "gradients", "lines", "network", "update_ratios"]
