"""keras-tiny: a Keras model garden for microcontrollers, with the board in the loop.

Importing it loads neither TensorFlow nor Keras; a verb loads what it needs when it is called.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Any

__version__ = metadata.version("keras-tiny")

_ROOMS = (
    "data",
    "models",
    "metrics",
    "preprocessing",
    "quantization",
    "export",
    "blame",
    "compare",
    "advise",
)  # calling one of the last four does what it is named after
_VERBS = {
    "train": "keras_tiny.training.train:train",
    "distill": "keras_tiny.training.distill:distill",
    "run_recipe": "keras_tiny.runs.run:run_recipe",
    "quantize": "keras_tiny.quantization:quantize",
    "calibrate": "keras_tiny.quantization:calibrate",
    "audit": "keras_tiny.export.audit:audit",
    "gate": "keras_tiny.compare:gate",
}

__all__ = ["__version__", *_ROOMS, *_VERBS]  # resolved by __getattr__


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        module, _, attribute = _VERBS[name].partition(":")
        return getattr(import_module(module), attribute)
    if name in _ROOMS:
        return import_module(f"keras_tiny.{name}")
    raise AttributeError(f"module 'keras_tiny' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
