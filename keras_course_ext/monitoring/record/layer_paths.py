"""Which layers lie before a layer: a weak signal beside a strong path is a branch, not a fault."""

from collections.abc import Mapping, Sequence

from keras_course_ext.monitoring.record.schema import LayerInfo

_ATTENTION = ("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention")
_BY_SOFTMAX = ("query", "key")


def ancestors(layers: Sequence[LayerInfo]) -> Mapping[str, frozenset[str]]:
    """Return the names of the layers from which a signal path leads to each layer.

    Where the graph is unknown these are all layers that were called before it.

    Args:
        layers: The layers in forward order.
    """
    by_name = {info.name: info for info in layers}
    found: dict[str, frozenset[str]] = {}
    order = [info.name for info in layers]

    def of(name: str, active: frozenset[str]) -> frozenset[str]:
        if name in found:
            return found[name]
        inputs = _inputs(name, by_name)
        if inputs is None:
            result = frozenset(order[: order.index(name)])
        else:
            before: set[str] = set()
            for source in inputs:
                if source in by_name and source not in active:
                    inside = {n for n in order if n.startswith(f"{source}/")}
                    before |= {source, *inside, *of(source, active | {name})}
            result = frozenset(before - {name})
        found[name] = result
        return result

    for name in order:
        of(name, frozenset())
    return found


def _inputs(name: str, by_name: Mapping[str, LayerInfo]) -> tuple[str, ...] | None:
    """Return the inputs of a layer; of one inside another layer those of the outer one."""
    while True:
        if name in by_name and by_name[name].inputs is not None:
            return by_name[name].inputs
        if "/" not in name:
            return None
        name = name.rpartition("/")[0]


def is_behind_softmax(info: LayerInfo, layers: Mapping[str, LayerInfo]) -> bool:
    """Say whether a layer makes the queries or keys of an attention.

    Their gradient passes the softmax over the positions, which is nearly flat at the start.
    """
    outer, _, name = info.name.rpartition("/")
    return name in _BY_SOFTMAX and outer in layers and layers[outer].kind in _ATTENTION
