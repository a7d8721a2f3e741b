"""The perceptron criterion as a Keras loss."""

from typing import Any

import keras
import tensorflow as tf

from keras_course_ext import ops
from keras_course_ext._masks import mask_of, put_mask
from keras_course_ext._weighted_sum import noted_weighted_sum


@keras.saving.register_keras_serializable(package="keras_course_ext")
class PerceptronCriterion(keras.losses.Loss):
    """E = Σᵢ (yᵢ − tᵢ) zᵢ, the loss of Rosenblatt's rule; see `kce.ops.perceptron_criterion`.

    With `kce.optimizers.GradientDescent(η)` and `batch_size=1`, `fit` is Rosenblatt's rule: after
    each sample w ← w + η (t − y) x and b ← b + η (t − y). With larger batches it is the mean of
    the rule over the batch, with `reduction="sum"` their sum.

    Args:
        from_logits: Whether predictions are the weighted sums z. Defaults to False: they are the
            outputs y of a step of this package, as a layer or by name, and z is read from the note
            on them.
        reduction: How the losses of the samples become one number, as for `keras.losses.Loss`:
            "sum_over_batch_size", "mean_with_sample_weight", "sum" or None. Defaults to
            "sum_over_batch_size".
        name: Name of the loss. Defaults to "perceptron_criterion".
        dtype: Dtype of the computation. Defaults to None: `keras.config.floatx()`.

    Call arguments:
        y_true: t, targets in [0, 1], of shape `(batch, ..., units)`; 0 or 1 for Rosenblatt's
            rule.
        y_pred: y or z, predictions of the same shape, floating point.

    Raises:
        ValueError: If no z is noted on the predictions, or the shapes of targets and predictions
            differ.

    Example:
        >>> import keras
        >>> import keras_course_ext as kce
        >>> x, t = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[0.0], [0.0], [0.0], [1.0]]
        >>> model = keras.Sequential([keras.Input((2,)), kce.layers.Perceptron()])
        >>> model.compile(kce.optimizers.GradientDescent(1.0), kce.losses.PerceptronCriterion())
        >>> x, t = keras.ops.array(x), keras.ops.array(t)
        >>> _ = model.fit(x, t, epochs=20, batch_size=1, verbose=0)
        >>> model.predict(x, verbose=0).ravel()
        array([0., 0., 0., 1.], dtype=float32)

    Differs from Keras:
        Keras has no such loss.

    Reference: Rosenblatt, The Perceptron: A Probabilistic Model for Information Storage and
    Organization in the Brain, Psychological Review 65 (1958); the rule converges: Novikoff, On
    Convergence Proofs on Perceptrons, Symposium on the Mathematical Theory of Automata 12 (1962).

    Deck: chapter 2, the perceptron; chapter 3, the threshold, 1 for z > 0, else 0.
    """

    def __init__(
        self,
        from_logits: bool = False,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "perceptron_criterion",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = from_logits

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The loss of a batch.

        Args:
            y_true: t, targets in [0, 1].
            y_pred: y, the output of a step, or z with `from_logits=True`.
            sample_weight: How much each sample counts. Defaults to 1 for all.

        Returns:
            The losses of the samples, reduced.
        """
        # Here and not in `call`: Keras casts the predictions before `call`, and the cast copy has
        # no note.
        z = noted_weighted_sum(y_pred)
        if (z is None) != self.from_logits:
            raise ValueError(_ADVICE[self.from_logits])
        if z is not None:
            y_pred = put_mask(tf.identity(z), mask_of(y_pred))
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        """The loss of each sample, from z."""
        return ops.perceptron_criterion(y_true, y_pred)

    def get_config(self):
        """The arguments of `__init__`."""
        return {**super().get_config(), "from_logits": self.from_logits}


_ADVICE = {
    False: (
        "PerceptronCriterion needs the weighted sums z behind the predictions, and these are not "
        "the output of a step. End the model in `kce.layers.Perceptron()`, or, if the predictions "
        "are z themselves, write `PerceptronCriterion(from_logits=True)`. For a sigmoid use "
        "BinaryCrossentropy."
    ),
    True: (
        "PerceptronCriterion was given from_logits=True, but the predictions are the output of a "
        "step, not the weighted sums z before it. Leave from_logits out: z is found."
    ),
}
