"""The board in the loop: stream real samples, compare every byte with the desk, keep the record.

Names are resolved when they are used: pytest loads this package on every start, for its plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcu.hil.fleet import validate_fleet
    from mcu.hil.fleet_record import FleetRun
    from mcu.hil.live import Answer, infer
    from mcu.hil.record import HilRun
    from mcu.hil.runner import validate

__all__ = ["Answer", "FleetRun", "HilRun", "infer", "validate", "validate_fleet"]

_HOMES = {
    "Answer": "mcu.hil.live",
    "FleetRun": "mcu.hil.fleet_record",
    "HilRun": "mcu.hil.record",
    "infer": "mcu.hil.live",
    "validate": "mcu.hil.runner",
    "validate_fleet": "mcu.hil.fleet",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mcu.hil' has no attribute '{name}'")
