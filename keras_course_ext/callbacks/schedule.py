"""When to record: every n-th step, once an epoch, or as often as a small overhead allows."""

import math
from collections import deque
from statistics import median

OVERHEAD = 0.02
PER_RUN = 50
_NEVER = 2**62
# As long as nothing is known of the cost, a recorded step is taken to cost one more step.
_UNKNOWN_COST = 1.0
# To set another period on a device takes longer than a few records more or less.
_SAME = 0.1
# Of the first executions, which trace and warm up, nothing is learned.
_SKIP, _PLAIN, _RECORDED = 3, 8, 3


class Schedule:
    """Decides which steps are recorded; the first ten always are.

    `"auto"` spends two percent of the time of the run: what the first steps and the time before the
    cost was known took too much is saved afterwards. Over the whole run, not in each epoch, it
    records at least 50 steps, whatever they cost. Fits that go on with a record are one run.

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
        self._left: int | None = None
        self._made = self._recorded = 0
        self._every = self._offset = 0
        self._last: int | None = None
        self._clock = Stopwatch()

    def begin_epoch(self, step: int, steps_left: int | None) -> tuple[int, int]:
        """Return the period and the offset of the epoch that begins.

        Args:
            step: Number of its first step.
            steps_left: Number of the steps of the `fit` from here on; None if that is not known.
        """
        self._epoch_start = step
        self._left = steps_left
        return self.period()

    def period(self) -> tuple[int, int]:
        """Return the number of steps from one record to the next, and a step that is recorded."""
        if self.update_freq == "epoch":
            return _NEVER, self._epoch_start
        if self.update_freq == "auto":
            every = self._affordable()
            if abs(every - self._every) > _SAME * self._every:
                self._every = every
                self._offset = self._epoch_start if self._last is None else self._last
            return self._every, self._offset
        return int(self.update_freq), 0

    def _affordable(self) -> int:
        cost = self._clock.cost()
        every = (_UNKNOWN_COST if cost is None else cost) / OVERHEAD
        if self._left is not None:
            if cost:
                records = OVERHEAD * (self._made + self._left) / cost - self._recorded
                until_one = (self._recorded + 1) * every - self._made
                every = self._left / records if records >= 1 else until_one
            missing = PER_RUN - self._recorded
            if missing > 0:
                every = min(every, self._left // missing)
        return max(1, math.ceil(every))

    def measure(self, seconds: float | None, first: int, steps: int, recorded: int) -> bool:
        """Take in an execution, and say whether the period may be another now.

        Args:
            seconds: How long it took, from its beginning to that of the next one; None if that was
                not measured.
            first: Number of its first step.
            steps: Number of its steps.
            recorded: How many of them were recorded.
        """
        self._made += steps
        self._recorded += recorded
        self._left = self._left and max(0, self._left - steps)
        if recorded:
            self._last = first
        learned = seconds is not None and self._clock.take(seconds, steps, recorded)
        return self.update_freq == "auto" and learned


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
