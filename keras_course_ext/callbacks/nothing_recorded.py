"""The message of a monitor that no gradient has reached."""

import warnings


def say_nothing_recorded(optimizers: str, strict: bool) -> None:
    """Warn that nothing is recorded, or raise.

    Args:
        optimizers: The optimizers that are followed, as `described` names them; `""` for none.
        strict: Whether to raise.

    Raises:
        ValueError: If `strict`.
    """
    reached = "been seen (it has no optimizer among its attributes)"
    if optimizers:
        reached = f"reached `apply` of {optimizers}"
    message = (
        "GradientMonitor records nothing, because no gradient from the model's `train_step` "
        f"has {reached}: pass the optimizer that updates the weights as "
        "`GradientMonitor(optimizer=...)`, and where you override `fit` or "
        "`make_train_function`, run `self.train_function`."
    )
    if strict:
        raise ValueError(message)
    warnings.warn(message, stacklevel=4)
