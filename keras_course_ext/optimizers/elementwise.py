"""The former place of `keras_course_ext.optimizers.rules.elementwise`."""

from keras_course_ext.optimizers.rules.elementwise import *  # noqa: F403
