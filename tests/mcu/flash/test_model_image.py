"""A model of its own in flash: written and read back on the doubles beside firmware that stays, and found by the C."""

from __future__ import annotations

import ctypes
import zlib
from pathlib import Path

import pytest

import mcu.flash
from mcu.boards import get_board, load_boards
from mcu.bundle import Bundle
from mcu.compiler.emit import sketches_folder
from mcu.doubles.esp_rom import EspRom
from mcu.doubles.rom import RomDouble
from mcu.doubles.serve import OnPty
from mcu.doubles.stm32_rom import FLASH_BASE, Stm32Rom
from mcu.errors import BadInput, WrongModel
from mcu.firmware.gcc import TARGETS, compile_objects, link
from mcu.firmware.model_place import model_place
from mcu.flash.model_image import HEADER_BYTES, build_model_image, pack, unpack
from tests.mcu.flash.firmware import Firmware
from tests.support import require

STM32, ESP = "blackpill_f411ce", "esp32_c3_devkitm"
LIBRARIES = sketches_folder() / "libraries"


class Image(ctypes.Structure):
    """`kt_model_image`."""

    _fields_ = (
        ("model", ctypes.c_void_p),
        ("model_bytes", ctypes.c_uint32),
        ("model_crc32", ctypes.c_uint32),
        ("arena_bytes", ctypes.c_uint32),
        ("model_sha256", ctypes.POINTER(ctypes.c_uint8)),
    )


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The C that reads the image, as a library of this computer."""
    require("cc")
    folder = tmp_path_factory.mktemp("reader")
    tflm, link_sources = LIBRARIES / "KerasTinyTFLM" / "src", LIBRARIES / "KerasTinyLink" / "src"
    sources = [tflm / "kt_model_image.c", link_sources / "kt_crc32.c"]
    flags = ["-fPIC", "-O1", f"-I{tflm}", f"-I{link_sources}"]
    objects = compile_objects(TARGETS["host"], sources, out_dir=folder, flags=flags)
    return ctypes.CDLL(str(link(TARGETS["host"], objects, made=folder / "reader.so", flags=["-shared"])))


def read(reader: ctypes.CDLL, content: bytes) -> tuple[int, Image]:
    image = Image()
    return reader.kt_model_image_open(ctypes.byref(image), content, len(content)), image


def double(board: str) -> RomDouble:
    if board == ESP:
        require("module:esptool")
        return EspRom("ESP32-C3")
    return Stm32Rom(get_board(STM32))


@pytest.mark.parametrize("board", [STM32, pytest.param(ESP, marks=pytest.mark.slow)])
def test_the_model_alone_is_written_verified_and_found_beside_firmware_that_stays(
    board: str, bundle: Bundle, other_bundle: Bundle, reader: ctypes.CDLL
):
    rom = double(board)
    base = FLASH_BASE if board == STM32 else 0
    address, capacity = (model_place(get_board(board))[0] - base), model_place(get_board(board))[1]
    rom.flash.content[:1000] = b"\x5a" * 1000  # the firmware
    rom.on_go = Firmware(bundle, board=board, version="1.0", engine="tflm")

    def release_the_boot_button(line: str) -> None:
        if board == ESP and line.endswith("greet"):
            served.press_reset(bootloader=False)

    with OnPty(rom) as served:

        def flash(model: Bundle) -> mcu.flash.FlashResult:
            options = {"board": board, "port": served.port, "note": release_the_boot_button}
            return mcu.flash(model, build=build_model_image, **options)  # type: ignore[arg-type]

        first = flash(bundle)
        assert (first.ready, first.verified, first.wrote_bytes) == (True, True, len(pack(bundle)))
        there = bytes(rom.flash.content[address : address + capacity])
        assert unpack(there).model_bytes == bundle.model_bytes
        code, image = read(reader, there)
        assert code == 0
        assert ctypes.string_at(image.model, image.model_bytes) == bundle.model_bytes
        assert image.model_crc32 == bundle.manifest.model_crc32
        assert bytes(image.model_sha256[:32]).hex() == bundle.manifest.model_sha256
        served.press_reset(bootloader=True)
        blocks = len(rom.flash.programmed)
        assert flash(bundle).wrote_bytes == 0
        assert len(rom.flash.programmed) == blocks
        served.press_reset(bootloader=True)
        with pytest.raises(WrongModel, match="the board is not ready"):  # this firmware keeps to the first
            flash(other_bundle)
    assert unpack(bytes(rom.flash.content[address:])).model_bytes == other_bundle.model_bytes
    assert rom.flash.content[:1000] == b"\x5a" * 1000


def test_python_and_c_refuse_the_same_damage(bundle: Bundle, reader: ctypes.CDLL):
    whole = pack(bundle)
    assert read(reader, whole)[0] == 0
    damaged = {
        b"": -1,
        whole[:63]: -1,
        b"\xff" * len(whole): -1,
        whole[:9] + bytes([whole[9] ^ 1]) + whole[10:]: -2,
        _with_header(whole, at=4, value=2): -3,
        whole[:-1]: -4,
        whole[:-1] + bytes([whole[-1] ^ 0x80]): -5,
    }
    for content, code in damaged.items():
        assert read(reader, content)[0] == code
        with pytest.raises(BadInput):
            unpack(content)


def test_no_flipped_bit_of_the_header_goes_unseen(bundle: Bundle, reader: ctypes.CDLL):
    whole = pack(bundle)
    for bit in range(8 * HEADER_BYTES):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        assert read(reader, bytes(flipped))[0] < 0


def _with_header(image: bytes, *, at: int, value: int) -> bytes:
    """Another byte, under a CRC-32 that fits."""
    head = image[:at] + bytes([value]) + image[at + 1 : 60]
    return head + zlib.crc32(head).to_bytes(4, "little") + image[64:]


@pytest.mark.parametrize("board", [b for b in load_boards().values() if b.arduino_fqbn], ids=lambda b: b.id)
def test_every_board_has_a_place_at_a_sectors_start_for_it(board):
    address, capacity = model_place(board)
    base = FLASH_BASE if board.chip.startswith("STM32") else 0
    assert address - base in board.sector_starts()
    assert address - base + capacity <= board.flash_bytes
    assert capacity >= board.flash_bytes // 6


def test_a_board_without_such_a_place_and_a_model_that_is_too_large_are_refused(bundle: Bundle):
    with pytest.raises(BadInput, match=r"'virtual' has no place in flash"):
        model_place(get_board("virtual"))
    small = get_board(ESP).model_copy(update={"flash_bytes": 4 << 20})
    huge = Bundle(bundle.path, bundle.manifest, bytes(3 << 20), bundle.golden_inputs, bundle.golden_outputs)
    with pytest.raises(BadInput, match=r"3,145,792 bytes does not fit into the 1,441,792 bytes"):
        build_model_image(huge, small)


def test_the_command_says_the_plan(bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from typer.testing import CliRunner

    from mcu.cli import app

    rom = double(STM32)
    with OnPty(rom) as served:
        options = ["--board", STM32, "--port", served.port, "--model-only", "--dry-run"]
        done = CliRunner().invoke(app, ["flash", str(bundle.path), *options])
    assert done.exit_code == 0, done.output
    assert "model: 0x08040000" in done.output
    assert not rom.flash.programmed


def test_a_board_that_keeps_no_model_of_its_own_is_refused_before_anything_is_opened(
    bundle: Bundle, capsys: pytest.CaptureFixture[str]
):
    from typer.testing import CliRunner

    from mcu.cli import app

    done = CliRunner().invoke(app, ["flash", str(bundle.path), "--board", "virtual", "--model-only"])
    assert isinstance(done.exception, BadInput)
    assert "'virtual' has no place in flash" in str(done.exception)


def test_firmware_of_the_compiled_engine_is_not_given_a_model(bundle: Bundle, other_bundle: Bundle):
    rom = double(STM32)
    rom.on_go = Firmware(bundle, board=STM32, version="1.0")
    rom.start()
    with OnPty(rom) as served, pytest.raises(BadInput, match="engine 'c': its model is a part of it"):
        mcu.flash(other_bundle, board=STM32, port=served.port, build=build_model_image)
    assert not rom.flash.programmed


def test_a_model_that_runs_already_is_not_written_again(bundle: Bundle):
    rom = double(STM32)
    rom.on_go = Firmware(bundle, board=STM32, version="1.0", engine="tflm")
    rom.start()
    with OnPty(rom) as served:
        result = mcu.flash(bundle, board=STM32, port=served.port, build=build_model_image)
    assert (result.ready, result.wrote_bytes, result.skipped_bytes) == (True, 0, len(pack(bundle)))
    assert not rom.flash.programmed
