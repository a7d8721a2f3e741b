"""When to record: every n-th step, once an epoch, or as often as a small overhead allows."""

import math
from collections import deque
from statistics import median

OVERHEAD = 0.02
PER_EPOCH = 20
_NEVER = 2**62
# Before the number of steps of an epoch is known.
_UNKNOWN_EPOCH = 1000
# Of the first executions, which trace and warm up, nothing is learned.
_SKIP, _PLAIN, _RECORDED = 3, 8, 3


class Schedule:
    """Decides which steps are recorded; the first ten always are.

    Args:
        update_freq: `"auto"`, `"epoch"`, or the number of steps from one record to the next.

    Raises:
        ValueError: If it is anything else.
    """

    def __init__(self, update_freq: int | str) -> None:
        is_int = isinstance(update_freq, int) and not isinstance(update_freq, bool)
        if not (update_freq in ("auto", "epoch") or (is_int and int(update_freq) >= 1)):
            raise ValueError(
                '`update_freq` must be "auto", "epoch" or a number of steps, 1 or more. '
                f"Received: update_freq={update_freq!r}. Write `update_freq=1` for every step."
            )
        self.update_freq = update_freq
        self._epoch_start = 0
        self._per_epoch = _UNKNOWN_EPOCH
        self._clock = Stopwatch()

    def begin_epoch(self, step: int, steps_per_epoch: int | None) -> tuple[int, int]:
        """Return the period and the offset of the epoch that begins.

        Args:
            step: Number of its first step.
            steps_per_epoch: Number of its steps, or None if that is not known. The last epoch's
                is taken then.
        """
        passed = step - self._epoch_start
        self._per_epoch = steps_per_epoch or passed or self._per_epoch
        self._epoch_start = step
        return self.period()

    def period(self) -> tuple[int, int]:
        """Return the number of steps from one record to the next, and a step that is recorded."""
        if self.update_freq == "epoch":
            return _NEVER, self._epoch_start
        if self.update_freq == "auto":
            at_least = max(1, self._per_epoch // PER_EPOCH)
            cost = self._clock.cost()
            ideal = at_least if cost is None else max(1, math.ceil(cost / OVERHEAD))
            return min(ideal, at_least), self._epoch_start
        return int(self.update_freq), 0

    def measure(self, seconds: float, steps: int, recorded: int) -> bool:
        """Take in how long an execution took, and say whether the period may be another now.

        Args:
            seconds: From its beginning to that of the next one.
            steps: Number of its steps.
            recorded: How many of them were recorded.
        """
        return self.update_freq == "auto" and self._clock.take(seconds, steps, recorded)


class Stopwatch:
    """Tells what recording a step costs, as a share of a step, from executions with and without."""

    def __init__(self) -> None:
        self._taken = 0
        self._plain: deque[float] = deque(maxlen=64)
        self._recorded: deque[tuple[float, int, int]] = deque(maxlen=64)

    def take(self, seconds: float, steps: int, recorded: int) -> bool:
        """Take in an execution; say, every now and then, that there is something to be learned."""
        self._taken += 1
        if self._taken > _SKIP:
            if recorded:
                self._recorded.append((seconds, steps, recorded))
            else:
                self._plain.append(seconds / steps)
        return self._taken % 16 == 0

    def cost(self) -> float | None:
        """Return the cost of recording one step, as a share of a step; None if not known yet."""
        if len(self._plain) < _PLAIN or len(self._recorded) < _RECORDED:
            return None
        plain = median(self._plain)
        extra = median((seconds - n * plain) / r for seconds, n, r in self._recorded)
        return max(extra, 0.0) / plain
