"""The whole loop without hardware: build, flash through the STM32 ROM's double, boot what was flashed, validate it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import mcu.flash
from mcu.boards import get_board
from mcu.bundle import Bundle
from mcu.doubles.qemu_application import boot_in_qemu
from mcu.doubles.serve import OnPty
from mcu.doubles.stm32_rom import FLASH_BASE, Stm32Rom
from mcu.errors import BoardError
from mcu.flash.build import build_image, join
from mcu.flash.image import Image, Segment
from mcu.hil import validate
from tests.mcu.hil.digits_bundle import digits
from tests.support import require

BOARD = "qemu_stm32f405"


@pytest.fixture(autouse=True)
def tools() -> None:
    require("qemu-system-arm")
    require("arm-none-eabi-gcc")


def chip() -> Stm32Rom:
    board = get_board(BOARD)
    return Stm32Rom(board, on_go=boot_in_qemu(board.qemu_machine))


def test_a_bundle_is_built_flashed_booted_and_validates_bit_exactly(bundle: Bundle, tmp_path: Path):
    rom = chip()
    image = build_image(bundle, get_board(BOARD))
    with OnPty(rom) as served:
        result = mcu.flash(bundle, board=BOARD, method="stm32_uart", port=served.port)
        assert (result.ready, result.verified, result.skipped_bytes) == (True, True, 0)
        for segment in image.segments:
            offset = segment.address - FLASH_BASE
            assert rom.flash.content[offset : offset + len(segment.data)] == segment.data
        run = validate(bundle, digits(), board=BOARD, port=served.port, limit=20, out_dir=tmp_path / "run")
        assert run.bit_exact
        assert (run.samples, run.mismatched_bytes) == (20, 0)
        blocks = len(rom.flash.programmed)
        again = mcu.flash(bundle, board=BOARD, method="stm32_uart", port=served.port)
        assert (again.wrote_bytes, again.ready, len(rom.flash.programmed)) == (0, True, blocks)


def test_another_model_replaces_the_first(bundle: Bundle, other_bundle: Bundle):
    with OnPty(chip()) as served:
        assert mcu.flash(bundle, board=BOARD, method="stm32_uart", port=served.port).ready
        served.press_reset(bootloader=True)
        result = mcu.flash(other_bundle, board=BOARD, method="stm32_uart", port=served.port)
        assert result.ready
        assert result.wrote_bytes


def test_an_image_with_a_bit_of_the_model_wrong_never_becomes_ready(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
):
    """What a builder may do wrong: the write is verified, but the board's CRC-32 of its model tells."""
    image = build_image(bundle, get_board(BOARD))
    (segment,) = image.segments
    data = bytearray(segment.data)
    at = _model_constants(image, bundle)
    data[at] ^= 1
    wrong = dataclasses.replace(image, segments=(Segment(segment.address, bytes(data)),))
    with OnPty(chip()) as served, pytest.raises(BoardError, match="the board is not ready"):
        mcu.flash(bundle, board=BOARD, method="stm32_uart", port=served.port, build=lambda b, board: wrong)


def test_the_emulated_board_itself_is_flashed_by_booting_it(bundle: Bundle):
    result = mcu.flash(bundle, board=BOARD)
    assert (result.board, result.ready) == (BOARD, True)


def test_parts_of_a_program_become_segments_that_flash_can_take():
    joined = join(
        [(0x0800_0104, b"b" * 8), (0x0800_0000, b"a" * 256), (0x0801_0010, b"c"), (0x0900_0000, b"")]
    )
    assert joined == (
        Segment(0x0800_0000, b"a" * 256 + b"\xff" * 4 + b"b" * 8),
        Segment(0x0801_0000, b"\xff" * 16 + b"c"),
    )


def _model_constants(image: Image, bundle: Bundle) -> int:
    """Offset of a byte of the model's weights in the image: the longest run of the model that the image holds."""
    data, model = image.segments[0].data, bundle.model_bytes
    for start in range(0, len(model) - 64, 16):
        piece = model[start : start + 48]
        if len(set(piece)) > 16 and (found := data.find(piece)) >= 0:
            return found + 24
    pytest.fail("the image holds no piece of the model")
