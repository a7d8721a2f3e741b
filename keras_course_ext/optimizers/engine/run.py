"""How a rule is run over the variables.

A rule takes values and returns values. An engine reads the weights and their slots, runs the rule,
and writes the results back:

* `plain`, the formula on one variable, works for every update, and the others are tested against
  it;
* `flat`, the formula once for many small variables whose slots lie end to end (`flat.py`);
* `rows`, the formula on the rows of a table that were looked up;
* `in_place`, for a large variable in a graph on one device: TensorFlow's kernel where there is one
  for the rule (`kernels.py`), and the formula compiled by XLA otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext._tracing import in_plain_graph
from keras_course_ext.optimizers.engine.flat import SMALL, FlatStore, end_to_end
from keras_course_ext.optimizers.engine.kernels import kernel_of
from keras_course_ext.optimizers.engine.update import Update, native
from keras_course_ext.optimizers.rules.scalars import scalars_of

CLUSTER = 4_000_000
"""The most elements that share an XLA cluster."""


def run_updates(updates: Sequence[Update]) -> None:
    """Carries out the updates of all variables, each by the fastest engine for it."""
    in_graph = in_plain_graph()
    large: list[Update] = []
    stores: dict[FlatStore, list[Update]] = {}
    for update in updates:
        if update.store is not None:
            stores.setdefault(update.store, []).append(update)
        elif in_graph and not isinstance(update.gradient, tf.IndexedSlices):
            large.append(update)
        else:
            run_one(update)
    for store, members in stores.items():
        flat(store, members)
    in_place(large)


def summed_terms(
    terms: partial, updates: Sequence[Update], dtype: tf.DType
) -> dict[str, tf.Tensor]:
    """Computes the scalars of every update by a pure function, and sums them over all updates.

    Args:
        terms: Takes what the rule takes, and returns scalars by name.
        updates: The updates of all variables; their gradients are dense.
        dtype: The dtype of the sums.

    Returns:
        The sums by name.
    """
    sums: dict[str, tf.Tensor] = {}
    for update in updates:
        values = (update.gradient, update.variable, *update.slots)
        values = [tf.cast(x, update.compute_dtype) for x in values]
        known = scalars_of(terms.func, _cast(update.scalars, update.compute_dtype))
        for name, x in terms(*values, **known).items():
            x = tf.cast(x, dtype)
            sums[name] = sums[name] + x if name in sums else x
    return sums


def run_one(update: Update) -> None:
    """Carries out the update of one variable by the formula."""
    if isinstance(update.gradient, tf.IndexedSlices):
        rows(update)
    else:
        plain(update)


def plain(update: Update) -> None:
    """Computes the formula, then assigns."""
    dtype = update.compute_dtype
    targets = (update.variable, *update.slots)
    g, *old = (tf.cast(x, dtype) for x in (update.gradient, *targets))
    new = _new_values(update, g, *old, **_cast(update.scalars, dtype))
    for target, value in zip(targets, new, strict=True):
        target.assign(tf.cast(value, target.dtype))


def rows(update: Update) -> None:
    """Computes the formula for the rows that have a gradient; the others keep their values."""
    dtype, indices = update.compute_dtype, update.gradient.indices
    targets = [native(v) for v in (update.variable, *update.slots)]
    g = tf.cast(update.gradient.values, dtype)
    old = [tf.cast(target.sparse_read(indices), dtype) for target in targets]
    new = _new_values(update, g, *old, **_cast(update.scalars, dtype))
    for target, value in zip(targets, new, strict=True):
        target.scatter_update(tf.IndexedSlices(tf.cast(value, target.dtype), indices))


def flat(store: FlatStore, updates: Sequence[Update]) -> None:
    """Runs a rule once over small variables laid end to end."""
    updates = sorted(updates, key=lambda update: update.slots[0].index)
    first, variables = updates[0], [update.variable for update in updates]
    indices = [update.slots[0].index for update in updates]
    sizes = [store.sizes[i] for i in indices]
    g = end_to_end([tf.cast(update.gradient, first.compute_dtype) for update in updates])
    scalars = _cast(first.scalars, first.compute_dtype)
    shifts = first.shifts and all(update.decay is None for update in updates)
    w: Any = tf.zeros((), g.dtype) if shifts else end_to_end(variables)
    first = replace(first, decay=_flat_decay(updates, sizes))

    def renew(g: tf.Tensor, w: tf.Tensor, scalars: Mapping[str, Any]) -> tf.Tensor:
        slots = [store.part(i, indices) for i in range(len(store.slots))]
        w, *slots = _new_values(first, g, w, *slots, **scalars)
        for i, slot in enumerate(slots):
            store.write(i, indices, slot)
        return w

    if in_plain_graph() and sum(sizes) >= SMALL:
        renew = tf.function(renew, autograph=False, jit_compile=True)
    pieces = tf.split(renew(g, w, scalars), sizes)
    for variable, piece in zip(variables, pieces, strict=True):
        value = piece if len(variable.shape) == 1 else tf.reshape(piece, variable.shape)
        target = native(variable)
        _ = target.assign_add(value) if shifts else target.assign(value)


def _flat_decay(updates: Sequence[Update], sizes: Sequence[int]) -> Any:
    decays = [update.decay or 0.0 for update in updates]
    if len(set(decays)) == 1:
        return decays[0] or None
    return tf.constant(np.repeat(decays, sizes), updates[0].compute_dtype)


def in_place(updates: Sequence[Update]) -> None:
    """Runs a rule over large variables, each in one pass over its memory."""
    # The updates of one run share dtype, rule, decay and learning rate.
    by_kernel: dict[Any, list[Update]] = {}
    by_xla: dict[Any, list[Update]] = {}
    for update in updates:
        dtype, lr = update.compute_dtype, id(update.scalars["lr"])
        key = (dtype, repr(update.rule), update.decay, lr)
        if dtype != tf.as_dtype(update.variable.dtype):
            plain(update)
        elif update.decay is None and kernel_of(update.rule.func) is not None:
            by_kernel.setdefault(key, []).append(update)
        elif update.elementwise and update.size >= SMALL:
            by_xla.setdefault(key, []).append(update)
        else:
            # XLA is slow at sums and products of matrices, and on a small variable a call costs
            # more than it saves.
            plain(update)
    for members in by_kernel.values():
        _run_kernel(members)
    for members in by_xla.values():
        _run_compiled(members)


def _run_kernel(updates: Sequence[Update]) -> None:
    first, kernel = updates[0], kernel_of(updates[0].rule.func)
    assert kernel is not None
    renew = kernel(first.rule.keywords | _cast(first.scalars, first.compute_dtype))
    for update in updates:
        g = tf.cast(update.gradient, first.compute_dtype)
        renew(g, native(update.variable), [native(slot) for slot in update.slots])


def _run_compiled(updates: Sequence[Update]) -> None:
    """Runs the formula in XLA clusters with the variables inside, so that it runs in place.

    A call has a cost, and compiling one large cluster takes longer than compiling two small ones,
    so each cluster takes several variables. They are passed as handles: a function of the
    variables themselves would be compiled for each of them instead of once for each shape.
    """
    first = updates[0]

    @partial(tf.function, autograph=False, jit_compile=True)
    def renew(grads: Sequence[Any], handles: Sequence[Any], scalars: Mapping[str, Any]) -> None:
        for g, own in zip(grads, handles, strict=True):
            old = [tf.raw_ops.ReadVariableOp(resource=h, dtype=g.dtype) for h in own]
            old = [tf.ensure_shape(x, g.shape) for x in old]
            for handle, value in zip(own, _new_values(first, g, *old, **scalars), strict=True):
                tf.raw_ops.AssignVariableOp(resource=handle, value=value)

    scalars = _cast(first.scalars, first.compute_dtype)
    for cluster in _clusters(updates):
        grads = [tf.cast(update.gradient, first.compute_dtype) for update in cluster]
        targets = [(update.variable, *update.slots) for update in cluster]
        renew(grads, [[native(v).handle for v in own] for own in targets], scalars)


def _clusters(updates: Sequence[Update]) -> list[list[Update]]:
    clusters: list[list[Update]] = [[]]
    for update in updates:
        if clusters[-1] and sum(u.size for u in clusters[-1]) + update.size > CLUSTER:
            clusters.append([])
        clusters[-1].append(update)
    return clusters


def _new_values(update: Update, g: Any, w: Any, *slots: Any, **scalars: Any) -> tuple[Any, ...]:
    if update.decay is not None:
        w = w - w * update.decay * scalars["lr"]
    new = update.rule(g, w, *slots, **scalars_of(update.rule.func, scalars))
    if not isinstance(new, tuple) or len(new) != 1 + len(slots):
        raise ValueError(
            f"The rule `{update.rule.func.__name__}` must return a tuple of {1 + len(slots)}: the "
            f"new w and its {len(slots)} new slots, in the order of its arguments. It returned "
            f"{new!r}."
        )
    return new


def _cast(values: Mapping[str, Any], dtype: tf.DType) -> dict[str, Any]:
    return {name: tf.cast(x, dtype) for name, x in values.items()}
