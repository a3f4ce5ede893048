"""What `mcu flash` would do, in lines that a person can check."""

from __future__ import annotations

from mcu.boards import Board, Method
from mcu.bundle import Bundle
from mcu.flash.image import Image
from mcu.flash.plan import plan_sectors


def describe(image: Image, *, board: Board, port: str, method: Method, bundle: Bundle) -> tuple[str, ...]:
    """The plan; a line per segment, and for STM32 the sectors that are erased if they differ.

    Raises:
        BadInput: the image does not fit the board.
    """
    lines = [
        f"{board.id} ({board.chip}) at {port}, by {method}",
        f"bundle {bundle.name}, model {bundle.manifest.model_sha256[:12]}, engine {image.engine}",
    ]
    for segment in image.segments:
        lines.append(
            f"{segment.name}: {segment.address:#010x} to {segment.end - 1:#010x}, {len(segment.data):,} bytes"
        )
    if method in ("stm32_uart", "stlink", "mass_storage"):
        for sector in plan_sectors(image, board):
            lines.append(
                f"sector {sector.number}: {sector.address:#010x}, {sector.size // 1024} KiB, erased if it differs"
            )
    elif method == "esptool":
        check_esp_flash(image, board)
    lines.append("then: verify, start, greet, run the golden vectors")
    return tuple(lines)


def check_esp_flash(image: Image, board: Board) -> None:
    """BadInput if a segment does not fit the board's SPI flash."""
    from mcu.errors import BadInput

    for segment in image.segments:
        if board.flash_bytes is not None and segment.end > board.flash_bytes:
            raise BadInput(
                f"The image does not fit: '{segment.name}' ends {segment.end - board.flash_bytes:,} bytes behind "
                f"the {board.flash_bytes:,} bytes of flash of '{board.id}'.",
                hint="Take a smaller model, or a board with more flash; `mcu fits` tells which.",
            )
