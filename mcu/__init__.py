"""mcu: the board's side of keras-tiny. Flash, infer, validate, measure. Never loads TensorFlow or Keras."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_VERBS = {
    "Bundle": "mcu.bundle:Bundle",
    "validate": "mcu.hil:validate",
    "infer": "mcu.hil:infer",
    "boards": "mcu.boards:load_boards",
    "flash": "mcu.flash:flash",
}

__all__ = [*_VERBS]  # resolved by __getattr__


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        module, _, attribute = _VERBS[name].partition(":")
        return getattr(import_module(module), attribute)
    raise AttributeError(f"module 'mcu' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
