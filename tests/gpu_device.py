"""The device of the tests marked `gpu`.

`python -m pytest -m gpu` runs them where TensorFlow sees a GPU; elsewhere they are skipped.
`TEST_DEVICE=CPU` runs them on the CPU, which checks the tests themselves.
"""

import os

import pytest
import tensorflow as tf

KIND = os.environ.get("TEST_DEVICE", "GPU")
DEVICE = f"/{KIND}:0"
on_gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not tf.config.list_physical_devices(KIND), reason=f"TensorFlow sees no {KIND}"
    ),
]


def is_on_device(value) -> bool:
    """Say whether a variable or tensor is on the device."""
    return tf.convert_to_tensor(value).device.endswith(f"{KIND}:0")
