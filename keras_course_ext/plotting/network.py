"""Picture of a trace: what flows forward through a network, and what flows back."""

from typing import TYPE_CHECKING, Any

from keras_course_ext.plotting import _layer_maps, _unit_diagram
from keras_course_ext.plotting._canvas import figure
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

    A small network of dense layers is drawn unit by unit. What flows forward is dark and upright:
    z and a in the circles, w on the lines, b below the circles. What flows back is light and
    slanted, and stands beneath: δ = ∂L/∂z, and ∂L/∂w and ∂L/∂b after the sign ∂. Lines are as
    wide as |w|, dashed where w < 0. What to conclude: each ∂L/∂w is the a at the line's left end
    times the δ at its right end, summed over the batch, so a line learns nothing where either is
    0. Where |δ| shrinks from the right to the left the gradient vanishes, and z says why: it is
    far from 0, where the activation is flat.

    Any other network is drawn as a column per layer, log₁₀ |A| above log₁₀ |δ|, with a row per
    sample and the units side by side; ‖·‖ are the norms of the whole arrays. What to conclude: if
    all columns are about equally bright, all is well. A lower row that darkens from the right to
    the left is a gradient that vanishes, one that brightens explodes. A dark vertical stripe in
    both is a unit that is dead for every sample, a dark horizontal one below is a sample that is
    learned already. A cell is the mean of what falls into it. Grey is NaN or infinite.

    Args:
        trace: What `kce.backprop.trace` returned.
        ax: The matplotlib Axes to draw into; default is those of a new figure of fitting size.
        sample: Whose values the units show, in [0, batch). ∂L/∂w, ∂L/∂b and L are always those of
            the whole batch. Defaults to 0.
        detail: "units" or "layers", to choose the picture. Defaults to "units" if the network is a
            chain of dense layers and activations with at most 6 layers and 16 lines between
            two of them, and to "layers" otherwise.
        title: Title of the picture. Defaults to the model's name and the loss.
        lang: Language of the labels, "en" (default) or "ko".

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `trace` is not a trace.
        ValueError: If there is no such sample, detail or language, or "units" is asked for and the
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
    title = language.own(title, f"{trace.model_name}: L = {figure(trace.loss)}")
    small = not obstacle and _unit_diagram.is_small(layers)
    if detail == "units" or (detail is None and small):
        ax = _unit_diagram.draw(trace, ax, sample, title, language)
    else:
        ax = _layer_maps.draw(trace, ax, title, language)
    language.dress(ax)
    return ax
