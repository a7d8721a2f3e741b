"""Exponential moving averages, from which most of the rules are built."""

from keras_course_ext.optimizers.rules.elementwise import Tensor


def ema(old: Tensor, new: Tensor, beta: Tensor) -> Tensor:
    """The exponential moving average, β · old + (1 − β) · new.

    Args:
        old: The average after the last step, an array, a tensor or a number.
        new: What is averaged, of the shape of `old`.
        beta: β in [0, 1], the share of `old` that is kept.

    Returns:
        The new average.

    Example:
        >>> from keras_course_ext.optimizers.rules.means import ema
        >>> ema(4.0, 8.0, 0.75)
        5.0
    """
    return beta * old + (1 - beta) * new


def ema_by_difference(old: Tensor, new: Tensor, beta: Tensor) -> Tensor:
    """The same average as `ema`, old + (new − old) · (1 − β).

    Keras computes the averages of Adam and of its variants in this form. In floating point the
    two forms round differently, so a rule that is equal to Keras's to the bit uses this one.

    Args:
        old: The average after the last step, an array, a tensor or a number.
        new: What is averaged, of the shape of `old`.
        beta: β in [0, 1], the share of `old` that is kept.

    Returns:
        The new average.

    Example:
        >>> from keras_course_ext.optimizers.rules.means import ema_by_difference
        >>> ema_by_difference(4.0, 8.0, 0.75)
        5.0
    """
    return old + (new - old) * (1 - beta)


def bias_corrected(average: Tensor, beta: Tensor, t: Tensor) -> Tensor:
    """An average that started at 0, corrected for its start, average / (1 − βᵗ).

    Args:
        average: The average after step t, an array, a tensor or a number.
        beta: β in [0, 1), the share that was kept at every step.
        t: The number of the step, 1, 2, …, a scalar.

    Returns:
        The corrected average, of the shape of `average`.

    Example:
        >>> from keras_course_ext.optimizers.rules.means import bias_corrected
        >>> bias_corrected(1.0, 0.75, 1)
        4.0
    """
    return average / (1 - beta**t)
