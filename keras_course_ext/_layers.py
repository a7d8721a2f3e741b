"""The only module that lists the layers inside a layer, by Keras's private `_flatten_layers`.

`Model.layers` is public, but there is no public list of the layers inside another layer: inside a
custom one, or inside Keras's own composite ones (MultiHeadAttention, Bidirectional). If Keras drops
the hook or changes its arguments, the public `layers` of a model and the attributes of any other
layer are used instead; `tests/package/test_layers_walk.py` then fails.
"""

import contextlib
from collections.abc import Callable, Iterator

import keras


def sublayers(layer: keras.Layer) -> list[keras.Layer]:
    """Return the layers directly inside a layer, in the order in which it holds them."""
    flatten = getattr(layer, "_flatten_layers", None)
    if flatten is not None:
        with contextlib.suppress(TypeError):  # if the arguments are no longer these
            return list(flatten(include_self=False, recursive=False))
    return _public_sublayers(layer)


def walk(
    root: keras.Layer, into: Callable[[keras.Layer], bool] = lambda layer: True
) -> Iterator[tuple[tuple[str, ...], keras.Layer]]:
    """Iterate over the layers inside a layer or model, depth first, a layer before those inside it.

    Args:
        root: The layer or model; it is not yielded itself.
        into: Returns whether to continue inside a layer. Defaults to always.

    Yields:
        The names from below the root down to the layer, and the layer. A layer that occurs more
        than once is yielded once, where it is found first.
    """
    yield from _walk(root, (), {id(root)}, into)


def _walk(
    layer: keras.Layer,
    path: tuple[str, ...],
    seen: set[int],
    into: Callable[[keras.Layer], bool],
) -> Iterator[tuple[tuple[str, ...], keras.Layer]]:
    for child in sublayers(layer):
        if id(child) in seen:
            continue
        seen.add(id(child))
        yield (*path, child.name), child
        if into(child):
            yield from _walk(child, (*path, child.name), seen, into)


def _public_sublayers(layer: keras.Layer) -> list[keras.Layer]:
    if isinstance(layer, keras.Model):
        return list(layer.layers)
    values = [v for v in vars(layer).values() if isinstance(v, (keras.Layer, list, tuple, dict))]
    found = {id(v): v for v in keras.tree.flatten(values) if isinstance(v, keras.Layer)}
    return list(found.values())
