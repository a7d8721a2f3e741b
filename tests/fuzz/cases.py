"""What the fuzz tests have in common: their number of cases, hostile names, garbage."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from keras_course_ext.monitoring import GradientHistory, Histogram, Key, LayerInfo


def cases(number):
    """Decorate a test: so many cases by default, and more with the profile `nightly`."""
    return settings(max_examples=number * settings().max_examples)


NAMES = st.one_of(
    st.sampled_from(
        ["dense", "", "/", "a/b", "a/", "a,b", 'a"b', "a\nb", "a\r", "\t", "=1+1", "nan", "층", "é"]
    ),
    st.sampled_from(["../../x", "C:\\x", "<script>alert(1)</script>", "{{7*7}}", "%s", "\x1b[31m"]),
    st.sampled_from(["\u202e", "😀", "\x00", "[red]", "[/]"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
FLOATS = st.floats(width=32) | st.sampled_from([0.0, -0.0, float("nan"), float("inf"), 3.4e38])
GARBAGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["nan", "-inf", 2**63, 10**40, -1, 1e39, "step", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def histories(draw):
    """A record of some layers with any names and any values."""
    names = draw(st.lists(NAMES.filter(bool), min_size=1, max_size=4, unique=True))
    history = GradientHistory([LayerInfo(name) for name in names], draw(st.booleans()))
    keys = [Key(name, "kernel", "grad_norm") for name in names]
    keys += [Key(names[0], draw(NAMES), draw(NAMES)), Key("", "model", "grad_norm")]
    keys = list(dict.fromkeys(keys))
    rows = draw(st.integers(1, 6))
    steps = sorted(draw(st.sets(st.integers(0, 50), min_size=rows, max_size=rows)))
    values = draw(st.lists(FLOATS, min_size=rows * len(keys), max_size=rows * len(keys)))
    history.append(steps, [s // 10 for s in steps], keys, np.reshape(values, (rows, len(keys))))
    if draw(st.booleans()):
        edges, counts = np.array([-1.0, 0.0, 1.0]), np.array([draw(st.integers(0, 9)), 3])
        history.histograms = [Histogram(steps[0], 0, names[0], "kernel", "weight", edges, counts)]
    return history


@st.composite
def spoilt(draw, document):
    """The document, with one of its parts replaced, removed or renamed."""
    ways = list(_ways(document))
    *way, last = draw(st.sampled_from(ways[1:]))
    document = _copy(document)
    parent = document
    for key in way:
        parent = parent[key]
    change = draw(st.sampled_from(["replace", "remove", "double", "rename"]))
    if change == "replace":
        parent[last] = draw(GARBAGE)
    elif change == "remove":
        del parent[last]
    elif isinstance(parent, list):
        parent.append(parent[last] if change == "double" else draw(GARBAGE))
    else:
        parent[draw(st.text(max_size=5))] = parent[last]
    return document


@st.composite
def spoilt_bytes(draw, data):
    """The bytes, cut off, with some of them changed, removed, or doubled."""
    data = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(0, 40))
        change = draw(st.sampled_from(["cut", "flip", "remove", "double", "insert"]))
        if change == "cut":
            del data[at:]
        elif change == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif change == "remove":
            del data[at : at + length]
        elif change == "double":
            data[at:at] = data[at : at + length]
        else:
            data[at:at] = draw(st.binary(max_size=8))
    return bytes(data)


def refusal(call):
    """The message of the ValueError that a call raises; None if it raises none."""
    try:
        call()
    except ValueError as error:
        return str(error)
    return None


def _ways(value, way=()):
    yield way
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in inner:
            yield from _ways(part, (*way, key))


def _copy(value):
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list | tuple) else value
