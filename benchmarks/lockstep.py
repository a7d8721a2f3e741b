"""Compare the time of two fits that run alternately, step by step, for noisy machines.

Each fit runs in its own thread. Before a batch it waits for its turn, and after the batch it stops
its clock and passes the turn to the other fit, so that other load on the machine slows both down.
The result is the median, over hundreds of pairs of steps, of the ratio of their times.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_course_ext.callbacks.same_fit import call_first


@dataclass(frozen=True)
class Ratio:
    """Median of the ratios of two step times, with its bootstrapped 95 % interval.

    Attributes:
        median: Time of the first fit's step divided by that of the second's.
        low: Lower end of the interval.
        high: Upper end.
        pairs: Number of pairs of steps.
        seconds: Median time of the second fit's step, for reference.
    """

    median: float
    low: float
    high: float
    pairs: int
    seconds: float

    def __str__(self) -> str:
        """Return the figures on one line."""
        return (
            f"{self.median:.3f} [{self.low:.3f}, {self.high:.3f}] of {self.seconds * 1e6:.0f} us, "
            f"{self.pairs} pairs"
        )


class _Turns:
    """Which fit runs next; when one has ended, always the other."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._turn = 0
        self._ended: set[int] = set()

    def wait(self, me: int) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._turn == me or (1 - me) in self._ended)

    def give(self, me: int) -> None:
        with self._condition:
            self._turn = 1 - me
            self._condition.notify_all()

    def end(self, me: int) -> None:
        with self._condition:
            self._ended.add(me)
            self._condition.notify_all()


class _Start(keras.callbacks.Callback):
    """The first callback of a fit: waits for its turn, and starts the clock."""

    def __init__(self, turns: _Turns, me: int, steps: int) -> None:
        super().__init__()
        self.at = 0.0
        self.seen = 0
        self._turns, self._me, self._steps = turns, me, steps

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        # A GradientMonitor has itself called first when training begins; its work must count.
        call_first(self)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if self.seen % self._steps == 0:
            self._turns.wait(self._me)
            self.at = time.perf_counter()
        self.seen += 1


class _Stop(keras.callbacks.Callback):
    """The last callback of a fit: stops the clock, and passes the turn to the other fit."""

    def __init__(
        self, turns: _Turns, me: int, start: _Start, steps: int, sync: Callable[[], object]
    ) -> None:
        super().__init__()
        self.times: list[float] = []
        self._turns, self._me, self._start = turns, me, start
        self._steps, self._sync = steps, sync

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._start.seen % self._steps == 0:
            self._sync()
            self.times.append((time.perf_counter() - self._start.at) / self._steps)
            self._turns.give(self._me)


Fit = Callable[[keras.callbacks.Callback, keras.callbacks.Callback], object]


def lockstep(
    first: Fit,
    second: Fit,
    skip: int = 60,
    block: int = 1,
    turn: int = 1,
    sync: Callable[[], object] = lambda: None,
) -> Ratio:
    """Run two fits in turns and compare their steps.

    Args:
        first: Runs a fit, given the callback to put before its callbacks and the one after them.
        second: The same, for the fit that the first is compared with.
        skip: Number of steps at the beginning to ignore: tracing and warm-up.
        block: Number of steps to add before ratios are computed. With 1, the median of the ratios
            does not include costs that occur at fewer than half of the steps.
        turn: Number of steps that a fit makes before the other one's turn. Its time is that of all
            of them, divided by their number; `skip` and `block` count turns.
        sync: What waits for the device at the end of a turn; a GPU still computes when the host
            has queued its work.

    Returns:
        A `Ratio` of the first to the second.
    """
    turns = _Turns()
    starts = [_Start(turns, me, turn) for me in (0, 1)]
    stops = [_Stop(turns, me, start, turn, sync) for me, start in enumerate(starts)]
    errors: list[BaseException] = []

    def run(me: int, fit: Fit) -> None:
        try:
            fit(starts[me], stops[me])
        except BaseException as error:
            errors.append(error)
        finally:
            turns.end(me)

    threads = [
        threading.Thread(target=run, args=(me, fit)) for me, fit in enumerate((first, second))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return ratio_of(*(stop.times[skip:] for stop in stops), block=block)


def ratio_of(first: Sequence[float], second: Sequence[float], *, block: int = 1) -> Ratio:
    """Return the median of the ratios of paired times, with its bootstrapped 95 % interval.

    Args:
        first: Times, in seconds.
        second: As many, each measured next to the one with the same index in `first`.
        block: Number of consecutive times to add before ratios are computed.
    """
    blocks = min(len(first), len(second)) // block
    a, b = (
        np.array(times[: blocks * block]).reshape(blocks, block).mean(axis=1)
        for times in (first, second)
    )
    ratios = a / b
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(ratios, (2000, len(ratios))), axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    return Ratio(
        float(np.median(ratios)), float(low), float(high), len(ratios), float(np.median(b))
    )
