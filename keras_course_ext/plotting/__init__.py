"""Plots; they need the extra `plot` (matplotlib), and nothing else in the package needs them."""

from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use

if TENSORFLOW_INSTALLED:
    from keras_course_ext.plotting.activation import activation
    from keras_course_ext.plotting.activations import activations
    from keras_course_ext.plotting.animate import animate
    from keras_course_ext.plotting.decision_boundary import decision_boundary
    from keras_course_ext.plotting.depth import depth
    from keras_course_ext.plotting.gradients import gradients
    from keras_course_ext.plotting.hidden_space import hidden_space
    from keras_course_ext.plotting.lines import lines
    from keras_course_ext.plotting.network import network
    from keras_course_ext.plotting.surfaces import Surface
    from keras_course_ext.plotting.trajectories import trajectories
    from keras_course_ext.plotting.update_ratios import update_ratios
else:
    raise_on_use(__name__)

__all__ = [
    "Surface",
    "activation",
    "activations",
    "animate",
    "decision_boundary",
    "depth",
    "gradients",
    "hidden_space",
    "lines",
    "network",
    "trajectories",
    "update_ratios",
]
