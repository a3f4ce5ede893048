"""The board in the loop: stream real samples, compare every byte with the desk, keep the record.

Names are resolved when they are used: pytest loads this package on every start, for its plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcu.hil.live import Answer, infer
    from mcu.hil.record import HilRun
    from mcu.hil.runner import validate

__all__ = ["Answer", "HilRun", "infer", "validate"]

_HOMES = {
    "Answer": "mcu.hil.live",
    "HilRun": "mcu.hil.record",
    "infer": "mcu.hil.live",
    "validate": "mcu.hil.runner",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mcu.hil' has no attribute '{name}'")
