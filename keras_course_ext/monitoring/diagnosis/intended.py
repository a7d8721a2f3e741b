"""What an output is for, as its targets and its loss show: classes, several labels or numbers."""

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.remedy import Remedy
from keras_course_ext.monitoring.record.task import OutputInfo, TargetInfo

CROSSENTROPIES = (
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
)
ELEMENTWISE = (
    "mean_squared_error",
    "root_mean_squared_error",
    "half_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
)
"""Losses that compare each element of the output with one of the targets."""

HINGES = ("hinge", "squared_hinge")

_MOST_CLASSES = 50


def is_classes(output: OutputInfo, measures_accuracy: bool) -> bool:
    """Say whether the targets are meant as classes.

    Whole numbers from 0 on without a gap may be counts as well: a crossentropy or an accuracy says
    that they are classes.
    """
    targets = output.targets
    if targets is None or not 2 <= targets.classes <= _MOST_CLASSES:
        return False
    fits = targets.classes in (2, output.units)
    return targets.one_hot or fits or measures_accuracy or output.loss in CROSSENTROPIES


def is_labels(targets: TargetInfo) -> bool:
    """Say whether the targets are several columns of 0 and 1 that are not one-hot."""
    return (
        targets.columns > 1
        and not targets.one_hot
        and targets.integers
        and targets.smallest == 0
        and targets.largest == 1
    )


def right_output(output: OutputInfo, measures_accuracy: bool) -> Remedy:
    """Return the output layer and the loss that fit the targets."""
    targets = output.targets
    layer = output.layers[0] if output.layers else output.layer
    if targets is None:
        return remedy.output(layer, "sigmoid", "binary_crossentropy", 1)
    if is_classes(output, measures_accuracy):
        if targets.one_hot:
            return remedy.output(layer, "softmax", "categorical_crossentropy", targets.columns)
        if targets.classes == 2 and targets.smallest == 0:
            return remedy.output(layer, "sigmoid", "binary_crossentropy", 1)
        return remedy.output(layer, "softmax", "sparse_categorical_crossentropy", targets.classes)
    if targets.values == (-1.0, 1.0):
        loss = output.loss if output.loss in HINGES else "mean_squared_error"
        return remedy.output(layer, "tanh", str(loss), 1)
    if is_labels(targets):
        return remedy.output(layer, "sigmoid", "binary_crossentropy", targets.columns)
    keeps = output.loss in ELEMENTWISE and output.loss != "root_mean_squared_error"
    loss = str(output.loss) if keeps else "mean_squared_error"
    return remedy.output(layer, "linear", loss, targets.columns)
