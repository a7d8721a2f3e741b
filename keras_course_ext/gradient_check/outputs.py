"""Checks that the outputs of a function can be differentiated."""

import numpy as np

from keras_course_ext.gradient_check.function import Function


def outputs_of(function: Function) -> list[np.ndarray]:
    """Returns the outputs of a function, which must be finite and equal in two calls.

    Raises:
        ValueError: If they are not.
    """
    arrays = [i.value for i in function.inputs]
    outputs = function.values(arrays)
    if not outputs:
        raise ValueError(
            "`gradcheck` needs a function with a floating-point output. Received one that returns "
            "none. Is a `return` missing?"
        )
    for n, (y, again) in enumerate(zip(outputs, function.values(arrays), strict=True)):
        wrong = np.argwhere(~np.isfinite(y))
        if len(wrong):
            place = tuple(map(int, wrong[0]))
            raise ValueError(
                f"Output {n} of the function is {y[place]} at element {place}, where there is no "
                "gradient to check. Pass inputs within its domain."
            )
        # Sums over several threads may differ in the last digits.
        noise = 1e3 * np.finfo(y.dtype).eps * np.max(np.abs(y), initial=0.0)
        if np.any(np.abs(y - again) > noise):
            raise ValueError(
                f"Output {n} of the function differs between two calls with the same inputs, by "
                f"{np.max(np.abs(y - again)):.2e}: it is random or changes a state. Fix the seed, "
                "as `tf.random.stateless_uniform` does, or pass `training=False` to a layer."
            )
    return outputs
