"""The losses that a model was compiled with, by the names that `keras.losses` gives them."""

import re
from typing import Any, NamedTuple

import keras

_KNOWN = {
    "mean_squared_error",
    "root_mean_squared_error",
    "half_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
    "cosine_similarity",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
    "kl_divergence",
    "poisson",
    "hinge",
    "squared_hinge",
    "categorical_hinge",
}
_ALIASES = {
    "kldivergence": "kl_divergence",
    "logcosh": "log_cosh",
    # As users call functions of their own.
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "rmse": "root_mean_squared_error",
    "root_mean_square_error": "root_mean_squared_error",
}


class LossInfo(NamedTuple):
    """A loss.

    Attributes:
        name: Its name, or None if it is the user's own.
        from_logits: Whether it takes logits; None if it has no such argument.
        is_mean: Whether it is the mean over the batch.
    """

    name: str | None = None
    from_logits: bool | None = None
    is_mean: bool = True


def losses_of(model: Any, names: list[str]) -> list[LossInfo]:
    """Return the loss of each output.

    Args:
        model: The compiled model.
        names: Names of its outputs; at least one.
    """
    loss = getattr(model, "loss", None)
    if isinstance(loss, dict):
        given = [loss.get(name) for name in names]
    elif isinstance(loss, list | tuple):
        given = [*loss, *[None] * len(names)][: len(names)]
    else:
        given = [loss] * len(names)
    return [loss_info(one) for one in given]


def loss_info(loss: Any) -> LossInfo:
    """Return what is known of a loss, as `compile` takes it."""
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return LossInfo()
    if isinstance(loss, type):
        loss = loss()
    if isinstance(loss, keras.losses.Loss):
        config = _config(loss)
        mean = config.get("reduction", "sum_over_batch_size") == "sum_over_batch_size"
        return LossInfo(_known(type(loss).__name__), _bool(config.get("from_logits")), mean)
    name = _known(getattr(loss, "__name__", ""))
    return LossInfo(name, False if name and "crossentropy" in name else None)


def _config(loss: keras.losses.Loss) -> dict[str, Any]:
    try:
        return loss.get_config()
    except (NotImplementedError, TypeError):
        return {}


def _bool(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _known(name: str) -> str | None:
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    snake = _ALIASES.get(snake, snake)
    return snake if snake in _KNOWN else None
