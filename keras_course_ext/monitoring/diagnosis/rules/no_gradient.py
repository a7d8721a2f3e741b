"""No gradient: a trainable weight on which the loss does not depend, or not differentiably."""

from keras_course_ext.monitoring.diagnosis.finding import ERROR, Finding
from keras_course_ext.monitoring.record.history import GradientHistory


def find(history: GradientHistory) -> list[Finding]:
    """Find the trainable weights for which the optimizer got no gradient at any recorded step.

    A gradient that is 0 is one. A weight counts if another statistic of it was recorded but
    ‖∂L/∂W‖ was not, unless no watched optimizer was given it. So a weight whose record was not
    kept is no finding, and there is none if only the norms of gradients were recorded.
    """
    if not any(key.statistic == "grad_norm" and key.layer for key in history.keys):
        return []
    recorded = {key[:2] for key in history.keys if key.statistic != "grad_norm"}
    without = [
        (info.name, weight)
        for info in history.layers
        for weight in info.weights
        if weight not in info.untrained
        and (info.name, weight) in recorded
        and not history.has(info.name, weight)
    ]
    if not without:
        return []
    layer = without[0][0]
    weights = ", ".join(f"'{weight}'" for name, weight in without if name == layer)
    layers = tuple(dict.fromkeys(name for name, _ in without))
    more = f" ({len(without)} weights in {len(layers)} layers have none)" if len(layers) > 1 else ""
    evidence = f"the optimizer got no gradient of {weights} at any recorded step{more}."
    advice = (
        "Look behind the layer for `stop_gradient`, `argmax`, `round`, a cast to an integer or a "
        "detour over NumPy, and for an output that the loss does not use. If that is meant, set "
        "`layer.trainable = False`."
    )
    key = next(key for key in history.keys if key[:2] == without[0])
    steps, epochs, _ = history.series(*key)
    return [
        Finding(
            "no_gradient",
            layer,
            int(epochs[0]),
            int(steps[0]),
            evidence,
            advice,
            layers,
            severity=ERROR,
            confidence=0.95,
            cause="Something that has no derivative lies between these weights and the loss.",
        )
    ]
