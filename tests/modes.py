"""The three ways in which TensorFlow runs a function, for `@pytest.mark.parametrize`."""

from functools import partial

import tensorflow as tf

MODES = {
    "eager": lambda f: f,
    "graph": tf.function,
    "jit": partial(tf.function, jit_compile=True),
}
