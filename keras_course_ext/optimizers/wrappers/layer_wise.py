"""Layer-wise learning rates and weight decays, selected by the paths of the variables."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_course_ext.optimizers.arguments import Number
from keras_course_ext.optimizers.engine.update import path_of
from keras_course_ext.optimizers.schedule_free_adamw import ScheduleFreeAdamW, swap_weights
from keras_course_ext.optimizers.wrappers.base import WrapperOptimizer, decay_of

_FACTORS = ("learning_rate", "weight_decay")


@keras.saving.register_keras_serializable(package="keras_course_ext")
class LayerWise(WrapperOptimizer):
    """Multiplies the learning rate and the weight decay of some variables.

        η_w = η · ∏ factors of the learning rate
        λ_w = λ · ∏ factors of the weight decay

    over the patterns that match the path of the variable w, such as
    "encoder/block_3/dense/kernel". Variables that no pattern matches keep η and λ. A factor of 0
    stops a variable, as `trainable=False` does, but for its slots.

    A pattern matches one part of the path or several as a whole: "dense_1" matches
    "dense_1/kernel" but not "dense_10/kernel". `".*"` stands for the rest of a part: "dense.*"
    matches both. `resolve` lists the result.

    Args:
        inner: An optimizer, not built yet: one of this package, or one of Keras that has a
            counterpart here, which takes its place with the same arguments.
        multipliers: Dictionary from a regular expression to a factor of the learning rate, a
            float ≥ 0, or to a dictionary of "learning_rate" and "weight_decay", floats ≥ 0. The
            factors of all patterns that match a variable are multiplied.
        name: String or `None`. Defaults to None: the class name in snake case.

    Raises:
        TypeError: If `inner` is no such optimizer.
        ValueError: If a pattern or factor is not valid, if `inner` has been built already, and
            by `build`, if a pattern matches the path of no variable.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="base"),
        ...                           keras.layers.Dense(1, name="head")], name="net")
        >>> optimizer = kce.optimizers.LayerWise(
        ...     kce.optimizers.AdamW(1e-3, weight_decay=0.01),
        ...     {"base": 0.1, "bias": {"learning_rate": 2.0, "weight_decay": 0.0}})
        >>> for row in optimizer.resolve(model):
        ...     print(row["path"], row["learning_rate"], row["weight_decay"])
        net/base/kernel 0.0001 0.01
        net/base/bias 0.0002 0.0
        net/head/kernel 0.001 0.01
        net/head/bias 0.002 0.0

    Differs from Keras:
        Keras has none; `keras.optimizers.MultiOptimizer`, in versions that have it, gives every
        group of variables a separate optimizer, learning rate and schedule.

    Reference: Howard, Ruder, Universal Language Model Fine-tuning for Text Classification, ACL
    2018, section 3.2, discriminative fine-tuning.
    """

    needs_paths = True

    def __init__(
        self,
        inner: keras.optimizers.Optimizer,
        multipliers: Mapping[str, float | Mapping[str, float]],
        name: str | None = None,
    ) -> None:
        factors = _checked(multipliers)
        super().__init__(inner, name)
        self._factors = factors

    def resolve(self, model: Any) -> list[dict[str, Any]]:
        """Lists the learning rate and the weight decay of every variable.

        Args:
            model: A Keras model with weights, or a list of variables. If the optimizer is built,
                its variables.

        Returns:
            One dictionary for each trainable variable, in the order of the model: "path", a
            string; "learning_rate", η_w at the current step, and "weight_decay", λ_w, floats. λ_w
            is 0 for the variables that `exclude_from_weight_decay` excludes.

        Raises:
            ValueError: If a pattern matches the path of no variable.
        """
        variables = model if isinstance(model, Sequence) else model.trainable_variables
        rate = self.learning_rate_at(int(self.iterations))
        rows = []
        for w, (of_rate, of_decay) in zip(variables, self.find_factors(variables), strict=True):
            if self.decays_weights_itself:
                decay = decay_of(self.decayed_rule_for(w))
            else:
                decay = self.weight_decay if self._use_weight_decay(w) else None
            rows.append(
                {
                    "path": path_of(w),
                    "learning_rate": rate * of_rate,
                    "weight_decay": (decay or 0.0) * of_decay,
                }
            )
        return rows

    def find_factors(self, variables: Sequence[Any]) -> list[tuple[float, float]]:
        """Multiplies the factors of the patterns that match, and those of the wrappers inside.

        Args:
            variables: Variables of the model.

        Returns:
            For each variable the factors of its learning rate and of its weight decay.

        Raises:
            ValueError: If a pattern matches the path of no variable.
        """
        paths = [path_of(w) for w in variables]
        factors = super().find_factors(variables)
        for pattern, (of_rate, of_decay) in self._factors.items():
            found = [_matches(pattern, path) for path in paths]
            if not any(found):
                raise ValueError(
                    f"`LayerWise` found the pattern {pattern!r} in the path of no variable. The "
                    f"paths are {paths[:8]}{' and more' if len(paths) > 8 else ''}. A pattern "
                    "matches whole parts of a path; `.*` stands for the rest of a part."
                )
            factors = [
                (rate * of_rate, decay * of_decay) if here else (rate, decay)
                for here, (rate, decay) in zip(found, factors, strict=True)
            ]
        return factors

    @property
    def holds_average(self) -> bool:
        """Whether the model holds the averages of a `ScheduleFreeAdamW` inside."""
        at_average = getattr(self, "_at_average", None)
        return at_average is not None and bool(at_average.numpy())

    def swap(self, *, to_average: bool) -> None:
        """Puts the averages of a `ScheduleFreeAdamW` inside into the model, or y.

        Around another optimizer it does nothing.

        Args:
            to_average: Whether the model is to hold x.
        """
        if isinstance(self.innermost, ScheduleFreeAdamW):
            swap_weights(self, self.innermost.beta_1, to_average=to_average)

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Puts averages into the model if the optimizer inside has them; called by `fit`.

        Args:
            var_list: The weights.
        """
        self.swap(to_average=True)
        super().finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make the same optimizer again."""
        multipliers = {p: dict(zip(_FACTORS, f, strict=True)) for p, f in self._factors.items()}
        return super().get_config() | {"multipliers": multipliers}


def _matches(pattern: str, path: str) -> bool:
    """Whether a pattern matches whole parts of a path; slashes at its ends are allowed."""
    begin, end = r"(?:(?<![^/])|(?=/))", r"(?:(?![^/])|(?<=/))"
    return re.search(f"{begin}(?:{pattern}){end}", path) is not None


def _checked(multipliers: Any) -> dict[str, tuple[float, float]]:
    if not isinstance(multipliers, Mapping) or not multipliers:
        raise ValueError(
            "`multipliers` must be a dictionary from regular expressions to factors, but got "
            f'multipliers={multipliers!r}. Write, for example, `{{"encoder/": 0.1}}`.'
        )
    factors = {}
    for pattern, given in multipliers.items():
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            raise ValueError(
                f"`multipliers` has {pattern!r} among its keys, which is no regular expression: "
                f'{error}. Write, for example, "encoder/.*kernel".'
            ) from None
        one = given if isinstance(given, Mapping) else {"learning_rate": given}
        if unknown := one.keys() - set(_FACTORS):
            raise ValueError(
                f"`multipliers` has factors of {sorted(unknown)} for {pattern!r}, but only the "
                '"learning_rate" and the "weight_decay" of a variable can be multiplied.'
            )
        check = Number(example=0.1)
        factors[pattern] = tuple(
            check(f"multipliers[{pattern!r}][{f!r}]", one.get(f, 1.0)) for f in _FACTORS
        )
    return factors
