"""How large the first weights of a layer are, compared with the usual initialization."""

from keras_course_ext.monitoring.record.first_values import first_values
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key, LayerInfo


def initial_size(info: LayerInfo, history: GradientHistory) -> float:
    """Return the root mean square of a Dense layer's first weights as a share of Glorot's.

    Glorot's is √(2 / (inputs + outputs)).

    Args:
        info: The layer.
        history: The record.

    Returns:
        The share; 1 for other layers, and where it was not recorded.
    """
    if info.kind != "Dense" or not info.fan_in or not info.units or not info.main_weights:
        return 1.0
    norms = first_values(history, Key(info.name, info.main_weights[0], "weight_norm"))
    if not len(norms):
        return 1.0
    std = float(norms[0]) / (info.fan_in * info.units) ** 0.5
    return std / (2 / (info.fan_in + info.units)) ** 0.5
