"""What a record consists of: the names of tensors and statistics, layers, blocks and histograms."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from keras_course_ext.monitoring.record.task import Observation

MODEL = ("", "model")
"""Layer and tensor of a statistic of the whole model."""

SIGNALS = ("output", "logits")
"""Tensors of a layer that are no weights."""

# Roles of a weight in its layer.
KERNEL, RECURRENT, EMBEDDING, BIAS, SCALE = "kernel", "recurrent", "embedding", "bias", "scale"

MAIN_ROLES = (KERNEL, RECURRENT)
"""Roles of the weights through which a layer passes a signal on, as a matrix product does."""

ROLES = (*MAIN_ROLES, EMBEDDING, SCALE, BIAS)
"""All roles, that of the weight which stands for its layer first."""

# Roles of the weights of Keras's own layers, for records written before weights had a role.
_ROLE_OF_NAME = {
    "kernel": KERNEL,
    "depthwise_kernel": KERNEL,
    "pointwise_kernel": KERNEL,
    "recurrent_kernel": RECURRENT,
    "embeddings": EMBEDDING,
    "gamma": SCALE,
}


class TensorId(NamedTuple):
    """A tensor of a model.

    Attributes:
        layer: Name of the layer.
        tensor: Name of the tensor: `"kernel"`, `"bias"`, ..., `"output"` or `"logits"`.
        role: Role of a weight in its layer: `"kernel"`, `"recurrent"`, `"embedding"`, `"bias"` or
            `"scale"`; of other tensors their name.
    """

    layer: str
    tensor: str
    role: str

    def key(self, statistic: str) -> "Key":
        """Return the key of a statistic of this tensor."""
        return Key(self.layer, self.tensor, statistic)


class Key(NamedTuple):
    """What a recorded value is a statistic of.

    Attributes:
        layer: Name of the layer.
        tensor: Name of the tensor, `"kernel"`, `"bias"`, ... for a weight, `"output"` for the
            layer's output A, `"logits"` where the loss is computed from the logits of an output
            layer, and `"model"`, with an empty layer, for the whole model.
        statistic: A name such as `"grad_norm"`; `kce.callbacks.GradientMonitor` lists them.
    """

    layer: str
    tensor: str
    statistic: str


@dataclass(frozen=True)
class LayerInfo:
    """What the record keeps of a layer.

    Attributes:
        name: The layer's name.
        kind: Its class, such as `"Dense"`.
        activation: Name of its activation function, or None.
        initializer: Class of its kernel's initializer, such as `"HeNormal"`, or None.
        weights: Names of its trainable weights, such as `("kernel", "bias")`.
        fan_in: Number of inputs of one of its units, or None if it has no kernel.
        fan_out: Number of outputs that one of its inputs goes to, or None.
        units: Size of the last axis of its output (units of a Dense layer, filters of a
            convolution), or None if that is not known.
        roles: Role of each weight: `"kernel"` (multiplies the input), `"recurrent"` (multiplies
            the state), `"embedding"`, `"bias"` (is added) or `"scale"` (multiplies each unit).
            Defaults to (): the roles that weights of these names have in Keras's own layers.
        inputs: Names of the layers whose outputs it takes, () if it takes inputs of the model.
            Defaults to None: that is not known.
        untrained: Names of the trainable weights that no watched optimizer was given.
    """

    name: str
    kind: str = "Dense"
    activation: str | None = None
    initializer: str | None = None
    weights: tuple[str, ...] = (KERNEL, BIAS)
    fan_in: int | None = None
    fan_out: int | None = None
    units: int | None = None
    roles: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    untrained: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.roles) != len(self.weights):
            roles = tuple(_ROLE_OF_NAME.get(name, BIAS) for name in self.weights)
            object.__setattr__(self, "roles", roles)

    @property
    def activation_or_kind(self) -> str:
        """Name of the activation function; of a layer without one its class in lower case."""
        return self.activation or self.kind.lower()

    @property
    def is_trained(self) -> bool:
        """Whether a watched optimizer trains one of its weights at least."""
        return any(name not in self.untrained for name in self.weights)

    @property
    def main_weights(self) -> tuple[str, ...]:
        """Names of the weights through which the layer passes a signal on, kernels first."""
        return tuple(
            name
            for wanted in MAIN_ROLES
            for name, role in zip(self.weights, self.roles, strict=True)
            if role == wanted
        )


def with_earlier(layers: Sequence[LayerInfo], before: Sequence[LayerInfo]) -> tuple[LayerInfo, ...]:
    """Return layers, with the weights and layers that an earlier part of a record has besides.

    Args:
        layers: The layers of a fit, which do not list frozen weights.
        before: The layers of the fits before.
    """
    known = {info.name: info for info in before}
    found = [_with_weights_of(info, known.pop(info.name, info)) for info in layers]
    return (*found, *known.values())


def _with_weights_of(info: LayerInfo, before: LayerInfo) -> LayerInfo:
    if set(before.weights) <= set(info.weights):
        return info
    roles = dict(zip(info.weights, info.roles, strict=True))
    roles = dict(zip(before.weights, before.roles, strict=True)) | roles
    # What is known of a kernel is missing from a layer whose kernel is frozen.
    whole = before if set(info.weights) <= set(before.weights) else info
    return replace(whole, weights=tuple(roles), roles=tuple(roles.values()))


class Fit(NamedTuple):
    """Where a `fit` began, or an entry of `watch`.

    Attributes:
        step: Number of its first step.
        epoch: Number of its first epoch.

    Example:
        >>> from keras_course_ext.monitoring import Fit
        >>> Fit(step=8, epoch=2)
        Fit(step=8, epoch=2)
    """

    step: int
    epoch: int


class Histogram(NamedTuple):
    """How the elements of a tensor were distributed at one step.

    Attributes:
        step: Number of the step.
        epoch: Number of its epoch.
        layer: Name of the layer.
        tensor: Name of the tensor, `"kernel"`, `"bias"`, ... or `"output"`.
        kind: `"gradient"`, `"weight"` or `"activation"`.
        edges: Edges of the bins, ascending, shape `(bins + 1,)`: powers of 2 and their negatives,
            of activations from 1/8 to 2 eighths of the way between them too. The bin in the middle
            holds the elements that are 0.
        counts: Number of elements in each bin, shape `(bins,)`; NaN and infinities are in none.

    Example:
        >>> from keras_course_ext.monitoring import Histogram
        >>> edges, counts = np.array([-1, 0, 1]), np.array([5, 3])
        >>> h = Histogram(0, 0, "dense", "kernel", "weight", edges, counts)
    """

    step: int
    epoch: int
    layer: str
    tensor: str
    kind: str
    edges: np.ndarray
    counts: np.ndarray


class Block(NamedTuple):
    """Rows that were recorded together, one row a step and one column a key.

    Attributes:
        keys: What each column is.
        steps: Step of each row, shape `(rows,)`.
        epochs: Epoch of each row, shape `(rows,)`.
        values: float32 of shape `(rows, len(keys))`.
    """

    keys: tuple[Key, ...]
    steps: np.ndarray
    epochs: np.ndarray
    values: np.ndarray


@dataclass
class Content:
    """All that a record holds, as files and selections read and make it.

    Attributes:
        layers: The layers in forward order.
        loss_scaled: Whether the run used dynamic loss scaling.
        blocks: The blocks of rows, in the order in which they were added.
        histograms: The histograms, in the order of the steps.
        fits: Where each `fit` began.
        thinned: Number of rows that were dropped from memory.
        observations: What is known of the task and the outcome, in the order of the epochs.
    """

    layers: tuple[LayerInfo, ...] = ()
    loss_scaled: bool = False
    blocks: list[Block] = field(default_factory=list)
    histograms: list[Histogram] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    thinned: int = 0
    observations: list[Observation] = field(default_factory=list)

    @property
    def keys(self) -> list[Key]:
        """Everything that was recorded, each key once, in the order of the columns."""
        return list(dict.fromkeys(key for block in self.blocks for key in block.keys))

    @property
    def steps(self) -> np.ndarray:
        """The recorded steps, ascending, each once."""
        recorded = [block.steps for block in self.blocks]
        return np.unique(np.concatenate(recorded)) if recorded else np.empty(0, np.int64)


def block_of(keys: Sequence[Key], steps: Any, epochs: Any, values: Any) -> Block:
    """Return a block of rows.

    Args:
        keys: A `Key` for each column.
        steps: Step of each row, shape `(rows,)`.
        epochs: Epoch of each row, shape `(rows,)`.
        values: Numbers, shape `(rows, len(keys))`.

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    block = Block(
        tuple(keys),
        np.asarray(steps, dtype=np.int64),
        np.asarray(epochs, dtype=np.int64),
        np.asarray(values, dtype=np.float32),
    )
    rows = (len(block.steps), len(block.keys))
    if block.values.shape != rows or block.epochs.shape != block.steps.shape:
        raise ValueError(
            f"`values` must have one row a step and one column a key, {rows}, and `epochs` "
            f"one entry a step. Received: values of shape {block.values.shape}, "
            f"{len(block.steps)} steps, {len(block.epochs)} epochs and {len(keys)} keys."
        )
    return block
