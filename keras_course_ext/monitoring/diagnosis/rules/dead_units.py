"""Dead units: most units of a ReLU layer are zero for every sample, and stay zero."""

import numpy as np

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import NOTE, WARNING, Finding
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.record.epochs import medians
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key

# A healthy ReLU unit is zero for half of the samples, each unit for other samples. In a deep layer,
# where all samples look alike, a unit is zero for all samples or for none, each with probability
# 1/2, and such networks still train. Beyond three quarters they usually do not.
MOST = 0.75
# In a run that has learned next to nothing half of a layer is the likely cause: one of two in XOR.
HALF, POOR = 0.5, 0.3
GOOD = 0.5


def find(history: GradientHistory) -> list[Finding]:
    """Find the ReLU layers most of whose units were zero for every recorded sample of an epoch.

        dead units / units > 3/4   in an epoch and in all that follow it

    or ≥ 1/2 in a run that is poor. Where the run does well it is a note: what is left is enough.
    The share of zeros does not show this: it is 1/2 in a healthy layer.
    """
    outcome = outcome_of(history)
    dead = []
    for info in history.layers:
        key = Key(info.name, "output", "dead_units")
        if info.units and info.is_trained and history.has(*key):
            found = medians(history, key)
            since = found.since(found.medians > MOST * info.units)
            if since is None and outcome.below(POOR):
                since = found.since(found.medians >= HALF * info.units)
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
        Finding(
            "dead_units",
            info.name,
            int(found.epochs[since]),
            step,
            evidence,
            _advice(born),
            names,
            severity=WARNING if outcome.below(GOOD, unknown=True) else NOTE,
            confidence=0.85,
            cause=_cause(born),
            remedies=_remedies(born, outcome),
        )
    ]


def _cause(born: bool | None) -> str:
    if born is None:
        return "ReLU is flat where its input is negative, and there the units stay."
    return "The weights or biases start there." if born else "A step too large threw them there."


def _remedies(born: bool | None, outcome: Outcome) -> tuple[remedy.Remedy, ...]:
    start = remedy.initialize("he_normal")
    leaky = remedy.Remedy("Use activation='leaky_relu'.", (("activation", "leaky_relu"),))
    if born is False:
        return (remedy.lower_rate(outcome.learning_rate), remedy.clip(), leaky)
    return (start, remedy.scale_inputs(), leaky)


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
