"""What goes into a chip's flash: segments at addresses, named by their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from mcu.boards import Board
from mcu.bundle import Bundle
from mcu.errors import BadInput


@dataclass(frozen=True)
class Segment:
    """Bytes that follow each other in flash.

    Attributes:
        address: of the first byte: absolute on STM32, from the start of the SPI flash on ESP32.
        name: what it is, for messages: "app", "bootloader", "model", …
    """

    address: int
    data: bytes
    name: str = "app"

    @property
    def end(self) -> int:
        """Address behind the last byte."""
        return self.address + len(self.data)


@dataclass(frozen=True)
class Image:
    """A firmware image with the model in it, or a model alone, as a builder made it.

    Attributes:
        segments: in ascending order of their addresses, not overlapping, none empty.
        start: address that runs first (STM32: of the vector table); None where the chip knows by itself.
        firmware: what this firmware says of itself in HELLO; "" if the builder does not know.
        engine: "c" or "tflm".
        model_alone: the firmware that runs the model is on the board already, whatever its name.
    """

    segments: tuple[Segment, ...]
    start: int | None = None
    firmware: str = ""
    engine: str = "c"
    model_alone: bool = False

    def __post_init__(self) -> None:
        if not self.segments or not all(segment.data for segment in self.segments):
            raise BadInput("An image needs at least one segment, and no segment may be empty.")
        for before, after in zip(self.segments, self.segments[1:], strict=False):
            if after.address < before.end:
                raise BadInput(
                    f"The segments '{before.name}' (up to {before.end:#x}) and '{after.name}' "
                    f"(from {after.address:#x}) overlap, or are not in the order of their addresses."
                )

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(len(segment.data) for segment in self.segments)

    @property
    def sha256(self) -> str:
        """Of addresses and bytes: 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for segment in self.segments:
            digest.update(segment.address.to_bytes(8, "little") + len(segment.data).to_bytes(8, "little"))
            digest.update(segment.data)
        return digest.hexdigest()


Builder = Callable[[Bundle, Board], Image]
"""Makes the image of a bundle for a board; the same bundle and board give the same bytes."""
