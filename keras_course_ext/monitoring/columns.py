"""Which column of a row holds which statistic, and back from rows to statistics."""

from collections.abc import Iterable, Sequence

import keras
import numpy as np

from keras_course_ext.monitoring.histograms import Subject
from keras_course_ext.monitoring.history import Key
from keras_course_ext.monitoring.inventory import LayerEntry
from keras_course_ext.monitoring.saturation import Saturation, saturation_of
from keras_course_ext.monitoring.statistics import (
    OUTPUT_STATISTICS,
    OUTPUT_SUMS,
    WEIGHT_STATISTICS,
    combined,
)

# Layers whose output can be zero for good: a unit of theirs is worth watching.
_CAN_DIE = {"relu", "relu6"}
SIGNALS = ("output", "logits")


class Columns:
    """The layout of a row: first the weights' statistics, then the sums of the outputs.

    Args:
        entries: The layers of a built model.
        wanted: Names of the statistics to compute.
    """

    def __init__(self, entries: Iterable[LayerEntry], wanted: Iterable[str]) -> None:
        self.entries = list(entries)
        self.wanted = frozenset(wanted)
        self.names = [e.name for e in self.entries]
        self.ordered = False
        self.weights: dict[int, tuple[Key, keras.Variable]] = {
            id(w): (Key(e.name, tensor, "grad_norm"), w)
            for e in self.entries
            for tensor, w in e.weights.items()
        }
        self.of_weight = [s for s in WEIGHT_STATISTICS if s == "grad_norm" or s in self.wanted]
        # Those that are computed from the gradient alone come first.
        self.of_gradient = sum(s.startswith("grad_") for s in self.of_weight)
        self.of_output = [s for s in OUTPUT_STATISTICS if s == "grad_norm" or s in self.wanted]
        self.signals = [Key(e.name, t, "grad_norm") for e in self.entries for t in SIGNALS]
        # The update ratios come last, in the row too.
        self.ratios = len(self.weights) * ("update_ratio" in self.wanted)
        self.in_row = [s for s in self.of_weight if s != "update_ratio"]
        self.size = len(self.weights) * len(self.in_row) + len(self.signals) * len(OUTPUT_SUMS)
        self.saturation: dict[str, Saturation] = {
            e.name: saturation_of(e.layer) for e in self.entries
        }
        self.subjects = [
            *(
                Subject(*key[:2], kind)
                for kind in ("gradient", "weight")
                for key, _ in self.weights.values()
            ),
            *(Subject(e.name, "output", "activation") for e in self.entries),
        ]
        self.unit_slices: dict[str, slice] = {}
        self.units = 0
        if "dead_units" in self.wanted:
            for entry in self.entries:
                self._watch_units(entry)
        self._seen: set[Key] = set()

    def _watch_units(self, entry: LayerEntry) -> None:
        activation = entry.info.activation or type(entry.layer).__name__.lower()
        units = entry.info.units
        if activation in _CAN_DIE and units is not None:
            self.unit_slices[entry.name] = slice(self.units, self.units + units)
            self.units += units

    def order(self, forward: Sequence[str]) -> None:
        """Have the layers listed in the order in which they were called."""
        rank = {name: i for i, name in enumerate(dict.fromkeys(forward))}
        self.entries.sort(key=lambda entry: rank.get(entry.name, len(rank)))
        self.ordered = True

    def saw(self, keys: Iterable[Key]) -> None:
        """Note which gradients there are; the columns of the others stay out of the history."""
        self._seen.update(keys)

    def decode(self, rows: np.ndarray) -> tuple[list[Key], np.ndarray]:
        """Return the statistics of some rows.

        Args:
            rows: Shape `(replicas, steps, size + ratios)`.

        Returns:
            The keys, and values of shape `(steps, len(keys))`.
        """
        n = len(self.in_row)
        end = n * len(self.weights)
        found: dict[Key, np.ndarray] = {}
        for i, (key, _) in enumerate(self.weights.values()):
            if key in self._seen:
                # The same on all replicas: the gradient is summed over them first.
                block = rows[0, :, i * n : (i + 1) * n]
                found |= {key._replace(statistic=s): block[:, j] for j, s in enumerate(self.in_row)}
                if self.ratios:
                    found[key._replace(statistic="update_ratio")] = rows[0, :, self.size + i]
        sums = rows[:, :, end : self.size]
        sums = sums.reshape(*rows.shape[:2], len(self.signals), len(OUTPUT_SUMS))
        for i, key in enumerate(self.signals):
            values = combined(sums[:, :, i])
            if key in self._seen:
                found[key] = values["grad_norm"]
            if key.tensor == "output":
                found |= {
                    key._replace(statistic=s): values[s]
                    for s in self.of_output
                    if s in values
                    and s != "grad_norm"
                    and not np.isnan(sums[:, :, i, 1]).all()
                    and (s != "saturated_share" or any(self.saturation[key.layer]))
                }
        keys = sorted(found, key=self._place)
        return keys, np.stack([found[key] for key in keys], axis=1)

    def decode_window(self, live: np.ndarray) -> tuple[list[Key], np.ndarray]:
        """Return the number of dead units of every layer that is watched for them."""
        keys = [Key(name, "output", "dead_units") for name in self.unit_slices]
        dead = [float(np.sum(live[at] == 0)) for at in self.unit_slices.values()]
        return keys, np.array(dead, np.float32)

    def _place(self, key: Key) -> tuple[bool, int]:
        layers = [entry.name for entry in self.entries]
        return key.tensor in SIGNALS, layers.index(key.layer)
