"""The path of an optimizer on a function of NumPy arrays."""

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.optimizers.arguments.checks import check_count
from keras_course_ext.optimizers.engine.declaration import RuleDeclaration
from keras_course_ext.optimizers.rules.scalars import parameters_of, scalars_of

if TYPE_CHECKING:
    from keras_course_ext.optimizers.engine.base import RuleOptimizer


def trajectory(
    optimizer: "RuleOptimizer | Callable[..., tuple[Any, ...]]",
    gradient: Callable[[np.ndarray], Any],
    start: Any,
    steps: int,
    learning_rates: float | Iterable[float] | None = None,
) -> np.ndarray:
    """Follows an optimizer or a rule downhill from a point, on NumPy arrays and without a model.

        w₀ = start,   (wₜ, slotsₜ) = rule(∇f(wₜ₋₁), wₜ₋₁, slotsₜ₋₁; η, t)

    With a rule it runs where neither Keras nor TensorFlow is installed.

    Args:
        optimizer: An optimizer of this package, or a pure rule, such as
            `functools.partial(momentum_rule, mu=0.9)`, whose slots start at 0. Only the rule, the
            hyperparameters and the weight decay of an optimizer are used, no clipping, and the
            optimizer itself is not changed.
        gradient: ∇f: takes w and returns dL/dw of the same shape.
        start: w₀, an array of any shape. It is not changed.
        steps: Integer ≥ 0. How many steps to take.
        learning_rates: Numbers ≥ 0, η of every step, or one number for all steps. Defaults to
            None: the optimizer's own learning rate or schedule. A rule needs them.

    Returns:
        The points w₀ to w_steps, `(steps + 1, *w.shape)`, of the dtype of `start`; float64 if
        that is no floating dtype.

    Raises:
        TypeError: If the optimizer is a `LayerWise`, or a rule without `learning_rates`.

    Example:
        >>> import keras_course_ext as kce
        >>> valley = lambda w: w * [0.1, 2.0]  # the gradient of x²/20 + y²
        >>> path = kce.optimizers.trajectory(kce.optimizers.SGD(0.5), valley, [-7.0, 2.0], steps=2)
        >>> path.round(4)
        array([[-7.    ,  2.    ],
               [-6.65  ,  0.    ],
               [-6.3175,  0.    ]])
    """
    steps = check_count("steps", steps)
    source: Any = optimizer if isinstance(optimizer, RuleDeclaration) else _Bare(optimizer)
    if source.needs_paths:
        raise TypeError(
            "`trajectory` follows an array, which has no path for the patterns of "
            f"`{type(source).__name__}` to be found in. Follow the optimizer inside: "
            f"`trajectory({source.name}.inner, ...)`."
        )
    w = np.array(start)
    if not np.issubdtype(w.dtype, np.floating):
        w = w.astype(np.float64)
    slots, rule = source.first_slots(w), source.rule_for(w)
    shared: Any = {scalar.name: scalar.start for scalar in source.shared}
    path, decay = [w], not source.decays_weights_itself and source.weight_decay
    rates = _rates(source, learning_rates)
    for t, lr in zip(range(1, steps + 1), rates, strict=False):
        w = path[-1]
        g = np.asarray(gradient(w), w.dtype)
        old, sums = shared, {}
        if (terms := source.terms) is not None:
            sums = terms(g, w, *slots, **scalars_of(terms.func, {"lr": lr, "t": t, **old}))
        shared = source.shared_values({**old, **sums}, lr=lr, t=t)
        scalars = {"lr": lr, "t": t, **source.rule_scalars(old, shared)}
        if decay:
            w = w - w * decay * lr
        new, *slots = rule(g, w, *slots, **scalars_of(rule.func, scalars))
        path.append(new)
    return np.array(path)


_POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD


class _Bare(RuleDeclaration):
    """A pure rule in the place of an optimizer."""

    weight_decay = None
    rate = None

    def __init__(self, rule: Callable[..., tuple[Any, ...]]) -> None:
        self._rule = partial(rule)

    @property
    def rule(self) -> partial:
        return self._rule

    def first_slots(self, w: np.ndarray) -> list[np.ndarray]:
        kinds = [parameter.kind for parameter in parameters_of(self._rule.func).values()]
        return [np.zeros_like(w) for _ in range(kinds.count(_POSITIONAL) - 2)]


def _rates(source: Any, given: float | Iterable[float] | None) -> Iterable[float]:
    if isinstance(given, Iterable):
        return given
    if given is not None:
        return repeat(given)
    if isinstance(source, _Bare):
        raise TypeError(
            "`trajectory` needs the learning rates of a rule. Write, for example, "
            "`trajectory(rule, gradient, start, steps, learning_rates=0.1)`."
        )
    # A number is read once, because it is in a variable of TensorFlow, which is slow to read.
    fixed = None if callable(source.rate) else source.rate
    return repeat(fixed) if fixed else map(source.learning_rate_at, count())
