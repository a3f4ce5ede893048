"""Flash an emulated board: QEMU loads the firmware whenever its port is opened, so there is nothing to keep."""

from __future__ import annotations

from mcu.boards import Board
from mcu.flash.image import Image
from mcu.flash.written import Progress, Written


def write(image: Image, *, board: Board, port: str, progress: Progress) -> Written:
    """See `mcu.flash.written.Flasher`. `port` is a qemu:// URL; that the image runs there is for HELLO to prove."""
    progress(image.size, image.size)
    return Written(
        chip=f"{board.chip}, QEMU {board.qemu_machine}",
        wrote_bytes=image.size,
        skipped_bytes=0,
        verified=False,
        port=port,
    )
