"""The garden: a table name → module, imported on call. `models.mobilenet_v2(...)` builds a tf_keras model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_tiny.registry import Entry, Registry

MODELS = Registry(
    "model",
    {
        "mobilenet_v1": Entry(
            "keras_tiny.models.mobilenet_v1:mobilenet_v1",
            task="classification",
            paper="MobileNets: Efficient Convolutional Neural Networks for Mobile Vision, arXiv:1704.04861",
        ),
        "mobilenet_v2": Entry(
            "keras_tiny.models.mobilenet_v2:mobilenet_v2",
            task="classification",
            paper="MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381",
        ),
        "mobilenet_v3_small": Entry(
            "keras_tiny.models.mobilenet_v3:mobilenet_v3_small",
            task="classification",
            paper="Searching for MobileNetV3, arXiv:1905.02244",
        ),
        "mobilenet_v3_large": Entry(
            "keras_tiny.models.mobilenet_v3:mobilenet_v3_large",
            task="classification",
            paper="Searching for MobileNetV3, arXiv:1905.02244",
        ),
        "squeezenet": Entry(
            "keras_tiny.models.squeezenet:squeezenet",
            task="classification",
            paper="SqueezeNet: AlexNet-level accuracy with 50x fewer parameters, arXiv:1602.07360",
        ),
        "etinynet": Entry(
            "keras_tiny.models.etinynet:etinynet",
            task="classification",
            paper="EtinyNet: Extremely Tiny Network for TinyML, AAAI 2022",
        ),
    },
)


def build(name: str, **arguments: Any) -> Any:
    """The model of that name, built with its builder's arguments.

    Raises:
        UnknownName: with near names.
    """
    return MODELS.load(name)(**arguments)


def __getattr__(name: str) -> Callable[..., Any]:
    if name in MODELS:
        return MODELS.load(name)
    raise AttributeError(
        f"module 'keras_tiny.models' has no attribute '{name}'; it knows {', '.join(MODELS)}"
    )


def __dir__() -> list[str]:
    return sorted([*globals(), *MODELS])
