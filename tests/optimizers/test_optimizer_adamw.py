"""AdamW is Adam with the weight decay switched on."""

import inspect
import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.optimizers import SGD, Adam, AdamW, Lamb, Muon


def apply_some(optimizer) -> np.ndarray:
    rng = np.random.default_rng(0)
    w = keras.Variable(rng.normal(size=5))
    for _ in range(5):
        optimizer.apply([tf.constant(rng.normal(size=5), "float32")], [w])
    return w.numpy()


@pytest.mark.parametrize("convention", ["keras", "paper", "torch", "deck"])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_it_is_adam_with_weight_decay(convention, amsgrad):
    arguments = {"weight_decay": 0.1, "amsgrad": amsgrad, "convention": convention}
    adamw = apply_some(AdamW(0.01, **arguments))
    np.testing.assert_array_equal(adamw, apply_some(Adam(0.01, **arguments)))
    assert not np.array_equal(adamw, apply_some(Adam(0.01, **arguments | {"weight_decay": None})))


def test_what_is_excluded_does_not_decay():
    optimizer = AdamW(0.1, weight_decay=0.5)
    kernel, bias = keras.Variable([2.0], name="kernel"), keras.Variable([2.0], name="bias")
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([tf.zeros(1), tf.zeros(1)], [kernel, bias])
    np.testing.assert_allclose([*kernel.numpy(), *bias.numpy()], [2.0 * (1 - 0.05), 2.0])


def test_exclusion_after_build_may_only_be_repeated():
    """On two replicas a step that begins with it runs twice."""
    optimizer, w = AdamW(0.1), keras.Variable([2.0], name="bias")
    optimizer.exclude_from_weight_decay([w], ["bias"])
    optimizer.build([w])
    optimizer.exclude_from_weight_decay([w], ["bias"])
    for other in (([w], ["kernel"]), ([], ["bias"]), ([keras.Variable([2.0])], ["bias"])):
        with pytest.raises(ValueError, match="after the optimizer was built"):
            optimizer.exclude_from_weight_decay(*other)


PATHS = {
    "layer": ["head"],
    "layer and name": ["head/bias"],
    "two": ["head/kernel", "base/bias"],
    "regex": ["^base/.*s"],
    "name": ["bias"],
    "none": ["body"],
}


def decayed(optimizer, names):
    """The weights of two layers after a `fit` whose gradients are all 0."""
    model: Any = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(2, name="base", bias_initializer="ones"),
            keras.layers.Dense(1, name="head", bias_initializer="ones"),
        ]
    )
    for w in model.trainable_variables:
        w.assign(tf.ones(w.shape))
    optimizer.exclude_from_weight_decay(var_names=names)
    model.compile(optimizer, lambda t, y: 0.0 * y)
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    return model.get_weights()


@pytest.mark.parametrize("names", PATHS.values(), ids=PATHS)
def test_exclusion_searches_paths_as_keras_does(names):
    expected = decayed(keras.optimizers.AdamW(0.1, weight_decay=0.5), names)
    for w, exact in zip(decayed(AdamW(0.1, weight_decay=0.5), names), expected, strict=True):
        np.testing.assert_allclose(w, exact, rtol=1e-6)


@pytest.mark.parametrize("cls", [AdamW, SGD, Lamb, Muon])
def test_every_optimizer_excludes_by_the_name_of_a_layer(cls):
    base_kernel, _, *head = decayed(cls(0.1, weight_decay=0.5), ["head"])
    assert np.all(base_kernel < 0.999)
    for w in head:
        np.testing.assert_array_equal(w, np.ones(w.shape))


def test_names_to_exclude_are_checked():
    for wrong in ("head", [3], ["("]):
        with pytest.raises(ValueError, match="`var_names` must be a list of regular expressions"):
            AdamW().exclude_from_weight_decay(var_names=wrong)
    with pytest.raises(
        ValueError, match=r"exclude_from_weight_decay\(var_names=\['bias'\]\)` before"
    ):
        AdamW(exclude_from_weight_decay=["bias"])  # pyright: ignore[reportCallIssue]


def test_it_takes_the_arguments_in_the_order_of_keras():
    ours, theirs = (
        list(inspect.signature(cls).parameters)[:6] for cls in (AdamW, keras.optimizers.AdamW)
    )
    assert ours == theirs


def test_a_weight_decay_of_none_is_refused():
    with pytest.raises(ValueError, match=re.escape("Write, for example, `weight_decay=0.004`")):
        AdamW(weight_decay=None)  # pyright: ignore[reportArgumentType]


def test_help_has_its_own_default_of_weight_decay_alone():
    documentation = inspect.getdoc(AdamW) or ""
    assert documentation.count("    weight_decay: ") == 1
    assert "    clipnorm: " in documentation
    assert (inspect.getdoc(Adam) or "").count("    weight_decay: ") == 1
