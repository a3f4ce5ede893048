"""Firmware with TensorFlow Lite Micro, compiled and run: the model that was built in, and models that come later."""

from __future__ import annotations

import os
import pty
import subprocess
import tempfile
import tty
from dataclasses import dataclass
from pathlib import Path

import pytest

import mcu.flash
from mcu.boards import get_board
from mcu.bundle import Bundle
from mcu.doubles.esp_rom import EspRom
from mcu.doubles.serve import OnPty
from mcu.errors import BoardError, WrongModel
from mcu.firmware.builder import DoesNotFit
from mcu.firmware.model_place import model_place
from mcu.firmware.sketch import Sketch, write_sketch
from mcu.flash.model_image import build_model_image, pack
from mcu.hil import validate
from mcu.protocol.session import Session
from mcu.transport import open_port
from tests.mcu.firmware.tflm_build import compile_tflm, link_tflm, with_tflm
from tests.mcu.hil.digits_bundle import digits, write_digits_bundle
from tests.support import require

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
BOARD = get_board("esp32_s3_eye")
ARENA_BYTES = 60_000


@dataclass(frozen=True)
class Built:
    """A sketch, its objects, and the model that is built in."""

    bundle: Bundle
    sketch: Sketch
    objects: list[Path]
    folder: Path


class Process:
    """The sketch as what starts after the ROM, over the flash that the ROM was left with."""

    def __init__(self, program: Path, sketch: Sketch, flash: bytes):
        self._file = tempfile.NamedTemporaryFile(suffix=".bin")  # noqa: SIM115  lives as long as the process
        self._file.write(flash)
        self._file.flush()
        self._host_fd, board_fd = pty.openpty()
        tty.setraw(self._host_fd)
        places = {"KT_FLASH": self._file.name, "KT_PARTITIONS": str(sketch.folder / "partitions.csv")}
        self._process = subprocess.Popen(
            [program], stdin=board_fd, stdout=board_fd, env={**os.environ, **places}
        )
        os.close(board_fd)

    def fileno(self) -> int:
        return self._host_fd

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._host_fd)
        self._file.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    require("module:tflite_micro")
    folder = tmp_path_factory.mktemp("tflm")
    bundle = with_tflm(write_digits_bundle(folder / "bundle"))
    sketch = write_sketch(bundle, folder / "runner", board=BOARD, engine="tflm", arena_bytes=ARENA_BYTES)
    (folder / "objects").mkdir()
    return Built(bundle, sketch, compile_tflm(sketch, folder / "objects"), folder)


@pytest.fixture(scope="module")
def program(built: Built) -> Path:
    return link_tflm(built.sketch, built.objects, built.folder)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_digits_bundle(tmp_path_factory.mktemp("other") / "bundle", softmax=True, ridge=30.0)


def served(program: Path, built: Built) -> OnPty:
    return OnPty(EspRom("ESP32-S3", on_go=lambda flash, address: Process(program, built.sketch, flash)))


def started_with(image: bytes, program: Path, built: Built) -> OnPty:
    """A board that runs, with this in the model's part of flash."""
    board = served(program, built)
    at, _ = model_place(BOARD)
    board.rom.flash.content[at : at + len(image)] = image
    board.rom.start()
    return board


def test_every_file_of_the_sketch_compiles_without_a_warning(built: Built):
    names = {path.stem for path in built.objects}
    assert {"kt_tflm", "kt_tflm_app", "kt_model_entries", "kt_model_flash", "model_data"} < names


def test_the_built_in_model_validates_bit_exactly(built: Built, program: Path, tmp_path: Path):
    with started_with(b"", program, built) as board:
        run = validate(built.bundle, digits(), board=BOARD.id, port=board.port, limit=100, out_dir=tmp_path)
    assert (run.bit_exact, run.mismatched_bytes, run.samples) == (True, 0, 100)


def test_who_it_is_with_another_model_is_what_the_other_models_file_says(
    built: Built, program: Path, other: Bundle
):
    with (
        started_with(pack(other), program, built) as board,
        Session.connect(open_port(board.port)) as session,
    ):
        identity, manifest = session.identity, other.manifest
    assert (identity.board, identity.engine, identity.firmware) == (BOARD.id, "tflm", built.sketch.firmware)
    assert (identity.inputs, identity.outputs) == (manifest.inputs, manifest.outputs)
    assert (identity.model_sha256, identity.model_crc32) == (manifest.model_sha256, manifest.model_crc32)
    assert (identity.model_bytes, identity.arena_bytes) == (manifest.tflite_bytes, ARENA_BYTES)
    assert 0 < (identity.arena_used_bytes or 0) < ARENA_BYTES


def test_a_model_alone_is_flashed_by_esptool_and_runs_at_the_next_start(
    built: Built, program: Path, other: Bundle, tmp_path: Path
):
    require("module:esptool")
    with served(program, built) as board:

        def release_the_boot_button(line: str) -> None:
            if line.endswith("greet"):
                board.press_reset(bootloader=False)

        options = {"board": BOARD, "port": board.port, "build": build_model_image}
        first = mcu.flash(other, note=release_the_boot_button, **options)  # type: ignore[arg-type]
        assert (first.ready, first.verified, first.wrote_bytes) == (True, True, len(pack(other)))
        run = validate(other, digits(), board=BOARD.id, port=board.port, limit=50, out_dir=tmp_path)
        assert (run.bit_exact, run.mismatched_bytes) == (True, 0)
        blocks = board.rom.blocks_received  # type: ignore[attr-defined]
        again = mcu.flash(other, **options)  # type: ignore[arg-type]
        assert (again.ready, again.wrote_bytes) == (True, 0)
        assert board.rom.blocks_received == blocks  # type: ignore[attr-defined]


@pytest.mark.parametrize("at", [20, 63, 64, 700])
def test_a_damaged_image_is_not_run_and_the_board_says_so(
    built: Built, program: Path, other: Bundle, at: int
):
    image = bytearray(pack(other))
    image[at] ^= 4
    with (
        started_with(bytes(image), program, built) as board,
        Session.connect(open_port(board.port)) as session,
    ):
        assert session.identity.model_sha256 == built.bundle.manifest.model_sha256
        with pytest.raises(WrongModel):
            session.require_model(sha256=other.manifest.model_sha256, crc32=other.manifest.model_crc32)
        (answer,) = session.infer([built.bundle.golden_inputs[0].tobytes()]).outputs
    assert answer == built.bundle.golden_outputs[0].tobytes()


def test_a_model_that_does_not_run_is_announced_and_says_why(built: Built, program: Path, other: Bundle):
    model = bytearray(other.model_bytes)
    at = model.find((3).to_bytes(4, "little"))  # Model.version
    model[at : at + 4] = (9).to_bytes(4, "little")
    manifest = other.manifest.model_copy(update=_named(bytes(model)))
    broken = Bundle(other.path, manifest, bytes(model), other.golden_inputs, other.golden_outputs)
    with (
        started_with(pack(broken), program, built) as board,
        Session.connect(open_port(board.port)) as session,
    ):
        session.require_model(sha256=manifest.model_sha256, crc32=manifest.model_crc32)
        with pytest.raises(BoardError, match="another schema version"):
            session.infer([other.golden_inputs[0].tobytes()])


def test_a_model_whose_arena_is_too_large_is_not_written(built: Built, program: Path, other: Bundle):
    manifest = other.manifest.model_copy(update={"arena_bytes_32bit": ARENA_BYTES + 1})
    huge = Bundle(other.path, manifest, other.model_bytes, other.golden_inputs, other.golden_outputs)
    with started_with(b"", program, built) as board:
        with pytest.raises(DoesNotFit, match=r"needs an arena of 60,001 bytes; .* has 60,000"):
            mcu.flash(huge, board=BOARD, port=board.port, build=build_model_image)
        assert not board.rom.flash.programmed


def _named(model: bytes) -> dict[str, object]:
    import hashlib
    import zlib

    return {"model_sha256": hashlib.sha256(model).hexdigest(), "model_crc32": zlib.crc32(model)}
