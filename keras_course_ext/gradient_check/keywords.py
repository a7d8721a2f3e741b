"""Finds custom gradients that TensorFlow skips because their tensors are keyword arguments."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from keras_course_ext.gradient_check.report import GradcheckError


@contextmanager
def refuse_skipped_gradients() -> Iterator[None]:
    """Context in which a custom gradient with tensors as keyword arguments must be called.

    In eager mode `tf.custom_gradient` records the positional tensors only. If all tensors are
    keyword arguments, the tape differentiates the operations of the forward pass instead, without
    an error. (In a graph TensorFlow raises an error.)

    Raises:
        GradcheckError: When the context ends, if such a gradient was not called.
    """
    # TensorFlow has no public way to see which function is called with which arguments.
    module: Any = sys.modules.get("tensorflow.python.ops.custom_gradient")
    original = getattr(module, "_eager_mode_decorator", None)
    if original is None:
        yield
        return
    skipped: dict[object, str] = {}

    def recorded(f: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        keywords = [k for k, x in kwargs.items() if any(map(tf.is_tensor, tf.nest.flatten(x)))]
        if not keywords:
            return original(f, args, kwargs)
        call = object()
        skipped[call] = _message(f, keywords)

        @functools.wraps(f)
        def forward(*args: Any, **kwargs: Any) -> tuple[Any, Callable[..., Any]]:
            result, grad = f(*args, **kwargs)

            def backward(*dy: Any, **variables: Any) -> Any:
                skipped.pop(call, None)
                return grad(*dy, **variables)

            return result, backward

        return original(forward, args, kwargs)

    module._eager_mode_decorator = recorded
    try:
        yield
    finally:
        module._eager_mode_decorator = original
    for message in skipped.values():
        raise GradcheckError(message)


def _message(f: Callable[..., Any], keywords: list[str]) -> str:
    name = getattr(f, "__name__", "the function")
    given = ", ".join(f"{k}=..." for k in keywords)
    return (
        f"The custom gradient of `{name}` was never called. Received: `{name}({given})`. In eager "
        "mode TensorFlow ignores the custom gradient of tensors that are keyword arguments, and "
        f"in a graph it raises an error. Pass them by position: `{name}({', '.join(keywords)})`."
    )
