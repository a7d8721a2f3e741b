"""The table of all statistics: what each is of, which sums it needs, how it is computed from them.

A statistic is one entry. Whatever is in the table can be named in `statistics=[...]`, and appears
in the record, the sinks and TensorBoard:

    register(Statistic("weight_max_abs", "weight", ("weight.abs_max",), lambda largest: largest))
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_course_ext.monitoring.record.sums import (
    ABSENT,
    LIVE,
    NOT_MEASURED,
    REDUCTIONS,
    is_missing,
)

WEIGHT, OUTPUT, WHOLE_MODEL = "weight", "output", "model"
# The tensors whose sums a statistic can be computed from.
_TENSORS = {
    WEIGHT: ("gradient", "weight", "update"),
    OUTPUT: ("output",),
    WHOLE_MODEL: (),
}
_OTHER_SUMS = ("weight.size", "signal.norm", LIVE)


@dataclass(frozen=True)
class Statistic:
    """One statistic of a weight, of a layer's output, or of the whole model.

    Attributes:
        name: Its name, such as `"grad_norm"`.
        of: `"weight"`, `"output"` or `"model"`.
        sums: Names of the sums it needs, as in `sums.py`; also `"weight.size"`, the number of
            elements of a weight. Empty for a statistic of the whole model,
            which `model_statistics.py` computes from the others.
        finish: A function of these sums, NumPy arrays, in their order.
        of_update: Whether it is known only of a weight that got a gradient in the step.
    """

    name: str
    of: str
    sums: tuple[str, ...] = ()
    finish: Callable[..., Any] | None = None
    of_update: bool = False


STATISTICS: dict[tuple[str, str], Statistic] = {}
"""All statistics, by what they are of and their name."""


def register(statistic: Statistic) -> None:
    """Add a statistic to the table.

    Raises:
        ValueError: If it is of something else, or needs a sum that is not measured.
    """
    if statistic.of not in _TENSORS:
        raise ValueError(
            f"A statistic is of one of {', '.join(_TENSORS)}. Received: of={statistic.of!r}."
        )
    for name in statistic.sums:
        tensor, _, reduction = name.partition(".")
        if name not in _OTHER_SUMS and not (
            tensor in _TENSORS[statistic.of] and reduction in REDUCTIONS
        ):
            raise ValueError(
                f"The statistic '{statistic.name}' needs {name!r}, which is not measured. A sum of "
                f"a {statistic.of} is '<tensor>.<reduction>' with a tensor out of "
                f"{', '.join(_TENSORS[statistic.of])} and a reduction out of "
                f"{', '.join(REDUCTIONS)}."
            )
    STATISTICS[statistic.of, statistic.name] = statistic


def _same(x: np.ndarray) -> np.ndarray:
    return x


def _mean(total: np.ndarray, n: np.ndarray) -> np.ndarray:
    return total / n


def _zero_share(nonzero: np.ndarray, n: np.ndarray) -> np.ndarray:
    return (n - nonzero) / n


def _ratio(step: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.divide(step, weight, out=np.zeros_like(step), where=weight != 0)


_DEVIATION = ("output.squares", "output.count", "output.sum")

for _statistic in (
    # Of a trainable weight W with n elements and gradient g = ∂L/∂W, before clipping:
    Statistic("grad_norm", WEIGHT, ("gradient.norm",), _same),  # ‖g‖₂
    Statistic("grad_mean_abs", WEIGHT, ("gradient.abs_sum", "weight.size"), _mean),  # 1/n Σ |gᵢ|
    Statistic("grad_max_abs", WEIGHT, ("gradient.abs_max",), _same),  # max |gᵢ|
    Statistic("grad_zero_share", WEIGHT, ("gradient.nonzero", "weight.size"), _zero_share),
    Statistic("grad_non_finite", WEIGHT, ("gradient.non_finite",), _same),
    Statistic("weight_norm", WEIGHT, ("weight.norm",), _same),  # ‖W‖₂ before the step
    # ‖W' − W‖₂ / ‖W‖₂ of the step truly taken:
    Statistic("update_ratio", WEIGHT, ("update.norm", "weight.norm"), _ratio, of_update=True),
    # Of a layer's output A, over all of its elements:
    Statistic("grad_norm", OUTPUT, ("signal.norm",), _same),  # ‖∂L/∂A‖₂
    Statistic("mean", OUTPUT, ("output.sum", "output.count"), _mean),
    Statistic("std", OUTPUT, _DEVIATION, lambda squares, n, _: np.sqrt(squares / n)),
    Statistic("zero_share", OUTPUT, ("output.nonzero", "output.count"), _zero_share),
    # Share of elements at which |f'| is under 1 % of its maximum:
    Statistic("saturated_share", OUTPUT, ("output.saturated", "output.count"), _mean),
    # Number of units that were 0 for every sample of the epoch:
    Statistic("dead_units", OUTPUT, (LIVE,), lambda live: np.sum(live == 0)),
    # Of the whole model; computed from the others in `model_statistics.py`:
    Statistic("grad_norm", WHOLE_MODEL),  # ‖g‖₂ over all weights
    Statistic("signal_decay", WHOLE_MODEL),  # factor by which ‖∂L/∂A‖ changes per layer
    Statistic("clipped_share", WHOLE_MODEL),  # share of the weights whose gradient is clipped
    Statistic("skipped_steps", WHOLE_MODEL),  # steps that loss scaling skipped in the epoch
    Statistic("grad_noise", WHOLE_MODEL),  # standard deviation of ‖g‖₂ over its mean
):
    register(_statistic)


def all_names() -> tuple[str, ...]:
    """Return the names of all statistics, each once."""
    return tuple(dict.fromkeys(name for _, name in STATISTICS))


def names_of(of: str) -> tuple[str, ...]:
    """Return the names of the statistics of weights, of outputs, or of the model."""
    return tuple(name for subject, name in STATISTICS if subject == of)


def wanted_of(of: str, wanted: Collection[str]) -> list[Statistic]:
    """Return the statistics of one subject that are wanted; the norm of the gradient always is."""
    return [
        statistic
        for (subject, name), statistic in STATISTICS.items()
        if subject == of and (name == "grad_norm" or name in wanted)
    ]


def sums_of(statistics: Sequence[Statistic], *tensors: str) -> list[str]:
    """Return the sums of some tensors that the statistics need, each once."""
    needed = dict.fromkeys(name for statistic in statistics for name in statistic.sums)
    return [name for t in tensors for name in needed if name.startswith(f"{t}.")]


def finished(
    statistics: Sequence[Statistic], sums: Mapping[str, Any]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the values of each statistic.

    Args:
        statistics: The statistics.
        sums: By name, arrays whose shapes fit each other; `"weight.size"` may be left out for
            outputs.

    Yields:
        float32 arrays; `NOT_MEASURED` or `ABSENT` where one of the sums is.
    """
    for statistic in statistics:
        assert statistic.finish is not None
        arrays = np.broadcast_arrays(*(np.asarray(sums[name]) for name in statistic.sums))
        absent = np.any([x == np.float32(ABSENT) for x in arrays], axis=0)
        missing = np.any([is_missing(x) for x in arrays], axis=0)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            values = statistic.finish(
                *(np.where(missing, 1.0, x.astype(np.float64)) for x in arrays)
            )
        values = np.where(missing, np.where(absent, ABSENT, NOT_MEASURED), values)
        yield statistic.name, values.astype(np.float32)
