"""Where weights start where Keras' own choice would be off (He et al., arXiv:1502.01852)."""

from __future__ import annotations

from typing import Any

from keras_tiny.keras_api import keras

HE_NORMAL = "he_normal"


def near_zero() -> Any:
    """N(0, 0.01²) for the last convolution of a detector's heads (Lin et al., arXiv:1708.02002, section 4.1).

    Larger ones begin with a loss whose gradients wipe out what a backbone has learnt before.
    """
    return keras.initializers.RandomNormal(stddev=0.01)


def depthwise_normal(kernel: int, *, gain: float = 2.0) -> Any:
    """N(0, gain / kernel²) for a depthwise kernel, whose outputs each see kernel² inputs.

    Keras' he_normal counts kernel² × channels of them, and so starts depthwise kernels √channels too small, which
    nothing corrects where no BatchNorm follows.

    Args:
        gain: 2 before a ReLU, 1 where nothing follows.
    """
    return keras.initializers.RandomNormal(stddev=(gain / kernel**2) ** 0.5)
