"""mcu: the board's side of keras-tiny. Flash, infer, validate, measure. Never loads TensorFlow or Keras."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_ROOMS = ("boards",)
_VERBS = {
    "Bundle": "mcu.bundle:Bundle",
    "validate": "mcu.hil:validate",
    "infer": "mcu.hil:infer",
    "bench": "mcu.bench:bench",
    "fits": "mcu.firmware.fits:fits",
    "flash": "mcu.flash:flash",
}

__all__ = [*_ROOMS, *_VERBS]  # resolved by __getattr__


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        module, _, attribute = _VERBS[name].partition(":")
        return getattr(import_module(module), attribute)
    if name in _ROOMS:
        return import_module(f"mcu.{name}")
    raise AttributeError(f"module 'mcu' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
