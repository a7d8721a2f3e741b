"""Losses by name."""

import keras
import numpy as np
import pytest

from keras_course_ext import losses

CLASSES = [name for name in losses.__all__ if isinstance(getattr(losses, name), type)]


def snake_case(name):
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_is_found_by_its_names(name):
    cls = getattr(losses, name)
    for spelling in (name, snake_case(name), name.upper(), f"keras_course_ext>{name}"):
        assert type(losses.get(spelling)) is cls, spelling
    loss = cls(reduction="sum", name="mine")
    assert losses.get(loss) is loss
    assert type(losses.get(cls)) is cls
    for config in (
        losses.serialize(loss),
        {"class_name": name, "config": loss.get_config()},
        {"class_name": f"keras_course_ext>{name}", "config": loss.get_config()},
    ):
        for again in (losses.get(config), losses.deserialize(config)):
            assert type(again) is cls
            assert again.get_config() == loss.get_config()


def test_keras_s_aliases_mean_ours():
    for alias in ("mse", "MSE", "mean_squared_error"):
        assert type(losses.get(alias)) is losses.MeanSquaredError
    for alias in ("bce", "BCE"):
        assert type(losses.get(alias)) is losses.BinaryCrossentropy
    # Every name under which Keras finds a loss that is ours too.
    for alias, theirs in vars(keras.losses).items():
        if callable(theirs) and getattr(theirs, "__name__", "") in {*CLASSES, "huber"}:
            assert type(losses.get(alias)).__module__.startswith("keras_course_ext"), alias


def test_what_is_not_here_is_found_in_keras_or_passes():
    assert losses.get("mae") is keras.losses.get("mae")
    assert type(losses.get("CosineSimilarity")) is keras.losses.CosineSimilarity
    assert losses.get(None) is None
    assert losses.get(np.subtract) is np.subtract
    theirs = keras.losses.Huber()
    assert losses.get(theirs) is theirs
    assert type(losses.get(keras.losses.serialize(theirs))) is keras.losses.Huber


@keras.saving.register_keras_serializable(package="test_losses_lookup")
class Mine(keras.losses.MeanSquaredError):
    pass


def test_registered_and_custom_losses_come_back():
    assert type(losses.get(losses.serialize(Mine()))) is Mine
    assert losses.deserialize("mse", {"mse": Mine}) is Mine
    config = {"class_name": "Huber", "config": {}}
    assert type(losses.deserialize(config, {"Huber": Mine})) is Mine


def test_a_loaded_huber_has_its_delta():
    again = losses.get(losses.serialize(losses.Huber(2.5)))
    assert again.delta == 2.5
    assert float(again([[0.0]], [[10.0]])) == 2.5 * (10 - 1.25)


@pytest.mark.parametrize(
    ("identifier", "error", "message"),
    [
        ("hubr", ValueError, "Did you mean 'huber'.*PerceptronCriterion"),
        ("mean_squared_eror", ValueError, "Did you mean 'mean_squared_error'"),
        ("somewhere>Huber", ValueError, "There is no loss 'somewhere>Huber'"),
        (3, TypeError, "Received: 3 of type int"),
        ({"class_name": "nonsense"}, ValueError, "There is no loss 'nonsense'"),
        ({"class_name": "Hubr", "config": {}}, ValueError, "Did you mean 'Huber'"),
        ({"class_name": 3}, ValueError, "needs the name of its class.*{'class_name': 3}"),
        ({}, ValueError, "needs the name of its class"),
    ],
)
def test_an_unknown_loss_is_refused_with_the_nearest(identifier, error, message):
    with pytest.raises(error, match=message):
        losses.get(identifier)
