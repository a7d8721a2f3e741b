"""The arguments of optimizers, their types and checks; importing them needs NumPy only."""

from keras_course_ext.optimizers.arguments.checks import (
    Number,
    check_count,
    flag,
    optional,
    patterns,
)
from keras_course_ext.optimizers.arguments.common import (
    CommonArguments,
    CommonButWeightDecay,
    Default,
    LearningRate,
)

__all__ = [
    "CommonArguments",
    "CommonButWeightDecay",
    "Default",
    "LearningRate",
    "Number",
    "check_count",
    "flag",
    "optional",
    "patterns",
]
