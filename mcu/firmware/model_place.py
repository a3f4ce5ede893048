"""Where a board keeps a model of its own in flash, beside firmware with TensorFlow Lite Micro: `model_place`.

Source of the layout: docs/reference/model_image.md. On an ESP32 the sketch brings its own partition table, which is
Arduino's for 4 MB of flash but for the name of the last partition (arduino-esp32, tools/partitions/default.csv): a
larger flash has it, too, whatever size is chosen in the board's menu.
"""

from __future__ import annotations

from mcu.boards import Board
from mcu.errors import BadInput

_ESP_LEAST_BYTES = 4 << 20
_ESP_OFFSET, _ESP_BYTES = 0x29_0000, 0x16_0000
PARTITIONS = f"""\
# Name, Type, SubType, Offset, Size
nvs,      data, nvs,      0x9000,   0x5000
otadata,  data, ota,      0xe000,   0x2000
app0,     app,  ota_0,    0x10000,  0x140000
app1,     app,  ota_1,    0x150000, 0x140000
model,    data, 0x40,     {_ESP_OFFSET:#x}, {_ESP_BYTES:#x}
coredump, data, coredump, 0x3f0000, 0x10000
"""


def has_model_place(board: Board) -> bool:
    """Whether `model_place` has an answer."""
    on_esp = board.flash.method == "esptool" and (board.flash_bytes or 0) >= _ESP_LEAST_BYTES
    on_stm32 = bool(board.flash.sectors and board.flash_bytes and board.chip.startswith("STM32"))
    return on_esp or on_stm32


def model_place(board: Board) -> tuple[int, int]:
    """(address, bytes) of flash for the model: on an ESP a data partition, on an STM32 the sectors of the upper half.

    Raises:
        BadInput: a board that keeps no model of its own in flash.
    """
    if not has_model_place(board) or board.flash_bytes is None:
        raise BadInput(
            f"'{board.id}' has no place in flash for a model of its own.",
            hint="Without --model-only the model is part of the firmware.",
        )
    if board.flash.method == "esptool":
        return _ESP_OFFSET, _ESP_BYTES
    first = next(start for start in board.sector_starts() if 2 * start >= board.flash_bytes)
    return board.flash.addresses["app"] + first, board.flash_bytes - first
