"""Where each sum of each tensor stands in a row."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from keras_course_ext.monitoring.record.schema import SIGNALS, LayerInfo, TensorId
from keras_course_ext.monitoring.record.statistics import OUTPUT, WEIGHT, sums_of, wanted_of
from keras_course_ext.monitoring.record.sums import LIVE

# Layers whose output can stay zero: their units are counted when they do.
_CAN_DIE = {"relu", "relu6"}


class Subject(NamedTuple):
    """What a histogram is of.

    Attributes:
        tensor: The weight or the output.
        kind: `"gradient"`, `"weight"` or `"activation"`.
    """

    tensor: TensorId
    kind: str


class Layout:
    """The layout of a row: first the sums of the weights, then those of the outputs.

    A row has `size` numbers. The sums of the updates, `late_size` numbers, are known only when the
    update has ended and are handed over apart from it.

    Args:
        layers: The layers of a built model.
        sizes: Number of elements of each weight, by layer and name.
        wanted: Names of the statistics.
    """

    def __init__(
        self,
        layers: Sequence[LayerInfo],
        sizes: Mapping[tuple[str, str], int],
        wanted: Collection[str],
    ) -> None:
        self.layers = tuple(layers)
        self.weights = tuple(
            TensorId(info.name, name, role)
            for info in layers
            for name, role in zip(info.weights, info.roles, strict=True)
        )
        self.sizes = tuple(sizes[w.layer, w.tensor] for w in self.weights)
        self.signals = tuple(TensorId(info.name, t, t) for info in layers for t in SIGNALS)
        self.of_weight = wanted_of(WEIGHT, wanted)
        of_output = wanted_of(OUTPUT, wanted)
        self.of_output = [s for s in of_output if LIVE not in s.sums]
        # Of a weight those of the gradient come first, since they are measured apart.
        self.gradient_sums = sums_of(self.of_weight, "gradient")
        self.value_sums = [
            name for name in sums_of(self.of_weight, "weight") if name != "weight.size"
        ]
        self.weight_sums = [*self.gradient_sums, *self.value_sums]
        self.late_sums = sums_of(self.of_weight, "update")
        self.output_sums = sums_of(self.of_output, "signal", "output")
        self.outputs_at = len(self.weights) * len(self.weight_sums)
        self.size = self.outputs_at + len(self.signals) * len(self.output_sums)
        self.late_size = len(self.weights) * len(self.late_sums)
        # Which elements of the vector of living units are those of a layer.
        self.unit_slices: dict[str, slice] = {}
        self.units = 0
        if len(of_output) > len(self.of_output):
            for info in layers:
                if info.units is not None and info.activation_or_kind in _CAN_DIE:
                    self.unit_slices[info.name] = slice(self.units, self.units + info.units)
                    self.units += info.units
        self.subjects = (
            *(Subject(weight, kind) for kind in ("gradient", "weight") for weight in self.weights),
            *(Subject(TensorId(x.name, "output", "output"), "activation") for x in layers),
        )
