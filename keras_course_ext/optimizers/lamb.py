"""Lamb: Adam's direction with a step proportional to the norm of the weights."""

from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.lamb import lamb_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Lamb(RuleOptimizer):
    """Lamb: layer by layer, a step of the length η ‖w‖ in Adam's direction.

        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        r = m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε) + λ w
        w ← w − η ‖w‖ / ‖r‖ · r

    t = 1, 2, … numbers the steps; w is a whole variable, such as the kernel of a layer. Every
    layer changes by the same share η of itself, so that one learning rate serves all of them, even
    the large ones that very large batches need. Where w or r is 0, the ratio of the norms
    counts as 1.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, the share of itself by which a variable changes. Defaults to 0.001.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-7; "paper": 1e-6.
        weight_decay: Float ≥ 0 or `None`, which is 0. λ, inside the ratio, as written above; the
            variables that `exclude_from_weight_decay` names have λ = 0. Defaults to None.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([3.0, 4.0])
        >>> optimizer = kce.optimizers.Lamb(learning_rate=0.1, weight_decay=0.01)
        >>> optimizer.apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(3)
        array([2.634, 4.341], dtype=float32)

    Differs from Keras:
        `weight_decay` is inside the ratio, as in the paper. Keras decays the weights apart from
        it, w ← w − η λ w, so that the length of the step is no longer η ‖w‖. Without weight decay
        the two are the same.

    Differs from the paper:
        None in the update, with φ(‖w‖) = ‖w‖. Its ε is 1e-6 (`convention="paper"`).

    Reference: You, Li, Reddi, Hseu, Kumar, Bhojanapalli, Song, Demmel, Keutzer, Hsieh, Large Batch
    Optimization for Deep Learning: Training BERT in 76 Minutes, ICLR 2020, Algorithm 2.
    """

    formula = staticmethod(lamb_rule)
    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "epsilon": Number(example=1e-7),
    }
    slots = ((Slot("momentum", "_momentums"), Slot("velocity", "_velocities")),)
    conventions: ClassVar = {"paper": {"epsilon": 1e-6}}
    elementwise = False
    decays_weights_itself = True

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = Default(1e-7),
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, **common)
