"""Dead units: most units of a ReLU layer are zero for every sample, and stay zero."""

import numpy as np

from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.epochs import medians
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key

# A healthy ReLU unit is zero for half of the samples, each unit for other samples. In a deep layer,
# where all samples look alike, a unit is zero for all samples or for none, each with probability
# 1/2, and such networks still train. Beyond three quarters they usually do not.
MOST = 0.75


def find(history: GradientHistory) -> list[Finding]:
    """Find the ReLU layers most of whose units were zero for every recorded sample of an epoch.

        dead units / units > 3/4   in an epoch and in all that follow it

    The share of zeros does not show this: it is 1/2 in a healthy layer.
    """
    dead = []
    for info in history.layers:
        key = Key(info.name, "output", "dead_units")
        if info.units and history.has(*key):
            found = medians(history, key)
            since = found.since(found.medians > MOST * info.units)
            if since is not None:
                dead.append((info, found, since))
    if not dead:
        return []
    # With equal shares the first layer is named: the layers after it see only its biases.
    info, found, since = max(dead, key=lambda d: d[1].medians[-1] / d[0].units)
    count = int(found.medians[-1])
    evidence = (
        f"{count} of {info.units} units of '{info.name}' were 0 for every recorded sample of the "
        f"last epoch, so that no gradient passes through them."
    )
    step, born = _first_step(history, info.name, int(found.epochs[since]), count / info.units)
    names = tuple(d[0].name for d in dead)
    return [
        Finding("dead", info.name, int(found.epochs[since]), step, evidence, _advice(born), names)
    ]


def _first_step(
    history: GradientHistory, layer: str, epoch: int, share: float
) -> tuple[int, bool | None]:
    """Return the first recorded step of an epoch, and whether they were dead at the first step.

    The number of dead units is recorded at the end of an epoch, the share of zeros at every step.
    """
    key = Key(layer, "output", "zero_share")
    if not history.has(*key):
        return int(history.series(layer, "output", "dead_units")[0][0]), None
    steps, epochs, zeros = history.series(*key)
    return int(steps[np.argmax(epochs == epoch)]), bool(zeros[0] >= share)


def _advice(born: bool | None) -> str:
    leaky = "or use a ReLU that is never flat (activation='leaky_relu')."
    start = (
        "Start with He initialization and biases of 0 (kernel_initializer='he_normal', "
        "bias_initializer='zeros') and with inputs of mean 0 and standard deviation 1"
    )
    lower = "lower the learning rate by a factor of ten"
    if born is None:
        return f"{start}, {lower}, {leaky}"
    if born:
        return f"They were so from the first step on. {start}, {leaky}"
    return f"A step threw them there: {lower}, clip with global_clipnorm=1.0, {leaky}"
