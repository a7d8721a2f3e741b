"""The record of a training run: which statistic of which tensor had which value at which step."""

import os
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.monitoring.record import display, frame, merge, selection, storage
from keras_course_ext.monitoring.record.schema import (
    Block,
    Content,
    Fit,
    Histogram,
    Key,
    LayerInfo,
    block_of,
)
from keras_course_ext.monitoring.record.table import Table
from keras_course_ext.monitoring.record.task import Observation

if TYPE_CHECKING:
    import pandas  # pyright: ignore[reportMissingImports, reportMissingModuleSource]


class GradientHistory:
    """The values that a `GradientMonitor` recorded, in the order of the steps.

    A step is one batch; steps count from 0 (or on, where training is resumed), epochs likewise.
    Where several fits are in one record, `fits` says where each of them began.

    Args:
        layers: The layers in forward order. Defaults to (), none.
        loss_scaled: Whether the run used dynamic loss scaling, under which a non-finite gradient
            now and then is part of the method and the step is skipped. Defaults to False.

    Example:
        >>> from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo
        >>> key = Key("dense", "kernel", "grad_norm")
        >>> history = GradientHistory([LayerInfo("dense")])
        >>> history.append([0, 1], [0, 0], [key], [[0.5], [0.25]])
        >>> history.has(*key), history.series(*key)[2].tolist(), history.to_records()[1]["value"]
        (True, [0.5, 0.25], 0.25)
        >>> history.matrix([key])[2].shape, len(history.blocks()), len(history.before(1))
        ((1, 2), 1, 1)
        >>> len(GradientHistory.from_dict(history.to_dict())), len(history.to_dataframe())
        (2, 2)
        >>> history.begin_fit(step=0, epoch=0)
        >>> history.fits, len(history.of_epoch(0)), history.thin(most=100)
        ([Fit(step=0, epoch=0)], 2, False)
        >>> history.save("record.jsonl")  # doctest: +SKIP
        >>> history = GradientHistory.load("record.jsonl")  # doctest: +SKIP
    """

    def __init__(self, layers: Sequence[LayerInfo] = (), loss_scaled: bool = False) -> None:
        self.layers = tuple(layers)
        self.loss_scaled = loss_scaled
        self._tables: dict[tuple[Key, ...], Table] = {}
        # The tables that have a key, and its column in each.
        self._places: dict[Key, list[tuple[Table, int]]] = {}
        self.thinned = 0
        """Number of rows that `thin` has dropped."""
        self.histograms: list[Histogram] = []
        self.fits: list[Fit] = []
        self.observations: list[Observation] = []

    def begin_fit(self, step: int, epoch: int) -> None:
        """Note where a fit begins.

        Args:
            step: Number of its first step. Marks at this step or later ones are replaced.
            epoch: Number of its first epoch.
        """
        self.fits = [*(fit for fit in self.fits if fit.step < step), Fit(step, epoch)]

    def append(
        self,
        steps: Sequence[int] | np.ndarray,
        epochs: Sequence[int] | np.ndarray,
        keys: Sequence[Key],
        values: Any,
    ) -> None:
        """Add a block of rows, one row a step and one column a key.

        Args:
            steps: Step of each row, shape `(rows,)`.
            epochs: Epoch of each row, shape `(rows,)`.
            keys: A `Key` for each column.
            values: Numbers, shape `(rows, len(keys))`.

        Raises:
            ValueError: If the shapes do not fit each other.
        """
        self._add(block_of(keys, steps, epochs, values))

    @property
    def _content(self) -> Content:
        return Content(
            self.layers,
            self.loss_scaled,
            self.blocks(),
            self.histograms,
            self.fits,
            self.thinned,
            self.observations,
        )

    @classmethod
    def _of(cls, content: Content) -> "GradientHistory":
        history = cls(content.layers, content.loss_scaled)
        for block in content.blocks:
            history._add(block)
        history.histograms, history.fits = content.histograms, content.fits
        history.thinned, history.observations = content.thinned, content.observations
        return history

    def _add(self, block: Block) -> None:
        if not block.values.size:
            return
        table = self._tables.get(block.keys)
        if table is None:
            table = self._tables[block.keys] = Table(block.keys)
            for column, key in enumerate(block.keys):
                self._places.setdefault(key, []).append((table, column))
        table.append(block)

    def __len__(self) -> int:
        """Return the number of recorded values."""
        return sum(table.size for table in self._tables.values())

    def __repr__(self) -> str:
        steps = self.steps
        span = f"steps {steps[0]} to {steps[-1]}" if len(steps) else "no steps"
        thinned = f", {self.thinned} rows thinned out" if self.thinned else ""
        return (
            f"<GradientHistory of {len(self.layers)} layers, {span}, {len(self)} values{thinned}>"
        )

    def _repr_html_(self) -> str | None:
        """Return the verdict and the map of the layers, which a notebook shows."""
        return display.summary(self)

    def report(self, path: str | os.PathLike, language: str | None = None) -> None:
        """Write a page: the verdict, the layers with their figures, pictures, and what to change.

        The page is one file that needs no network; a browser opens it from the disk.

        Args:
            path: The file, such as `"report.html"`.
            language: Language of the page, "en" or "ko". Defaults to None, that of
                `kce.set_language`.

        Raises:
            ImportError: If jinja2 is not installed; the message says how to install it.
            ValueError: If `language` is neither.

        Example:
            >>> from keras_course_ext.monitoring import GradientHistory
            >>> GradientHistory.load("record.jsonl").report("report.html")  # doctest: +SKIP
        """
        display.write(self, path, language)

    def blocks(self, first: Sequence[int] = ()) -> list[Block]:
        """Return the rows, a block for each set of keys that were recorded together.

        Args:
            first: Integers ≥ 0, how many rows to leave out at the beginning of each block.
                Defaults to (), none.

        Returns:
            A list of blocks, in the order in which their first rows were added. The arrays must not
            be changed.
        """
        numbers = [*first, *[0] * (len(self._tables) - len(first))]
        tables = zip(self._tables.values(), numbers, strict=True)
        return [table.block(number) for table, number in tables]

    def of_epoch(self, epoch: int) -> "GradientHistory":
        """Return the record of one epoch.

        Args:
            epoch: Its number.

        Returns:
            A new `GradientHistory`, without histograms.
        """
        part = GradientHistory(self.layers, self.loss_scaled)
        for table in self._tables.values():
            part._add(table.of_epoch(epoch))
        return part

    def thin(self, most: int) -> bool:
        """Drop rows until there are at most so many values; `thinned` counts them.

        Every second row is dropped, as often as needed, but not the first ten ones, nor rows with a
        value that is not finite. So the older a part of the record is, the fewer steps it keeps.

        Args:
            most: Integer ≥ 1, a number of values; 4 bytes each.

        Returns:
            True if rows were dropped.
        """
        before = self.thinned
        while len(self) > most:
            dropped = sum(table.thin() for table in self._tables.values())
            if not dropped:
                break
            self.thinned += dropped
        return self.thinned > before

    def before(self, step: int) -> "GradientHistory":
        """Return the record of the steps before `step`, as it was then.

        Args:
            step: Number of the first step to leave out.

        Returns:
            A new `GradientHistory`.
        """
        earlier = GradientHistory(self.layers, self.loss_scaled)
        for block in self.blocks():
            at = block.steps < step
            earlier.append(block.steps[at], block.epochs[at], block.keys, block.values[at])
        earlier.histograms = [h for h in self.histograms if h.step < step]
        earlier.thinned = self.thinned
        earlier.fits = [fit for fit in self.fits if fit.step < step]
        earlier.observations = [o for o in self.observations if o.step < step]
        return earlier

    @property
    def keys(self) -> list[Key]:
        """Everything that was recorded, each key once, in the order of the columns."""
        return list(self._places)

    @property
    def steps(self) -> np.ndarray:
        """The recorded training steps, ascending, each once."""
        return self._content.steps

    def series(
        self, layer: str, tensor: str, statistic: str = "grad_norm"
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return one statistic of one tensor over time.

        Args:
            layer: Name of the layer.
            tensor: Name of the tensor: `"kernel"`, `"bias"`, ..., `"output"` or `"logits"`.
            statistic: A name. Defaults to "grad_norm".

        Returns:
            `(steps, epochs, values)`, three arrays of the same length.

        Raises:
            KeyError: If it was not recorded; the message lists what was.
        """
        key = Key(layer, tensor, statistic)
        places = self._places.get(key)
        if places is None:
            raise KeyError(
                f"{tuple(key)} was not recorded. Recorded: "
                + (", ".join(str(tuple(k)) for k in self.keys) or "nothing yet")
            )
        found = [table.series(column) for table, column in places]
        if len(found) == 1:
            return found[0]
        steps, epochs, values = map(np.concatenate, zip(*found, strict=True))
        order = np.argsort(steps, kind="stable")
        return steps[order], epochs[order], values[order]

    def matrix(self, keys: Sequence[Key]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return several statistics side by side, over the steps that have all of them.

        Args:
            keys: A `Key` for each of them, at least one.

        Returns:
            `(steps, epochs, values)` with `values` of shape `(len(keys), steps)`.
        """
        places = [self._places.get(key, []) for key in keys]
        if all(len(p) == 1 and p[0][0] is places[0][0][0] for p in places):
            table, column = places[0][0]
            steps, epochs, _ = table.series(column)
            return steps, epochs, table.columns([p[0][1] for p in places])
        series = [self.series(*key) for key in keys]
        common = reduce(np.intersect1d, [steps for steps, _, _ in series])
        at = [np.isin(steps, common) for steps, _, _ in series]
        values = np.stack([v[i] for (_, _, v), i in zip(series, at, strict=True)])
        return common, series[0][1][at[0]], values

    def has(self, layer: str, tensor: str, statistic: str = "grad_norm") -> bool:
        """Say whether a statistic of a tensor was recorded.

        Args:
            layer: Name of the layer.
            tensor: Name of the tensor, as for `series`.
            statistic: A name. Defaults to "grad_norm".

        Returns:
            True if there is a value of it.
        """
        return Key(layer, tensor, statistic) in self._places

    def select(
        self,
        layers: str | Sequence[str] | None = None,
        tensors: str | Sequence[str] | None = None,
        statistics: str | Sequence[str] | None = None,
        steps: slice | range | Sequence[int] | np.ndarray | None = None,
    ) -> "GradientHistory":
        """Return the part of the record that has these names and lies at these steps.

        Args:
            layers: Name of a layer or several; `""` is the whole model. Defaults to None, all.
            tensors: Names such as `"kernel"` or `["output", "logits"]`. Defaults to None, all.
            statistics: Names such as `"grad_norm"`; `"histogram"` for the histograms. Defaults to
                None, all.
            steps: A slice of step numbers, such as `slice(100, 200)`, or a range: what was
                recorded there; or a sequence of steps that were recorded. Defaults to None, all.

        Returns:
            A new `GradientHistory`, with the histograms that fit.

        Raises:
            ValueError: If a name or a step was not recorded; the message suggests the nearest.

        Example:
            >>> from keras_course_ext.monitoring import GradientHistory, Key
            >>> history = GradientHistory()
            >>> keys = [Key("a", "kernel", "grad_norm"), Key("b", "kernel", "grad_norm")]
            >>> history.append([0, 1, 2], [0, 0, 0], keys, [[1, 2], [3, 4], [5, 6]])
            >>> history.select(layers="b", steps=slice(1, None)).series("b", "kernel")[2].tolist()
            [4.0, 6.0]
        """
        return self._of(selection.select(self._content, layers, tensors, statistics, steps))

    @classmethod
    def merge(cls, parts: Mapping[str, "GradientHistory"]) -> "GradientHistory":
        """Return one record of several runs or workers that tells them apart.

        Layer `dense` of `worker_0` is named `worker_0/dense`, the statistics of its whole model
        have the tensor `worker_0/model`. The diagnosis compares the layers of one model: give it
        a part, `diagnose(merged.part("worker_0"))`.

        Args:
            parts: The records by name, such as `{"worker_0": ..., "worker_1": ...}`. A name is
                not empty and has no `/`.

        Returns:
            A new `GradientHistory`.

        Raises:
            ValueError: If a name does not fit.

        Example:
            >>> from keras_course_ext.monitoring import GradientHistory, Key
            >>> first, second = GradientHistory(), GradientHistory()
            >>> first.append([0, 1], [0, 0], [Key("dense", "kernel", "grad_norm")], [[1], [2]])
            >>> second.append([0, 1], [0, 0], [Key("dense", "kernel", "grad_norm")], [[3], [4]])
            >>> merged = GradientHistory.merge({"worker_0": first, "worker_1": second})
            >>> merged.series("worker_1/dense", "kernel")[2].tolist()
            [3.0, 4.0]
            >>> merged.part("worker_0").series("dense", "kernel")[2].tolist()
            [1.0, 2.0]
        """
        return cls._of(merge.merge({name: part._content for name, part in parts.items()}))

    def part(self, name: str) -> "GradientHistory":
        """Return one of the records that `merge` joined, under its own names again.

        Args:
            name: The name that it has in the merged record.

        Returns:
            A new `GradientHistory`.

        Raises:
            ValueError: If there is none of this name; the message suggests the nearest.

        Example:
            >>> from keras_course_ext.monitoring import GradientHistory, Key
            >>> history = GradientHistory()
            >>> history.append([0], [0], [Key("dense", "kernel", "grad_norm")], [[1]])
            >>> GradientHistory.merge({"first_run": history}).part("first_run").keys[0].layer
            'dense'
        """
        return self._of(merge.part_of(self._content, name))

    def to_dataframe(self) -> "pandas.DataFrame":
        """Return every value as a row of a pandas DataFrame, in the order of the steps.

        For one column a statistic write
        `history.to_dataframe().pivot(index="step", columns=["layer", "tensor", "statistic"])`.

        Returns:
            A DataFrame with the columns `step`, `epoch`, `layer`, `tensor`, `statistic` (the
            latter three categorical) and `value` (float32).

        Raises:
            ImportError: If pandas is not installed; the message says how to install it.
        """
        return frame.to_dataframe(self._content)

    def to_records(self) -> list[dict[str, Any]]:
        """Return every value as a dictionary, in the order of the steps.

        Returns:
            A list of `{"step", "epoch", "layer", "tensor", "statistic", "value"}`.
        """
        return storage.records(self._content)

    def save(self, path: str | os.PathLike) -> None:
        """Write the record to a file: `.csv`, or `.json` or `.jsonl` for `load`.

        A `.csv` has one value a line, of some 50 bytes, and no histograms: 100 recorded steps of 20
        layers with every statistic, 40,000 values, are 2 MB, and those of a `select` less. A
        `.jsonl` has one step a line.

        Args:
            path: The file; the ending decides the format.

        Raises:
            ValueError: If the ending is none of these.
        """
        storage.save(self._content, path)

    def to_dict(self) -> dict[str, Any]:
        """Return the record in the form of JSON.

        Returns:
            A dictionary that `from_dict` reads.
        """
        return storage.to_dict(self._content)

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> "GradientHistory":
        """Return the record that `to_dict` turned into a dictionary.

        Args:
            document: The dictionary.

        Returns:
            A `GradientHistory` equal to that one.

        Raises:
            ValueError: If it is not one.
        """
        return cls._of(storage.from_dict(document))

    @classmethod
    def load(cls, path: str | os.PathLike) -> "GradientHistory":
        """Read a record that `save` wrote as `.json` or `.jsonl`, or a `JSONLinesSink`.

        Args:
            path: The file. Training may still be writing to a `.jsonl`, or have been killed.

        Returns:
            A `GradientHistory` equal to the one saved.

        Raises:
            ValueError: If the file is not one.
        """
        return cls._of(storage.load(path))
