"""Muon: momentum, orthogonalized by a Newton-Schulz iteration."""

import math
import re
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Unpack

import keras
import numpy as np

from keras_course_ext.optimizers.arguments import (
    CommonArguments,
    Default,
    LearningRate,
    Number,
    check_count,
    flag,
    optional,
    patterns,
)
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.muon import muon_adamw_rule, muon_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Muon(RuleOptimizer):
    """Muon: momentum whose step is orthogonalized, so all its singular values are about equal.

        m ← μ m + g
        X = g + μ m                                  (without `nesterov`: m)
        X ← X / ‖X‖, then `ns_steps` times  X ← a X + (b X Xᵀ + c (X Xᵀ)²) X
        w ← w − η λ w − η · length · X

    The gradient of a kernel is often nearly of low rank: a few singular directions hold most of its
    norm. The Newton-Schulz iteration brings all singular values of the step near 1, so the
    directions with small singular values move as far as those with large ones.

    The kernels of convolutions are matrices too, of the shape (height · width · channels in,
    channels out): all axes but the last are one. Everything of rank 0 and 1, embeddings, and what
    `exclude_layers` names is updated by AdamW:

        w ← w − η λ′ w
        w ← Adam(w; `adam_lr_ratio` · η, `adam_beta_1`, `adam_beta_2`, `epsilon`)

    The output layer should be named in `exclude_layers`.

        convention   length                        η       λ
        "keras"      0.2 · √max(fan-in, fan-out)   0.001   0.004
        "torch"      √max(1, fan-out / fan-in)     0.001   0.1
        "paper"      √max(1, fan-out / fan-in)     0.02    0

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η. Defaults to 0.001.
        adam_beta_1: Float in [0, 1). Adam's β₁. Defaults to 0.9.
        adam_beta_2: Float in [0, 1). Adam's β₂. Defaults to 0.999.
        adam_weight_decay: Float ≥ 0 or `None`, which is 0. λ′. Defaults to 0.004.
        epsilon: Float ≥ 0. Adam's ε. Defaults to 1e-7.
        weight_decay: Float ≥ 0 or `None`, which is 0. λ; the variables that
            `exclude_from_weight_decay` names have λ = λ′ = 0. Defaults to 0.004.
        exclude_layers: List of regular expressions, or `None`. A variable in whose path one is
            found is updated by AdamW. Defaults to None.
        exclude_embeddings: Boolean. Whether variables with "embedding" in their path are updated by
            AdamW. Defaults to True.
        muon_a: Float. a, the factor by which small singular values grow. Defaults to 3.4445.
        muon_b: Float. b. Defaults to −4.775.
        muon_c: Float. c. Defaults to 2.0315.
        adam_lr_ratio: Float ≥ 0. Adam's learning rate as a share of η. Defaults to 1.
        momentum: Float in [0, 1]. μ, the share of the momentum that is kept. Defaults to 0.95.
        ns_steps: Integer in [1, 100]. The steps of the iteration. Defaults to 5.
        nesterov: Boolean. Whether the gradient is added to the momentum once more. Defaults to
            True.
        rms_rate: Float ≥ 0 or `None`. The length is `rms_rate` · √max(fan-in, fan-out), which makes
            it about the root mean square of a step at η = 1, as long as Adam's steps are. `None`:
            1, or what the convention says. Defaults to 0.2; "torch" and "paper": `None`.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([[1.0, 0.0], [0.0, 1.0]])
        >>> g = keras.ops.array([[100.0, 0.0], [0.0, 2.0]])
        >>> kce.optimizers.Muon(learning_rate=0.1, weight_decay=0.0, rms_rate=None).apply([g], [w])
        >>> w.numpy().round(2)  # both directions move by about η
        array([[0.93, 0.  ],
               [0.  , 0.93]], dtype=float32)

    Differs from Keras:
        Kernels of convolutions, and everything else of rank 3 and more, are matrices here, as in
        the paper; Keras leaves them to AdamW. A state file of a model that has such kernels fits
        Keras's Muon only with the layers in `exclude_layers`.

    Differs from the paper:
        `convention="paper"` has the update of the author's code, in the variable's dtype instead of
        bfloat16. The text itself has no length factor; it is 1 there.

    Differs from torch:
        `torch.optim.Muon` takes the mean of the gradients for m, (1 − μ) times the sum, which is
        the same step, because X is divided by its norm; accepts variables of rank 2 only; and
        computes the iteration in bfloat16.

    Reference: Jordan, Jin, Boza, You, Cesista, Newhouse, Bernstein, Muon: An optimizer for hidden
    layers in neural networks, 2024, https://kellerjordan.github.io/posts/muon; the length by
    `rms_rate` in Liu et al., Muon is Scalable for LLM Training, arXiv:2502.16982 (2025), section
    2.2.
    """

    hyperparameters: ClassVar = {
        "adam_beta_1": Number(0, 1, example=0.9, below=True),
        "adam_beta_2": Number(0, 1, example=0.999, below=True),
        "adam_weight_decay": optional(Number(example=0.004)),
        "epsilon": Number(example=1e-7),
        "exclude_layers": patterns,
        "exclude_embeddings": flag,
        "muon_a": Number(-math.inf, example=3.4445),
        "muon_b": Number(-math.inf, example=-4.775),
        "muon_c": Number(-math.inf, example=2.0315),
        "adam_lr_ratio": Number(example=1.0),
        "momentum": Number(0, 1, example=0.95),
        "ns_steps": partial(check_count, least=1, most=100),
        "nesterov": flag,
        "rms_rate": optional(Number(example=0.2)),
    }
    slots = ((Slot("momentum", "momentums"), Slot("velocity", "adam_velocities")),)
    conventions: ClassVar = {
        "paper": {"learning_rate": 0.02, "weight_decay": 0.0, "rms_rate": None},
        "torch": {"weight_decay": 0.1, "rms_rate": None},
    }
    symbols: ClassVar = {"mu": "momentum", "steps": "ns_steps", "wd": "weight_decay"}
    elementwise = False
    decays_weights_itself = True

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float | None = 1e-7,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1.0,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = Default(0.2),
        **common: Unpack[CommonArguments],
    ) -> None:
        common.setdefault("weight_decay", Default(0.004))
        super().__init__(
            learning_rate,
            adam_beta_1=adam_beta_1,
            adam_beta_2=adam_beta_2,
            adam_weight_decay=adam_weight_decay,
            epsilon=epsilon,
            exclude_layers=exclude_layers,
            exclude_embeddings=exclude_embeddings,
            muon_a=muon_a,
            muon_b=muon_b,
            muon_c=muon_c,
            adam_lr_ratio=adam_lr_ratio,
            momentum=momentum,
            ns_steps=ns_steps,
            nesterov=nesterov,
            rms_rate=rms_rate,
            **common,
        )

    @property
    def rule(self) -> partial:
        """`muon_rule`, the one for matrices."""
        coefficients = (self.muon_a, self.muon_b, self.muon_c)
        return self.bind(muon_rule, coefficients=coefficients, by_fans=self.convention != "keras")

    def rule_for(self, variable: Any) -> partial:
        """`rule` for a matrix, `muon_adamw_rule` for everything else."""
        if self._is_matrix(variable):
            return self.rule
        return partial(
            muon_adamw_rule,
            lr_ratio=self.adam_lr_ratio,
            beta_1=self.adam_beta_1,
            beta_2=self.adam_beta_2,
            epsilon=self.epsilon,
            wd=self.adam_weight_decay or 0.0,
        )

    def slots_for(self, variable: Any) -> list[list[Slot]]:
        """The momentum, and Adam's velocity if the variable is no matrix."""
        momentum, velocity = self.slots[0]
        return [[momentum] if self._is_matrix(variable) else [momentum, velocity]]

    def _is_matrix(self, variable: Any) -> bool:
        if len(variable.shape) < 2:
            return False
        if isinstance(variable, np.ndarray):
            return True
        if (velocities := getattr(self, "adam_velocities", None)) is not None:
            # Decided in `build`: in a step the variable is a `tf.Variable`, which has no path.
            return velocities[self._get_variable_index(variable)] is None
        path = getattr(variable, "path", variable.name)
        if self.exclude_embeddings and "embedding" in path.lower():
            return False
        return not any(re.search(pattern, path) for pattern in self.exclude_layers)
