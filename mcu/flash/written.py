"""What a flasher is given and what it gives back: the interface that every way into a chip keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mcu.boards import Board
from mcu.errors import BoardError
from mcu.flash.image import Image

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all) as a write goes on."""


class WrongChip(BoardError):
    """Another chip than the one asked for; nothing was written."""


class ChipLocked(BoardError):
    """The chip's protection forbids reading or writing; nothing was written."""


class VerifyFailed(BoardError):
    """What is in flash is not the image."""


@dataclass(frozen=True)
class Written:
    """What a flasher did; there is no `Written` for an image that is not proven to be in flash.

    Attributes:
        chip: what the chip says that it is, in words.
        wrote_bytes: of the image, sent to the chip.
        skipped_bytes: of the image, found in flash already.
        verified: read back or hashed by the chip, and equal; False where the way in cannot read (then HELLO decides).
        port: where the firmware is greeted afterwards.
    """

    chip: str
    wrote_bytes: int
    skipped_bytes: int
    verified: bool
    port: str


class Flasher(Protocol):
    """One way into a chip, a function in a module of its own; see the table in flasher.py."""

    def __call__(self, image: Image, *, board: Board, port: str, progress: Progress) -> Written:
        """Bring the image into the flash of this board and start it.

        Args:
            port: device or URL of the board's port.

        Raises:
            WrongChip, ChipLocked: before anything was written.
            VerifyFailed: it is not there after the last attempt.
            PortError, BoardError: the port or the chip went away; flash holds a part of the image.
            MissingExtra: a tool is not installed.
        """
