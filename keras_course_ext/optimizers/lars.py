"""LARS: momentum with steps proportional to the norm of each variable."""

from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.lars import lars_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class LARS(RuleOptimizer):
    """LARS, layer-wise adaptive rate scaling: a step proportional to the norm of the variable.

        λ = η ‖w‖ / (‖g‖ + β ‖w‖)
        v ← μ v + γ λ (g + β w)
        w ← w − v

    w is a whole variable, such as the kernel of a layer, and λ its own learning rate. Without it
    a rate that suits one layer is too large for another whose gradient is large compared to its
    weights; with it every step is about γ η ‖w‖ long. Where w is 0, or both g and β w are, λ
    counts as 1.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. γ, the learning rate of all layers; since η is small, it is some hundred
            times that of `Momentum`. Defaults to 1.
        momentum: Float in [0, 1]. μ, the share of the velocity that is kept. Defaults to 0.9.
        trust_coefficient: Float > 0. η, the share of itself by which a variable moves in a step at
            γ = 1. Defaults to 0.001.
        weight_decay: Float ≥ 0 or `None`, which is 0. β, inside λ and the velocity, as written
            above; the variables that `exclude_from_weight_decay` names have β = 0. Defaults to
            None.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([3.0, 4.0])
        >>> optimizer = kce.optimizers.LARS(trust_coefficient=0.1)
        >>> optimizer.apply([keras.ops.array([0.0, 20.0])], [w])
        >>> w.numpy().round(4)
        array([3. , 3.5], dtype=float32)

    Differs from Keras:
        It has no LARS.

    Differs from the paper:
        None in the update, so that `convention="paper"` is the same, except that there weights of
        0, such as a new layer's biases, would have λ = 0 and never move. The paper trains with
        β = 0.0005, and excludes no variable.

    Reference: You, Gitman, Ginsburg, Large Batch Training of Convolutional Networks,
    arXiv:1708.03888 (2017), equation (6) and Algorithm 1.
    """

    formula = staticmethod(lars_rule)
    hyperparameters: ClassVar = {
        "momentum": Number(0, 1, example=0.9),
        "trust_coefficient": Number(example=0.001, above=True),
    }
    slots = ((Slot("momentum", "momentums"),),)
    conventions: ClassVar = {"paper": {}}
    symbols: ClassVar = {"mu": "momentum", "eta": "trust_coefficient", "wd": "weight_decay"}
    elementwise = False
    decays_weights_itself = True

    def __init__(
        self,
        learning_rate: LearningRate = Default(1.0),  # noqa: B008
        momentum: float = 0.9,
        trust_coefficient: float = 0.001,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate, momentum=momentum, trust_coefficient=trust_coefficient, **common
        )
