"""The board in the loop: stream real samples, compare every byte with the desk, keep the record."""

from mcu.hil.infer import Answer, infer
from mcu.hil.record import HilRun
from mcu.hil.runner import validate

__all__ = ["Answer", "HilRun", "infer", "validate"]
