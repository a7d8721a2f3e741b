"""What the replicas of other workers recorded, exchanged on the host when a record is read."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import tensorflow as tf

Rows = tuple[np.ndarray, np.ndarray]
"""Rows, shape `(steps, ...)`, and the steps that they belong to."""


def has_other_workers(strategy: tf.distribute.Strategy) -> bool:
    """Say whether some replicas of a strategy run in other processes."""
    replicas = strategy.num_replicas_in_sync
    return replicas > 1 and replicas > len(strategy.extended.worker_devices)


def of_all_workers(
    strategy: tf.distribute.Strategy, own: Sequence[Rows], shape: Sequence[int]
) -> list[Rows]:
    """Return the rows of all replicas of all workers.

    All workers must call this, as often as each other: they wait until the last one does. The
    numbers of rows are exchanged first: whole buffers would be 4,096 rows of every replica, sent to
    every worker, at each reading.

    Args:
        strategy: The strategy.
        own: What was read from the buffers of this process, an entry for each.
        shape: Shape of a row.
    """
    counts = gathered(strategy, [np.int64(len(steps)) for _, steps in own])
    longest = int(max(counts))
    if not longest:
        return [(np.zeros((0, *shape), own[0][0].dtype), np.zeros(0, np.int64)) for _ in counts]
    padded, numbers = [], []
    for rows, steps in own:
        padded.append(np.zeros((longest, *shape), rows.dtype))
        numbers.append(np.full(longest, -1, np.int64))
        padded[-1][: len(steps)] = rows.reshape(-1, *shape)
        numbers[-1][: len(steps)] = steps
    return [
        (rows[steps >= 0], steps[steps >= 0])
        for rows, steps in zip(gathered(strategy, padded), gathered(strategy, numbers), strict=True)
    ]


def of_common_steps(read: Sequence[Rows]) -> list[Rows]:
    """Return the rows of the steps that all replicas have written."""
    common = reduce(np.intersect1d, [steps for _, steps in read])
    return [(rows[np.isin(steps, common)], common) for rows, steps in read]


def gathered(strategy: tf.distribute.Strategy, own: Sequence[Any]) -> list[Any]:
    """Return the arrays of all replicas of all workers; `own` are those of this process."""
    values = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(own[context.replica_id_in_sync_group % len(own)][None])
    )
    return list(strategy.gather(values, axis=0).numpy())
