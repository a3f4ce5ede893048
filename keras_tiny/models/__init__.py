"""The garden: a table name → module, imported on call. `models.mobilenet_v2(...)` builds a tf_keras model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_tiny.registry import Entry, Registry

MODELS = Registry(
    "model",
    {
        "mobilenet_v2": Entry(
            "keras_tiny.models.mobilenet_v2:mobilenet_v2",
            task="classification",
            paper="MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381",
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
