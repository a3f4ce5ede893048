"""The image that `mcu flash` writes unless it is given another: the compiled engine's firmware, as segments."""

from __future__ import annotations

from collections.abc import Iterable

from mcu.boards import Board
from mcu.bundle import Bundle
from mcu.flash.image import Image, Segment
from mcu.flash.plan import ALIGNMENT, ERASED
from mcu.protocol.mlperf_model import MlperfModel

ENGINE = "c"
_GAP_BYTES = 4096  # smaller gaps between the parts of a program are filled as erased


def build_image(
    bundle: Bundle, board: Board, *, mlperf: MlperfModel | None = None, overlap: bool = False
) -> Image:
    """See `mcu.flash.image.Builder`; compiled once for the same content.

    Args:
        mlperf, overlap: as for `mcu.firmware.builder.build_firmware`.

    Raises:
        BadInput: there is no bare-metal firmware for the board.
        DoesNotFit, UnsupportedModel: of `mcu.firmware.builder.build_firmware`.
        MissingExtra: no compiler.
    """
    from mcu.firmware.builder import build_firmware
    from mcu.firmware.image import esp_bytes

    firmware = build_firmware(bundle.model_bytes, board=board, mlperf=mlperf, overlap=overlap)
    if board.flash.method == "esptool":
        segment = Segment(board.flash.addresses["bootloader"], esp_bytes(firmware, board))
        return Image((segment,), firmware=firmware.version, engine=ENGINE)
    segments = join((load.address, load.data) for load in firmware.loads)
    return Image(segments, start=segments[0].address, firmware=firmware.version, engine=ENGINE)


def join(parts: Iterable[tuple[int, bytes]]) -> tuple[Segment, ...]:
    """(address, bytes) in any order → segments that start where flash can be programmed; small gaps are filled."""
    joined: list[tuple[int, bytearray]] = []
    for address, data in sorted((address, data) for address, data in parts if data):
        if joined:
            start, before = joined[-1]
            gap = address - start - len(before)
            if 0 <= gap < _GAP_BYTES:
                before += ERASED * gap + data
                continue
        head = address % ALIGNMENT
        joined.append((address - head, bytearray(ERASED * head + data)))
    return tuple(Segment(start, bytes(data)) for start, data in joined)
