"""SAM: a model that is trained by the gradients at the worst point near its weights."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

__all__ = ["SAM"]


@keras.saving.register_keras_serializable(package="keras_course_ext")
class SAM(keras.Model):
    """Sharpness-aware minimization: the gradient is taken where the loss is highest nearby.

        ε = ρ ∇L(w) / ‖∇L(w)‖                    the norm over all weights
        w ← optimizer(w, ∇L(w + ε))

    A minimum that is narrow has a high loss close by, so training is led to wide ones. A step takes
    two forward and two backward passes. Any optimizer can make the step from w; the weights are w
    again before it sees the gradient.

    The wrapper is compiled and trained in the place of the model. It has no weights of its own:
    after `fit` the model inside is the trained one, and can be used and saved alone.

    The loss, the metrics and the moving statistics of BatchNormalization are those of the first
    pass, at w. With `gradient_accumulation_steps` every batch has its own ε, as with the
    m-sharpness of the paper.

    Args:
        model: A Keras model.
        rho: Float > 0. ρ, how far away the gradient is taken. Defaults to 0.05.
        **kwargs: Arguments of `keras.Model`, such as `name`.

    Call arguments:
        inputs: The inputs of the model, of any shape.
        training: Boolean or `None`. Defaults to None.

    Raises:
        ValueError: If `rho` is no number above 0, or, by `fit`, if several devices train the model:
            the weights of a replica can't be moved alone.

    Example:
        >>> import keras, numpy as np, keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> sam = kce.SAM(model, rho=0.05)
        >>> sam.compile(keras.optimizers.SGD(0.01), "mse")
        >>> _ = sam.fit(np.ones((8, 4)), np.ones((8, 1)), epochs=100, verbose=0)
        >>> bool(abs(model.predict(np.ones((8, 4)), verbose=0) - 1).max() < 0.1)
        True

    Differs from Keras:
        Keras 2 had `keras.models.experimental.SharpnessAwareMinimization(model, rho,
        num_batch_splits)`, Keras 3 has none. There the second pass changed the moving statistics
        too.

    Reference: Foret, Kleiner, Mobahi, Neyshabur, Sharpness-Aware Minimization for Efficiently
    Improving Generalization, ICLR 2021, Algorithm 1.
    """

    def __init__(self, model: keras.Model, rho: float = 0.05, **kwargs: Any) -> None:
        if not isinstance(model, keras.Model):
            raise ValueError(
                f"`SAM` wraps a Keras model, but got {model!r} ({type(model).__name__}). Write "
                "`SAM(model, rho=0.05)`."
            )
        is_number = isinstance(rho, (int, float)) and not isinstance(rho, bool)
        if not is_number or not 0 < rho < float("inf"):
            raise ValueError(
                f"`rho` must be a number above 0, but got rho={rho!r} ({type(rho).__name__}). "
                "Write, for example, `SAM(model, rho=0.05)`."
            )
        super().__init__(**kwargs)
        self.model = model
        self.rho = float(rho)

    def build(self, input_shape: Any = None) -> None:
        """Builds the model inside; called by Keras.

        Args:
            input_shape: The shape of the inputs. Defaults to None: the model is built already.
        """
        if not self.model.built:
            self.model.build(input_shape)
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Calls the model inside."""
        return self.model(inputs, training=training)

    def train_step(self, data: Any) -> dict[str, Any]:
        """Trains one batch; called by `fit`.

        Args:
            data: The batch: inputs, targets and sample weights.

        Returns:
            The metrics by name.

        Raises:
            ValueError: If several devices train the model.
        """
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            raise ValueError(
                "`SAM` trains on one device, but the model was made under a strategy of "
                f"{tf.distribute.get_strategy().num_replicas_in_sync} replicas. Make it outside of "
                "the strategy, or train `sam.model` without `SAM`."
            )
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        loss, y_pred, grads = self._pass(x, y, sample_weight)
        w = self.trainable_variables
        before = [tf.identity(v) for v in w]
        moving = [v for v in self.non_trainable_variables if _is_float(v)]
        statistics = [tf.identity(v) for v in moving]
        for v, step in zip(w, _ascent(grads, self.rho), strict=True):
            if step is not None:
                v.assign_add(tf.cast(step, v.dtype))
        _, _, grads = self._pass(x, y, sample_weight)
        # In a graph the reads and writes of a variable keep the order of this code.
        for v, value in zip([*w, *moving], [*before, *statistics], strict=True):
            v.assign(value)
        optimizer: Any = self.optimizer
        optimizer.apply(grads, w)
        size = tf.shape(keras.tree.flatten(x)[0])[0]
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=size)
        return self.compute_metrics(x, y, y_pred, sample_weight)  # pyright: ignore[reportReturnType]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make the same wrapper again."""
        model = keras.saving.serialize_keras_object(self.model)
        return {"model": model, "rho": self.rho, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Makes a wrapper from what `get_config` returned."""
        model = keras.saving.deserialize_keras_object(config["model"], custom_objects)
        return cls(**(config | {"model": model}))

    def _pass(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, list[Any]]:
        """One forward and one backward pass: the loss, the outputs and the gradients."""
        optimizer: Any = self.optimizer
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
            scaled = optimizer.scale_loss(loss)
        return loss, y_pred, tape.gradient(scaled, self.trainable_variables)


def _ascent(grads: Sequence[Any], rho: float) -> list[Any]:
    """ρ g / ‖g‖ of every gradient, the norm over all of them; `None` for none."""
    dense = [None if g is None else tf.cast(tf.convert_to_tensor(g), tf.float32) for g in grads]
    norm = tf.linalg.global_norm([g for g in dense if g is not None])
    factor = tf.math.divide_no_nan(rho, norm)
    return [None if g is None else factor * g for g in dense]


def _is_float(variable: Any) -> bool:
    # The states of random numbers are integers; a second pass takes others.
    return "float" in keras.backend.standardize_dtype(variable.dtype)
