"""What a run is for: its inputs, targets, outputs and losses, and how the loss went, by epoch.

The gradients alone do not show that a sigmoid is to give 37.2, or that the loss is no better than
that of a constant. An `Observation` an epoch keeps what does.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class InputInfo:
    """An input of the model, over the batches that were looked at.

    Attributes:
        name: Name of the input, or `""`.
        columns: Size of the last axis; 1 for a vector.
        samples: How many samples were looked at.
        integers: Whether all elements are whole numbers.
        mean: Mean of the finite elements.
        std: Their standard deviation.
        smallest: The smallest of them.
        largest: The largest of them.
        largest_scale: Root mean square of the column where it is largest.
        smallest_scale: The same where it is smallest, of the columns that are not constant.
        constant_columns: Number of columns with one value only.
        non_finite_share: Share of the elements that are NaN or infinite.
    """

    name: str = ""
    columns: int = 1
    samples: int = 0
    integers: bool = False
    mean: float = 0.0
    std: float = 1.0
    smallest: float = 0.0
    largest: float = 0.0
    largest_scale: float = 1.0
    smallest_scale: float = 1.0
    constant_columns: int = 0
    non_finite_share: float = 0.0


@dataclass(frozen=True)
class TargetInfo:
    """The targets of an output, over the batches that were looked at.

    Attributes:
        shape: Shape without the batch; () for a vector.
        samples: How many samples were looked at.
        integers: Whether all elements are whole numbers.
        one_hot: Whether each row has one 1 and otherwise zeros, over two columns or more.
        distributions: Whether each row is not negative and adds up to 1, over two columns or more.
        mean: Mean of the finite elements.
        std: Their standard deviation.
        smallest: The smallest of them.
        largest: The largest of them.
        deviation: Root of the mean variance of the columns: what is left beside the column means.
        values: The distinct values of a single column of whole numbers, at most 64; of one-hot rows
            the numbers of the classes.
        shares: The share of each.
        constant_columns: Number of columns with one value only.
        non_finite_share: Share of the elements that are NaN or infinite.
    """

    shape: tuple[int, ...] = ()
    samples: int = 0
    integers: bool = False
    one_hot: bool = False
    distributions: bool = False
    mean: float = 0.0
    std: float = 1.0
    smallest: float = 0.0
    largest: float = 0.0
    deviation: float = 1.0
    values: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    constant_columns: int = 0
    non_finite_share: float = 0.0

    @property
    def columns(self) -> int:
        """Size of the last axis; 1 for a vector."""
        return self.shape[-1] if self.shape else 1

    @property
    def classes(self) -> int:
        """Number of classes, if the targets can be class numbers or one-hot rows; else 0."""
        if self.one_hot:
            return self.columns
        if not (self.integers and self.columns == 1 and self.values and self.smallest >= 0):
            return 0
        # Class numbers are consecutive; counts and prices are not.
        consecutive = self.largest - self.smallest + 1 == len(self.values)
        return int(self.largest) + 1 if consecutive and len(self.values) > 1 else 0


@dataclass(frozen=True)
class OutputInfo:
    """An output of the model and its loss.

    Attributes:
        name: Name of the output, or `""` if it is the only one.
        layer: Name of the layer with the activation function.
        layers: Names of the layers that make it: the last one with a kernel and those behind it.
        activation: Name of the activation function, `"linear"` if there is none, None if unknown.
        units: Size of the last axis, or None if unknown.
        shape: Shape without the batch, None where unknown; None as a whole if unknown.
        loss: Name of the loss as in `keras.losses`, such as `"mean_squared_error"`; None if there
            is none or it is the user's own.
        from_logits: Whether the loss takes logits; None if it has no such argument.
        targets: The targets, or None if they are unknown.
        constant_loss: The smallest loss that a constant output has, or None if it is unknown.
        least_loss: The loss of outputs equal to the targets: above 0 for a crossentropy of targets
            between 0 and 1.
        out_of_reach: Share of the targets' variance that the activation cannot reach, or None.
        weighted: Whether there are sample weights.
    """

    name: str = ""
    layer: str = ""
    layers: tuple[str, ...] = ()
    activation: str | None = None
    units: int | None = None
    shape: tuple[int | None, ...] | None = None
    loss: str | None = None
    from_logits: bool | None = None
    targets: TargetInfo | None = None
    constant_loss: float | None = None
    least_loss: float = 0.0
    out_of_reach: float | None = None
    weighted: bool = False


@dataclass(frozen=True)
class Observation:
    """What is known of the task and the outcome when an epoch ends.

    Attributes:
        epoch: Number of the epoch.
        step: Number of its first step.
        batches: Number of batches that were trained in it.
        inputs: The inputs; () if the data was not looked at in this epoch.
        outputs: The outputs; () likewise.
        optimizer: Class of the optimizer, or None.
        learning_rate: Its learning rate at the end of the epoch, or None.
        penalized: Whether the loss has terms besides those of the outputs, such as a regularizer.
        logs: Keras's logs of the epoch: loss, metrics and validation, names.
        values: Their values.
        losses: Mean loss of the epoch so far, at some of its batches.
        at: How many batches had been trained then.
    """

    epoch: int = 0
    step: int = 0
    batches: int = 0
    inputs: tuple[InputInfo, ...] = ()
    outputs: tuple[OutputInfo, ...] = ()
    optimizer: str | None = None
    learning_rate: float | None = None
    penalized: bool = False
    logs: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    at: tuple[int, ...] = field(default=())

    def log(self, name: str) -> float | None:
        """Return a value of the logs; None if there is none of this name."""
        return self.values[self.logs.index(name)] if name in self.logs else None


def rounded(x: float) -> float:
    """Return the shortest number that gives the same float32, as the files of a record hold it."""
    with np.errstate(over="ignore"):
        return float(str(np.float32(x)))
