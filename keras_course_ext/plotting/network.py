"""Plot of a trace: the values and the gradients of a network."""

from typing import TYPE_CHECKING, Any

from keras_course_ext.plotting import _layer_maps, _unit_diagram
from keras_course_ext.plotting._canvas import number_text
from keras_course_ext.plotting._language import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def network(
    trace: Any,
    ax: "Axes | None" = None,
    sample: int = 0,
    detail: str | None = None,
    title: str | None = None,
    *,
    lang: str = "en",
) -> "Axes":
    """Draw the network of a `kce.backprop.trace` with its values and its gradients.

    A small network of dense layers is drawn unit by unit. Values of the forward pass are dark and
    upright: z and a in the circles, w on the lines, b below the circles. Gradients are light and
    italic, below the values: δ = ∂L/∂z, and ∂L/∂w and ∂L/∂b after the sign ∂. The width of a line
    is proportional to |w|, and it is dashed where w < 0. What to conclude: each ∂L/∂w is the a at
    the left end of the line times the δ at its right end, summed over the batch, so it is 0 where
    either is 0. If |δ| shrinks from right to left, the gradient vanishes, and z shows the reason:
    it is far from 0, where f' is small.

    Any other network is drawn as one column per layer, log₁₀ |A| above log₁₀ |δ|, with one row per
    sample and the units side by side; ‖·‖ are the norms of the whole arrays. What to conclude:
    columns of about the same brightness are healthy. If the lower maps get darker from right to
    left, the gradient vanishes; if they get brighter, it explodes. A dark vertical stripe in both
    maps is a unit that is dead for every sample, a dark horizontal one in the lower map is a sample
    with a small error. A cell is a mean over its elements. Grey is NaN or infinite.

    Args:
        trace: The `Trace` that `kce.backprop.trace` returned.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure of the right
            size.
        sample: Index of the sample whose values are shown in the units, in [0, batch). ∂L/∂w, ∂L/∂b
            and L are always those of the whole batch. Defaults to 0.
        detail: "units" or "layers", to choose the plot. Defaults to "units" if the network is a
            chain of dense layers and activations with at most 6 layers and 16 lines between two of
            them, and to "layers" otherwise.
        title: Title of the plot, a string. Defaults to None: the model's name and the loss.
        lang: Language of the labels, "en" or "ko". Defaults to "en".

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `trace` is not a trace.
        ValueError: If there is no such sample, detail or language, or `detail` is "units" and the
            network is not a chain of dense layers.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
        >>> trace = kce.backprop.trace(model, np.array([[0.0, 1.0]]), np.array([[1.0]]), "mse")
        >>> axes = kce.plotting.network(trace)
        >>> axes.figure.savefig("network.png")                             # doctest: +SKIP

    Deck: chapter 3, the network of XOR; chapter 4, error back-propagation.
    """
    language = Language(lang, "network")
    layers = getattr(trace, "layers", None)
    if not layers or not hasattr(layers[0], "a"):
        raise TypeError(
            "`network` draws a trace, as `kce.backprop.trace(model, x, y, loss)` returns it. "
            f"Received: {type(trace).__name__}."
        )
    batch = layers[-1].a.shape[0] if layers[-1].a.ndim else 1
    if not 0 <= sample < batch:
        raise ValueError(
            f"`sample` of network must lie in [0, {batch}), the trace has {batch} samples. "
            f"Received: sample={sample}."
        )
    if detail not in (None, "units", "layers"):
        raise ValueError(
            f"`detail` of network must be 'units', 'layers' or None. Received: detail={detail!r}."
        )
    obstacle = _unit_diagram.obstacle(layers)
    if detail == "units" and obstacle:
        raise ValueError(f"This network cannot be drawn by its units: {obstacle}. Leave `detail`.")
    title = language.user_text(title, f"{trace.model_name}: L = {number_text(trace.loss)}")
    small = not obstacle and _unit_diagram.is_small(layers)
    if detail == "units" or (detail is None and small):
        ax = _unit_diagram.draw(trace, ax, sample, title, language)
    else:
        ax = _layer_maps.draw(trace, ax, title, language)
    language.set_fonts(ax)
    return ax
