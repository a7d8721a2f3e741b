"""Checks the gradient of a function: `gradcheck`."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.gradient_check.comparing import Comparing
from keras_course_ext.gradient_check.function import MODES, Function
from keras_course_ext.gradient_check.inputs import take_apart, variable_input
from keras_course_ext.gradient_check.outputs import outputs_of
from keras_course_ext.gradient_check.precision import precision_of
from keras_course_ext.gradient_check.report import GradcheckError, GradientReport


def gradcheck(
    f: Callable[..., Any],
    *inputs: Any,
    twin: Callable[..., Any] | None = None,
    variables: Iterable[Any] | None = None,
    order: int = 1,
    mode: str = "eager",
    rtol: float | None = None,
    atol: float | None = None,
    twin_rtol: float | None = None,
    samples: int = 500,
    seed: int = 0,
) -> GradientReport:
    """Check a hand-written gradient against central differences, and against a twin's autodiff.

        g = ∂/∂x Σᵢ uᵢ fᵢ(x)          with random u, so that all of the Jacobian takes part
        g ≈ (F(x − 2h) − 8 F(x − h) + 8 F(x + h) − F(x + 2h)) / 12h          with F = Σᵢ uᵢ fᵢ

    Every element of every input is moved separately. No rule of differentiation is used for that,
    so it doesn't matter how the gradient was come by: `tf.custom_gradient`, a layer, a loss.

    Args:
        f: What to check: a function of tensors, a Keras layer, a loss. It returns a tensor or a
            list, tuple or dict of them; outputs that are not floating point don't take part.
        *inputs: The arguments of `f`, at which to check. Tensors, arrays and (lists of) numbers
            that are floating point are differentiated by, also inside of lists, tuples and
            dicts, and so are variables. Python numbers count as float64, all else keeps its
            dtype. What is not floating point is passed through. Options go into a lambda; tensors
            are passed by position, because TensorFlow ignores a custom gradient of keyword
            arguments. No input may lie at a corner of `f`.
        twin: The same function from TensorFlow's own ops, whose values and gradients have to be
            equal to rounding. Defaults to no such comparison.
        variables: Variables that `f` reads, to be differentiated by as well. Defaults to the
            trainable ones of `f` if it is a layer or a `tf.Module`. They keep their values.
        order: 1, or 2 to check the gradient of the gradient as well. Defaults to 1.
        mode: How `f` runs: "eager", "graph" or "jit". Defaults to "eager".
        rtol: Allowed deviation from central differences, relative to them, ≥ 0. Defaults to 1e-8
            in float64 and 1e-3 where anything in `f` is float32. What rounding of the values of
            `f` does to the differences is allowed on top.
        atol: Allowed absolute deviation from central differences, ≥ 0. Defaults as `rtol`.
        twin_rtol: Allowed deviation from `twin`, relative to the largest element (or to 1), ≥ 0.
            Defaults to 1e-12 in float64, 1e-5 in float32.
        samples: Most elements of one input that are moved one by one, ≥ 1. Of a larger input so
            many are drawn, and a move of all elements at once guards the rest. Defaults to 500.
        seed: Seed of u and of the draw. Defaults to 0.

    Returns:
        The report: `print` shows it as a table, `report.rows` holds the comparisons.

    Raises:
        GradcheckError: If a gradient is wrong. The message names the worst element, its place and
            both values, and says if there is a corner of `f` nearby; `error.report` is the report.
            Also if a custom gradient was never called, because its tensors are keyword arguments.
        TypeError: If an input or output is complex, sparse, ragged or in half precision, or if
            `f` computes with NumPy.
        ValueError: If there is nothing to differentiate by, if `f` is random, or not finite.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> @tf.custom_gradient
        ... def square(x):
        ...     return x * x, lambda dy: dy * 2 * x
        >>> print(kce.gradcheck(square, [0.5, -3.0]))
        gradcheck of `square`: right (1 comparison)
        ...
        >>> @tf.custom_gradient
        ... def forgetful(x):
        ...     return x * x, lambda dy: 2 * x
        >>> kce.gradcheck(forgetful, [0.5, -3.0])
        Traceback (most recent call last):
        ...
        keras_course_ext.gradient_check.report.GradcheckError: gradcheck of `forgetful`: WRONG,
        argument 0 (x), element (1,): -6, by central differences -4...

    Reference: Abramowitz, Stegun, "Handbook of Mathematical Functions", 1964, 25.3.6, the
    difference of four points.
    """
    _check_arguments(f, twin, order, mode, samples)
    _check_tolerances(rtol=rtol, atol=atol, twin_rtol=twin_rtol)
    arguments = take_apart(f, inputs)
    function = Function(lambda *tensors: f(*arguments.filled(tensors)), arguments.inputs, mode)
    # A layer makes its variables when it is first called.
    outputs = outputs_of(function)
    known: Any = f if isinstance(f, keras.Layer | tf.Module) else None
    if variables is None:
        variables = [] if known is None else list(known.trainable_variables)
    function.inputs += tuple(variable_input(v) for v in variables)
    if not any(i.value.size for i in function.inputs):
        raise ValueError(
            "`gradcheck` found nothing to differentiate by: no input is floating point and has "
            f"elements. Received: {len(inputs)} inputs. Write `1.0` for `1` and "
            "`x.astype('float64')` for an array of integers."
        )
    p = precision_of([*(i.value for i in function.inputs), *outputs])
    comparing = Comparing(
        p,
        rtol=p.tolerance if rtol is None else rtol,
        atol=p.tolerance if atol is None else atol,
        twin_rtol=p.twin_tolerance if twin_rtol is None else twin_rtol,
        samples=samples,
        rng=np.random.default_rng(seed),
    )
    twin_function = None
    if twin is not None:
        plain = twin
        twin_function = Function(
            lambda *tensors: plain(*arguments.filled(tensors)), function.inputs, "eager"
        )
    try:
        rows = comparing.compare(function, outputs, twin_function, order)
    finally:
        function.restore()
    notes = [*arguments.notes, *comparing.notes]
    if any(row.checked < row.size for row in rows):
        notes.append(f"Of more than {samples} elements so many were drawn (seed {seed}).")
    name = getattr(f, "__name__", type(f).__name__)
    report = GradientReport(name, tuple(rows), tuple(notes))
    if not report.ok:
        raise GradcheckError(str(report), report)
    return report


def _check_arguments(f: Any, twin: Any, order: Any, mode: Any, samples: Any) -> None:
    for name, value in (("f", f), ("twin", f if twin is None else twin)):
        if not callable(value):
            raise TypeError(
                f"`{name}` of `gradcheck` must be a function of the inputs, as in "
                f"`gradcheck(f, x)`. Received: {value!r} of type {type(value).__name__}."
            )
    if order not in (1, 2):
        raise ValueError(f"`order` of `gradcheck` must be 1 or 2. Received: order={order!r}.")
    if mode not in MODES:
        raise ValueError(
            f"`mode` of `gradcheck` must be one of {', '.join(map(repr, MODES))}. "
            f"Received: mode={mode!r}."
        )
    if not isinstance(samples, int) or samples < 1:
        raise ValueError(
            f"`samples` of `gradcheck` must be an integer of 1 or more. Received: {samples!r}."
        )


def _check_tolerances(**tolerances: float | None) -> None:
    for name, value in tolerances.items():
        if value is not None and not 0 <= value < np.inf:
            raise ValueError(
                f"`{name}` of `gradcheck` must be a number of 0 or more, or None for the default. "
                f"Received: {name}={value!r}."
            )
