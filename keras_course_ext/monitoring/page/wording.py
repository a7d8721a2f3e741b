"""The sentences of the page, in the language of the reader."""

from keras_course_ext._language import Catalogue
from keras_course_ext.monitoring.page.korean import PAGE

say = Catalogue(PAGE).say

PLAIN = {
    "non_finite": "A number became NaN or infinite. From there on nothing is learned.",
    "no_gradient": "Some weights get no gradient at all, so they stay as they are.",
    "exploding": "The gradient grows on its way back until the steps destroy what was learned.",
    "vanishing": "The gradient shrinks on its way back, so the layers near the input hardly learn.",
    "dead": "Many units give 0 whatever the input. They can no longer learn.",
    "saturated": "Many units are pushed to the flat ends of their function, where they stop "
    "learning.",
    "large_updates": "Each step changes the weights so much that it destroys what was learned.",
    "small_updates": "Each step changes the weights so little that training hardly advances.",
}
"""What each kind of finding means, in plain words."""
