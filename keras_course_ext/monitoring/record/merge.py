"""Several records as one, each under a name of its own, and one of them out of it again."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from keras_course_ext._nearest import nearest
from keras_course_ext.monitoring.record.schema import Content, Key

Rename = Callable[[Key], Key | None]


def merge(parts: Mapping[str, Content]) -> Content:
    """Return one record of several; a layer is `part/layer`, the model's tensors `part/tensor`.

    Args:
        parts: The records by name. A name is not empty and has no `/`, so that the first `/`
            ends it, whatever the layers are called.

    Raises:
        ValueError: If a name does not fit.
    """
    merged = Content(loss_scaled=any(content.loss_scaled for content in parts.values()))
    for part, content in parts.items():
        if not isinstance(part, str) or not part or "/" in part:
            raise ValueError(
                "The name of a record to merge must be a string that is not empty and has no '/'. "
                f"Received: {part!r}. Write for example 'worker_0'."
            )
        found = _renamed(content, lambda key, part=part: _inside(part, key))
        merged.layers += found.layers
        merged.blocks += found.blocks
        merged.histograms += found.histograms
    return merged


def part_of(content: Content, part: str) -> Content:
    """Return the record that `merge` received under this name.

    Raises:
        ValueError: If there is none; the message suggests the nearest name.
    """
    names = list(dict.fromkeys(map(_part, content.keys)))
    if part not in names:
        hint = nearest(str(part), names)
        listed = ", ".join(map(repr, names)) or "none"
        raise ValueError(f"The record has no part {part!r}.{hint} Its parts: {listed}.")
    return _renamed(content, lambda key: _outside(key) if _part(key) == part else None)


def _inside(part: str, key: Key) -> Key:
    at = "layer" if key.layer else "tensor"
    return key._replace(**{at: f"{part}/{getattr(key, at)}"})


def _outside(key: Key) -> Key:
    at = "layer" if key.layer else "tensor"
    return key._replace(**{at: getattr(key, at).partition("/")[2]})


def _part(key: Key) -> str:
    return (key.layer or key.tensor).partition("/")[0]


def _renamed(content: Content, rename: Rename) -> Content:
    """Return a record under other names, without what has none."""

    def layer_of(name: str) -> str | None:
        key = rename(Key(name, "output", ""))
        return None if key is None else key.layer

    found = Content(loss_scaled=content.loss_scaled)
    names = [layer_of(info.name) for info in content.layers]
    kept = zip(content.layers, names, strict=True)
    found.layers = tuple(replace(info, name=name) for info, name in kept if name is not None)
    for block in content.blocks:
        keys = [rename(key) for key in block.keys]
        at = [i for i, key in enumerate(keys) if key is not None]
        if at:
            columns = tuple(key for key in keys if key is not None)
            found.blocks.append(block._replace(keys=columns, values=block.values[:, at]))
    for histogram in content.histograms:
        name = layer_of(histogram.layer)
        if name is not None:
            found.histograms.append(histogram._replace(layer=name))
    return found
