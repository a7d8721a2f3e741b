"""The outcome of a run so far: how much better its loss is than that of a constant."""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.task import InputInfo, Observation, OutputInfo


def _no_numbers() -> np.ndarray:
    return np.empty(0, int)


@dataclass(frozen=True)
class Outcome:
    """How a run went.

    Attributes:
        inputs: The inputs, as they were seen last; () if they are unknown.
        outputs: The outputs likewise.
        losses: Loss of each epoch.
        epochs: Number of each of them.
        steps: First step of each.
        batches: Batches in each.
        constant: Smallest loss of a constant output, or None if it is unknown.
        progress: Share of the constant's loss that the run has got rid of, between −∞ and 1, by
            its loss or its accuracy, whichever says more; None if it is unknown.
        accuracy: Progress of the accuracy from that of the most frequent class to 1, or None.
        learning_rate: The learning rate, or None.
        optimizer: Class of the optimizer, or None.
        falling: Whether the loss is still going down at the end.
        measures_accuracy: Whether an accuracy is among the metrics: the targets are classes.
    """

    inputs: tuple[InputInfo, ...] = ()
    outputs: tuple[OutputInfo, ...] = ()
    losses: np.ndarray = field(default_factory=_no_numbers)
    epochs: np.ndarray = field(default_factory=_no_numbers)
    steps: np.ndarray = field(default_factory=_no_numbers)
    batches: np.ndarray = field(default_factory=_no_numbers)
    constant: float | None = None
    progress: float | None = None
    accuracy: float | None = None
    learning_rate: float | None = None
    optimizer: str | None = None
    falling: bool = False
    measures_accuracy: bool = False

    def below(self, limit: float, unknown: bool = False) -> bool:
        """Say whether the progress is below a limit.

        Args:
            limit: The limit.
            unknown: What to return if the progress is not known.
        """
        return unknown if self.progress is None else self.progress < limit

    @property
    def total_batches(self) -> int:
        """Number of batches that were trained."""
        return int(self.batches.sum())

    @property
    def at(self) -> tuple[int, int]:
        """Epoch and step of the last epoch."""
        return (int(self.epochs[-1]), int(self.steps[-1])) if len(self.epochs) else (0, 0)

    @property
    def began(self) -> tuple[int, int]:
        """Epoch and step of the first epoch."""
        return (int(self.epochs[0]), int(self.steps[0])) if len(self.epochs) else (0, 0)


# Most rules of a diagnosis need it, and it takes as long as the record has epochs.
_LAST: "WeakKeyDictionary[GradientHistory, tuple[Observation, int, Outcome]]"
_LAST = WeakKeyDictionary()


def outcome_of(history: GradientHistory) -> Outcome:
    """Return the outcome of a record."""
    seen = history.observations
    if not seen:
        return Outcome()
    last = _LAST.get(history)
    if last is None or last[0] is not seen[-1] or last[1] != len(seen):
        last = _LAST[history] = (seen[-1], len(seen), _outcome(seen))
    return last[2]


def _outcome(seen: list[Observation]) -> Outcome:
    ended = [o for o in seen if o.log("loss") is not None]
    looked = [o for o in seen if o.outputs or o.inputs]
    latest = looked[-1] if looked else seen[-1]
    losses = np.array([o.log("loss") for o in ended], float)
    constant = _constant(looked) if len(latest.outputs) == 1 else None
    accuracy = _accuracy_progress(ended, latest)
    progress = None
    if len(losses) and not ended[-1].penalized:
        # Of several outputs the best one counts: their losses have weights that are not known.
        names = ["loss"] if len(latest.outputs) == 1 else [f"{o.name}_loss" for o in latest.outputs]
        shares = [_progress(ended, looked, place, name) for place, name in enumerate(names)]
        known = [share for share in shares if share is not None]
        progress = max(known) if known and len(known) == len(shares) else None
    if accuracy is not None and (progress is None or accuracy > progress):
        progress = accuracy
    return Outcome(
        inputs=latest.inputs,
        outputs=latest.outputs,
        losses=losses,
        epochs=np.array([o.epoch for o in ended], int),
        steps=np.array([o.step for o in ended], int),
        batches=np.array([o.batches for o in ended], int),
        constant=constant,
        progress=None if progress is None else float(progress),
        accuracy=accuracy,
        learning_rate=seen[-1].learning_rate,
        optimizer=seen[-1].optimizer,
        falling=_is_falling(losses),
        measures_accuracy=any(_accuracy(o) is not None for o in ended),
    )


def _constant(looked: list[Observation], place: int = 0) -> float | None:
    """Return the mean over the epochs of the smallest loss that a constant output has."""
    losses = [o.outputs[place].constant_loss for o in looked if len(o.outputs) > place]
    known = [loss for loss in losses if loss is not None]
    constant = float(np.mean(known)) if known and len(known) == len(losses) else 0.0
    return constant if constant > 0 else None


def _progress(
    ended: list[Observation], looked: list[Observation], place: int, name: str
) -> float | None:
    """Return the share of the constant's loss that an output has got rid of."""
    constant = _constant(looked, place)
    found = [o.log(name) for o in ended]
    losses = np.array([loss for loss in found if loss is not None])
    if constant is None or len(losses) < len(found):
        return None
    last = _recent(losses)
    least = looked[-1].outputs[place].least_loss
    room = constant - least if constant - least > 1e-3 * constant else constant
    return float((constant - last) / room) if np.isfinite(last) else -np.inf


def _recent(losses: np.ndarray) -> float:
    """Return the mean loss of the last tenth of the epochs, at least of one."""
    return float(losses[-max(1, len(losses) // 10) :].mean())


def _accuracy(observation: Observation) -> float | None:
    for name in ("accuracy", "acc", "binary_accuracy", "categorical_accuracy"):
        found = observation.log(name)
        if found is not None:
            return found
    return observation.log("sparse_categorical_accuracy")


def _accuracy_progress(ended: list[Observation], latest: Observation) -> float | None:
    """Return (accuracy − share of the most frequent class) / (1 − that share)."""
    if len(latest.outputs) != 1 or latest.outputs[0].targets is None or not ended:
        return None
    targets = latest.outputs[0].targets
    most = max(targets.shares, default=1.0)
    if not targets.classes or most >= 1.0 or latest.outputs[0].weighted:
        return None
    found = [_accuracy(o) for o in ended]
    known = [x for x in found if x is not None]
    if not known or (latest.outputs[0].units == 1 and targets.classes > 2):
        return None
    return float((_recent(np.array(known)) - most) / (1 - most))


def _is_falling(losses: np.ndarray) -> bool:
    """Say whether the loss of the last quarter is below that of the one before, by 1 %."""
    n = max(1, len(losses) // 4)
    if len(losses) < 2 * n or not np.isfinite(losses).all():
        return False
    return bool(losses[-n:].mean() < 0.99 * losses[-2 * n : -n].mean())
