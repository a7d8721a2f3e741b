"""One step: from the gradients of a batch to new weights.

    sum over the replicas → mean over the accumulated batches → clip → decay, rule → moving average

Every optimizer does this in this order; only the rule differs.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from keras_course_ext.optimizers.engine.contract import Optimizer
from keras_course_ext.optimizers.engine.run import run_one, run_updates
from keras_course_ext.optimizers.engine.slots import start_at_weights, weights_to_copy
from keras_course_ext.optimizers.engine.sparse import summed_rows
from keras_course_ext.optimizers.engine.update import native


def run(optimizer: Optimizer, grads: Sequence[Any], variables: Sequence[Any]) -> None:
    """Adds up the gradients of one batch, and updates the weights after the last of a group.

    Args:
        optimizer: The optimizer, built.
        grads: Gradients, unscaled; none of them `None`.
        variables: Their weights.
    """
    if tf.distribute.has_strategy():
        _on_replicas(optimizer, grads, variables)
    elif optimizer.gradient_accumulation_steps:
        _on_the_last_batch(optimizer, grads, variables)
    else:
        _update(optimizer, grads, variables)


def _update(optimizer: Optimizer, grads: Sequence[Any], variables: Sequence[Any]) -> None:
    start_at_weights(optimizer)
    grads = optimizer.clipped(grads)
    scalars = optimizer.begin_step(pairs=zip(grads, variables, strict=True))
    run_updates([optimizer.update_of(g, w, scalars) for g, w in zip(grads, variables, strict=True)])
    for w, mean in optimizer.averages():
        _average(optimizer, w, mean, w)


def _on_the_last_batch(
    optimizer: Optimizer, grads: Sequence[Any], variables: Sequence[Any]
) -> None:
    """Adds up gradients, and updates by their mean after the last of a group of batches.

    The sums are taken inside of the condition: TensorFlow's graph optimizer would join a sum
    outside with the sum of the gradients of a shared weight, in an order that depends on the
    other readers of these gradients.
    """
    accumulators = [optimizer.accumulator_of(w) for w in variables]
    steps = optimizer.gradient_accumulation_steps

    def sums() -> list[Any]:
        return [g + total for g, total in zip(grads, accumulators, strict=True)]

    def update() -> None:
        _update(optimizer, [total / steps for total in sums()], variables)
        for accumulator in accumulators:
            accumulator.assign(tf.zeros(accumulator.shape, accumulator.dtype))

    def wait() -> None:
        for accumulator, total in zip(accumulators, sums(), strict=True):
            accumulator.assign(total)

    tf.cond(optimizer.is_last_batch(), update, wait)


def _on_replicas(optimizer: Optimizer, grads: Sequence[Any], variables: Sequence[Any]) -> None:
    """Sums the gradients of the replicas, and updates the copies of the weights on all of them.

    Gradients are clipped after they are summed, so that two replicas compute what one device
    computes. A `tf.cond` must not contain a call that crosses replicas, so the cross-replica
    context is entered first, with one condition for each variable.
    """
    strategy, replica = tf.distribute.get_strategy(), tf.distribute.get_replica_context()
    if replica is not None:
        # TensorFlow does not add up a gradient that is the same tensor on all replicas.
        grads = [tf.identity(g) for g in grads]
        grads = replica.all_reduce(tf.distribute.ReduceOp.SUM, grads)
        grads = [summed_rows(g, dense=False) for g in grads]  # a row may come from two replicas
    steps, last, sums = optimizer.gradient_accumulation_steps, None, [None] * len(variables)
    if steps:
        last = optimizer.is_last_batch()
        sums = [
            g + tf.convert_to_tensor(optimizer.accumulator_of(w))
            for g, w in zip(grads, variables, strict=True)
        ]
        grads = [total / steps for total in sums]
    grads = optimizer.clipped(grads)
    scalars = optimizer.begin_step(last, zip(grads, variables, strict=True))

    def update(w: Any, g: Any, total: Any, scalars: Mapping[str, Any], last: Any) -> None:
        accumulator = None if last is None else optimizer.accumulator_of(w)

        def now() -> None:
            run_one(optimizer.update_of(g, w, scalars))
            if accumulator is not None:
                accumulator.assign(tf.zeros(accumulator.shape, accumulator.dtype))

        def wait() -> None:
            if accumulator is not None:
                accumulator.assign(total)

        _if(last, now, wait)

    def average(w: Any, mean: Any, last: Any, model_weight: Any) -> None:
        _if(last, lambda: _average(optimizer, w, mean, model_weight), lambda: None)

    def start(w: Any, slot: Any) -> None:
        first = tf.equal(optimizer.iterations, 0)
        _if(first, lambda: native(slot).assign(tf.convert_to_tensor(w)), lambda: None)

    def cross_replicas(
        strategy: Any, grads: Any, sums: Any, scalars: Mapping[str, Any], last: Any
    ) -> None:
        for w, slot in weights_to_copy(optimizer):
            strategy.extended.update(native(w), start, args=(slot,), group=False)
        for w, g, total in zip(variables, grads, sums, strict=True):
            arguments = (g, total, scalars, last)
            strategy.extended.update(native(w), update, args=arguments, group=False)
        for w, mean in optimizer.averages():
            strategy.extended.update(
                native(w), partial(average, model_weight=w), args=(mean, last), group=False
            )

    _merge_call(cross_replicas, strategy, grads, sums, scalars, last)


def _merge_call(function: Callable[..., None], strategy: Any, *args: Any) -> None:
    """Calls a function of the strategy in the cross-replica context."""
    try:
        # Keras uses this private function. Unlike the public `merge_call` it also works in a
        # function that XLA compiles.
        merge_call = tf.__internal__.distribute.interim.maybe_merge_call
    except AttributeError:
        replica = tf.distribute.get_replica_context()
        if replica is None:
            function(strategy, *args)
        else:
            replica.merge_call(function, args=args)
    else:
        merge_call(function, strategy, *args)


def _if(condition: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> None:
    if condition is None:
        then()
        return

    def without_value(branch: Callable[[], Any]) -> Callable[[], None]:
        def run_branch() -> None:
            branch()

        return run_branch

    tf.cond(condition, without_value(then), without_value(otherwise))


def _average(optimizer: Optimizer, w: Any, average: Any, model_weight: Any) -> None:
    """Updates the moving average of the weights, a ← μ a + (1 − μ) w; a = w at the first update.

    The constraint of the weights, which Keras applies after the step, is applied first, because
    the average is that of the constrained weights.
    """
    w, average = native(w), native(average)
    constraint = getattr(model_weight, "constraint", None)
    if constraint is not None:
        w.assign(constraint(tf.convert_to_tensor(w)))
    begun = tf.cast(tf.not_equal(optimizer.iterations, 0), w.dtype)
    momentum = begun * tf.cast(optimizer.ema_momentum, w.dtype)
    average.assign(momentum * average + (1 - momentum) * w)
    if optimizer.ema_overwrite_frequency:
        due = tf.equal((optimizer.iterations + 1) % optimizer.ema_overwrite_frequency, 0)
        _if(due, lambda: w.assign(average), lambda: None)
