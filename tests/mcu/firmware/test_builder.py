"""Building firmware: once for the same content, within the board's memory, with one clear error when it cannot be."""

from __future__ import annotations

import dataclasses
import re
import zlib
from pathlib import Path

import pytest

from mcu.boards import Board, get_board
from mcu.errors import BadInput, MissingExtra, ModelFileError
from mcu.firmware import builder
from mcu.firmware.builder import DoesNotFit, Firmware, build_firmware
from mcu.firmware.elf import Elf
from mcu.protocol.session import Session
from mcu.transport import open_port
from mcu.transport.urls.protocol_qemu import qemu_url
from tests.support import require

BOARD = get_board("qemu_stm32f405")


@pytest.fixture(scope="module")
def model(models: dict[str, Path]) -> bytes:
    require("arm-none-eabi-gcc")
    return models["classifier"].read_bytes()


@pytest.fixture(scope="module")
def firmware(model: bytes) -> Firmware:
    return build_firmware(model, board=BOARD)


def _smaller(**changes: int) -> Board:
    return BOARD.model_copy(update=changes)


def test_the_same_content_is_built_once(model: bytes, firmware: Firmware, monkeypatch: pytest.MonkeyPatch):
    def forbidden(*args: object, **options: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(builder, "compile_objects", forbidden)
    again = build_firmware(model, board=BOARD)
    assert again.cached
    assert dataclasses.replace(again, cached=firmware.cached) == firmware


def test_another_board_or_model_is_another_firmware(
    model: bytes, models: dict[str, Path], firmware: Firmware
):
    other_model = build_firmware(models["segmenter"].read_bytes(), board=BOARD)
    with_faults = build_firmware(model, board=BOARD, inject_faults=True)
    assert len({firmware.program, other_model.program, with_faults.program}) == 3


def test_firmware_that_changed_says_another_name_with_the_same_model(model: bytes, firmware: Firmware):
    changed = build_firmware(model, board=BOARD, inject_faults=True)
    assert re.fullmatch(r"[\d.]+\+[0-9a-f]{12}", firmware.version)
    assert changed.version != firmware.version
    for each in (firmware, changed):
        assert any(each.version.encode() in load.data for load in each.loads)


def test_the_image_begins_with_the_vector_table_in_flash(firmware: Firmware):
    (load,) = firmware.loads
    assert load.address == 0x0800_0000
    stack, reset = (int.from_bytes(load.data[at : at + 4], "little") for at in (0, 4))
    assert 0x2000_0000 < stack <= 0x2002_0000
    assert 0x0800_0000 < reset < 0x0800_0000 + len(load.data)
    assert reset & 1  # Thumb


def test_the_link_takes_at_most_8_kib_of_flash_and_4_kib_of_ram(firmware: Firmware):
    assert firmware.size is not None
    assert firmware.size.parts["link"].flash <= 8192
    # The port's RAM is the link's: its state and its receive ring; stacks and arena are counted apart.
    assert firmware.size.parts["link"].ram + firmware.size.parts["port"].ram <= 4096


def test_the_sizes_are_those_of_the_image_and_of_the_memory(firmware: Firmware):
    assert firmware.size is not None
    (load,) = firmware.loads
    assert abs(firmware.size.flash_bytes - len(load.data)) <= 64
    symbols = Elf.read(firmware.program).symbols()
    used = symbols["kt_handler_stack_end"] - symbols["kt_stack_guard"]
    assert abs(firmware.size.ram_bytes - used) <= 64


def test_too_little_ram_is_an_answer_with_the_bytes_and_the_operator(model: bytes):
    with pytest.raises(
        DoesNotFit, match=r"[\d,]+ bytes of RAM too large for qemu_stm32f405.*operator|largest at"
    ):
        build_firmware(model, board=_smaller(ram_bytes=8192))


def test_too_little_flash_is_an_answer_with_the_bytes(model: bytes):
    with pytest.raises(DoesNotFit, match=r"[\d,]+ bytes of FLASH too large"):
        build_firmware(model, board=_smaller(flash_bytes=8192))


def test_a_missing_compiler_is_named_with_the_line_that_installs_it(
    model: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingExtra, match="apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"):
        build_firmware(model, board=BOARD)


def test_a_board_without_a_port_is_refused(model: bytes):
    with pytest.raises(
        BadInput, match=r"no bare-metal firmware for the board 'esp32_s3_devkitc'.*--sketch DIR"
    ):
        build_firmware(model, board=get_board("esp32_s3_devkitc"))


@pytest.mark.parametrize("board_id", ["nucleo_f401re", "nucleo_f411re", "nucleo_f446re", "blackpill_f411ce"])
def test_the_firmware_of_other_boards_of_the_family_is_built_for_their_memory_and_clock(
    model: bytes, board_id: str
):
    board = get_board(board_id)
    firmware = build_firmware(model, board=board)
    symbols = Elf.read(firmware.program).symbols()
    assert symbols["kt_ram_end"] == 0x2000_0000 + (board.ram_bytes or 0)


def test_a_file_that_is_no_model_is_refused():
    require("arm-none-eabi-gcc")
    with pytest.raises(ModelFileError):
        build_firmware(b"not a model", board=BOARD)


@pytest.mark.parametrize("board_id", ["qemu_stm32f405", "qemu_riscv_virt"])
def test_a_flipped_bit_in_the_models_constants_changes_the_crc_that_the_board_reports(
    models: dict[str, Path], tmp_path: Path, board_id: str
):
    for tool in ("riscv64-unknown-elf-gcc", "qemu-system-riscv32", "arm-none-eabi-gcc", "qemu-system-arm"):
        require(tool)
    model_bytes = models["classifier"].read_bytes()
    elf = Elf.read(build_firmware(model_bytes, board=get_board(board_id)).program)
    symbols = elf.symbols()
    at = symbols["kt_model_begin"] + 8  # in the weights' scales or the like; the program runs all the same
    (byte,) = elf.read_at(at, 1)
    elf.patch(at, bytes([byte ^ 0x10]))
    damaged = tmp_path / "damaged.elf"
    damaged.write_bytes(elf.content)
    with Session.connect(open_port(qemu_url(damaged, board=board_id))) as session:
        assert session.identity.model_crc32 != zlib.crc32(model_bytes)
