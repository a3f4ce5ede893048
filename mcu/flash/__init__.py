"""Flash a bundle's firmware onto a board, and prove that it is there: `mcu.flash(bundle, board=…)`."""

from __future__ import annotations

import sys
from types import ModuleType

from mcu.flash.flasher import FlashResult, flash

__all__ = ["FlashResult", "flash"]


class _CallableRoom(ModuleType):
    """The verb and the room have the same name: `mcu.flash` is a package, and calling it flashes."""

    __call__ = staticmethod(flash)


sys.modules[__name__].__class__ = _CallableRoom
