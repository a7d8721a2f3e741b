"""What a step measures: the layout of its row and the variables that the layout is of."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import keras
import numpy as np

from keras_course_ext.monitoring.capture.layer_graph import layer_inputs
from keras_course_ext.monitoring.capture.layers import layer_entries
from keras_course_ext.monitoring.capture.saturation import Saturation, saturation_of
from keras_course_ext.monitoring.record.layout import Layout


@dataclass(frozen=True)
class StepSpec:
    """What a step measures, known once the model is built.

    Attributes:
        layout: Where each sum stands in a row.
        variables: The weights, in the order of the layout.
        places: Number of a weight in that order, by the `id` of its variable.
        saturation: How to see that a layer is saturated, by its name.
        replicas: Number of replicas over which gradients are summed.
        histograms: Whether there are histograms.
        names: Names of the layers by the `id` of the layer.
    """

    layout: Layout
    variables: tuple[keras.Variable, ...]
    places: Mapping[int, int]
    saturation: Mapping[str, Saturation]
    replicas: int
    histograms: bool
    names: Mapping[int, str]


def spec_of(model: keras.Model, wanted: Collection[str], histograms: bool) -> StepSpec:
    """Return what the steps of a built model measure.

    Args:
        model: The model.
        wanted: Names of the statistics.
        histograms: Whether there are histograms.
    """
    entries = layer_entries(model)
    weights = [(e.name, tensor, w) for e in entries for tensor, w in e.weights.items()]
    sizes = {(layer, tensor): int(np.prod(w.shape)) for layer, tensor, w in weights}
    variables = tuple(w for _, _, w in weights)
    names = {id(entry.layer): entry.name for entry in entries}
    inputs = layer_inputs(model, names)
    infos = [replace(entry.info, inputs=inputs.get(entry.name)) for entry in entries]
    return StepSpec(
        layout=Layout(infos, sizes, wanted),
        variables=variables,
        places={id(w): i for i, w in enumerate(variables)},
        saturation={entry.name: saturation_of(entry.layer) for entry in entries},
        replicas=model.distribute_strategy.num_replicas_in_sync,
        histograms=histograms,
        names=names,
    )
