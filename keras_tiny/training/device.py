"""Which device a run computes on; decided before TensorFlow has touched one."""

from __future__ import annotations

from typing import Literal

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import tf


def use_device(device: Literal["cpu", "gpu"]) -> None:
    """Compute on the CPU only, or insist on a GPU.

    Raises:
        BadInput: no GPU is there, or TensorFlow has opened its devices already.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu":
        if not gpus:
            raise BadInput(
                "--device gpu: TensorFlow sees no GPU.", hint="Leave it out, or pass --device cpu."
            )
        return
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError as error:
        raise BadInput(f"The device cannot be chosen any more: {error}.") from None
