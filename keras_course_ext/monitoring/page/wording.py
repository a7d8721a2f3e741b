"""The sentences of the page, in the language of the reader."""

from keras_course_ext._language import Catalogue
from keras_course_ext.monitoring.page.korean import PAGE

say = Catalogue(PAGE).say

PLAIN = {
    "non_finite": "A number became NaN or infinite. From there on nothing is learned.",
    "no_gradient": "Some weights get no gradient at all, so they stay as they are.",
    "exploding": "The gradient grows on its way back until the steps destroy what was learned.",
    "vanishing": "The gradient shrinks on its way back, so the layers near the input hardly learn.",
    "fading": "The gradient shrinks on its way back, so the layers near the input hardly learn.",
    "dead_units": "Many units give 0 whatever the input. They can no longer learn.",
    "saturated": "Many units are pushed to the flat ends of their function, where they stop "
    "learning.",
    "update_too_large": "Each step changes the weights so much that it destroys what was learned.",
    "update_too_small": "Each step changes the weights so little that training hardly advances.",
    "zero_gradient": "A gradient is exactly 0, whatever the weights are, so nothing is learned.",
    "symmetric": "All units of a layer compute the same, so they count as one.",
    "output_range": "The network cannot give the targets, whatever its weights are.",
    "loss_mismatch": "The loss is computed of something else than it is made for.",
    "labels": "The labels are not what the network is to learn.",
    "unscaled_input": "The inputs are too large or too small for the steps.",
    "unscaled_target": "The targets are too large or too small for the steps.",
    "capacity": "The network cannot represent what it is to learn.",
    "unstable": "The loss jumps up again and again.",
    "stalled": "The network has not learned more than one constant answer.",
}
"""What each kind of finding means, in plain words."""
