"""Sketches: a written folder compiles as it is, without a warning, and answers like the virtual board."""

from __future__ import annotations

import os
import pty
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from keras_tiny.preprocessing.to_int8 import quantized_pixels
from mcu.boards import get_board, load_boards
from mcu.bundle import Bundle
from mcu.errors import BadInput
from mcu.firmware.builder import DoesNotFit
from mcu.firmware.camera import CAMERAS, pixel_table, preview_size
from mcu.firmware.gcc import TARGETS, WARNINGS, compile_objects
from mcu.firmware.model_place import model_place
from mcu.firmware.sketch import Sketch, write_sketch
from mcu.hil import validate
from mcu.monitor import Listener, Said
from mcu.protocol.session import Session
from mcu.tflm import TflmInterpreter
from mcu.transport import open_port
from tests.mcu.firmware.tflm_build import with_tflm
from tests.mcu.hil.digits_bundle import digits, write_digits_bundle
from tests.support import require

ROOT = Path(__file__).resolve().parents[3]
SHIM = ROOT / "tests" / "sketches" / "arduino_shim"
BOARD, CAMERA_BOARD = "nucleo_f446re", "esp32_s3_eye"
CXX = ("-std=gnu++17", "-O1", *WARNINGS)  # the standard of the ESP32's and STM32's cores


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    require("module:tflite_micro")
    return write_digits_bundle(tmp_path_factory.mktemp("bundle") / "digits")


def cxx(*arguments: str | Path) -> None:
    require("c++")
    done = subprocess.run(["c++", *CXX, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def compile_sketch(sketch: Sketch, folder: Path) -> Path:
    """As Arduino does it: C as C, C++ as C++, the .ino as C++ with Arduino.h in front; everything warning-free."""
    require("cc")
    sources = sorted((sketch.folder / "src").glob("*.c"))
    flags = [*(sketch.folder / "build_opt.h").read_text().split(), "-O1"]
    made = compile_objects(TARGETS["host"], sources, out_dir=folder, flags=flags)
    shim = [SHIM / "arduino.cpp", *([SHIM / "esp_camera.cpp"] if sketch.kind == "camera_demo" else [])]
    for source in [*sorted((sketch.folder / "src").glob("*.cpp")), *shim]:
        made.append(folder / f"{source.stem}.o")
        cxx(*flags, f"-I{SHIM}", "-c", source, "-o", made[-1])
    program = folder / "sketch"
    include = ("-include", SHIM / "Arduino.h")
    cxx(*flags, f"-I{SHIM}", *include, "-x", "c++", sketch.program, "-x", "none", *made, "-o", program)
    return program


@pytest.fixture(scope="module")
def hil_runner(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[Sketch, Path]:
    folder = tmp_path_factory.mktemp("hil_runner")
    sketch = write_sketch(bundle, folder / "my_runner", board=get_board(BOARD))
    (folder / "objects").mkdir()
    return sketch, compile_sketch(sketch, folder / "objects")


@contextmanager
def running(program: Path, *, environment: dict[str, str] | None = None) -> Iterator[str]:
    """The sketch as a process, its Serial on a pty; the pty's name."""
    board_fd, host_fd = pty.openpty()
    tty.setraw(host_fd)
    process = subprocess.Popen(
        [program], stdin=board_fd, stdout=board_fd, env={**os.environ, **(environment or {})}
    )
    try:
        yield os.ttyname(host_fd)
    finally:
        process.kill()
        process.wait()
        os.close(host_fd)
        os.close(board_fd)


def test_hil_runner_behind_a_pty_passes_the_validation_of_the_virtual_board(
    bundle: Bundle, hil_runner: tuple[Sketch, Path], tmp_path: Path
):
    _, program = hil_runner
    with running(program) as port:
        run = validate(bundle, digits(), board=BOARD, port=port, limit=100, out_dir=tmp_path / "sketch")
    virtual = validate(bundle, digits(), board="virtual", limit=100, out_dir=tmp_path / "virtual")
    assert run.bit_exact
    assert (run.samples, run.mismatched_bytes, run.metrics) == (100, 0, virtual.metrics)


def test_hil_runner_says_who_it_is_and_another_model_is_another_firmware(
    bundle: Bundle, hil_runner: tuple[Sketch, Path], tmp_path: Path
):
    sketch, program = hil_runner
    with running(program) as port, Session.connect(open_port(port)) as session:
        identity = session.identity
        session.require_model(sha256=bundle.manifest.model_sha256, crc32=bundle.manifest.model_crc32)
    assert (identity.board, identity.engine, identity.firmware) == (BOARD, "c", sketch.firmware)
    other = write_digits_bundle(tmp_path / "other", ridge=30.0)
    assert write_sketch(other, tmp_path / "o", board=get_board(BOARD)).firmware != sketch.firmware


def test_a_folder_has_what_every_tool_asks_for(bundle: Bundle, tmp_path: Path):
    sketch = write_sketch(bundle, tmp_path / "runner", board=get_board("esp32_s3_devkitc"))
    read = {name: (sketch.folder / name).read_text() for name in sketch.files}
    assert sketch.program == tmp_path / "runner" / "runner.ino"  # Arduino: as the folder is called
    assert "default_fqbn: esp32:esp32:esp32s3" in read["sketch.yaml"]
    assert "board = esp32-s3-devkitc-1" in read["platformio.ini"]
    assert "espressif/arduino-esp32" in read["idf_component.yml"]
    assert "-DKT_BAUD=115200" in read["build_opt.h"]
    assert not any("TensorFlow" in text and "lib" in name for name, text in read.items())
    for name, text in read.items():  # nothing outside of the folder is included
        for line in text.splitlines():
            if line.startswith('#include "') and name.startswith("src/"):
                assert f"src/{line.split(chr(34))[1]}" in sketch.files


def test_the_sketch_with_tensorflow_lite_micro_names_it_in_every_registry(tmp_path: Path):
    require("module:tflite_micro")
    sketch = write_sketch(
        with_tflm(write_digits_bundle(tmp_path / "bundle")),
        tmp_path / "runner",
        board=get_board(CAMERA_BOARD),
        engine="tflm",
    )
    read = {name: (sketch.folder / name).read_text() for name in sketch.files}
    assert {"src/model_data.cc", "src/op_resolver.h", "src/kt_operators.h", "src/kt_tflm.cpp"} < set(read)
    assert "src/kt_model.c" not in read
    assert "Chirale_TensorFLowLite" in read["sketch.yaml"]
    assert "espressif/esp-tflite-micro" in read["idf_component.yml"]
    # Arduino's tools find a library by a header in its topmost folder, which Espressif's component does not have.
    assert "#include <Chirale_TensorFlowLite.h>" in read["src/kt_tflm.h"]
    assert "-DKT_TFLM_IS_A_COMPONENT" in read["CMakeLists.txt"]


def test_a_sketch_that_takes_models_has_the_partition_that_they_are_written_to(tmp_path: Path):
    require("module:tflite_micro")
    bundle = with_tflm(write_digits_bundle(tmp_path / "bundle"))
    for board_id in ("esp32_devkitc", "esp32_s3_devkitc"):
        board = get_board(board_id)
        sketch = write_sketch(bundle, tmp_path / board_id, board=board, engine="tflm", arena_bytes=90_000)
        address, capacity = model_place(board)
        rows = [line.split(",") for line in (sketch.folder / "partitions.csv").read_text().splitlines()[1:]]
        places = {name.strip(): (int(offset, 0), int(size, 0)) for name, _, _, offset, size in rows}
        assert places["model"] == (address, capacity)
        ends = [0x9000, *(start + size for start, size in places.values())]
        assert all(start >= end for (start, _), end in zip(places.values(), ends, strict=False))
        assert ends[-1] <= 4 << 20, "Arduino's menus take a flash for 4 MB unless told otherwise"
        facts = (sketch.folder / "src" / "kt_model_facts.h").read_text()
        assert f"KT_FACTS_MODEL_FLASH {address:#010x}U" in facts
        assert "KT_FACTS_ARENA_BYTES 90000U" in facts
        assert "partitions.csv" in (sketch.folder / "platformio.ini").read_text()


def test_the_camera_demo_keeps_to_the_model_whose_labels_it_shows(tmp_path: Path):
    require("module:tflite_micro")
    bundle = with_tflm(write_digits_bundle(tmp_path / "bundle"))
    kinds: dict[str, str] = {"engine": "tflm", "kind": "camera_demo"}
    sketch = write_sketch(bundle, tmp_path / "demo", board=get_board(CAMERA_BOARD), **kinds)
    assert "KT_FACTS_MODEL_FLASH" not in (sketch.folder / "src" / "kt_model_facts.h").read_text()
    assert "partitions.csv" not in sketch.files


def test_an_arena_is_as_large_as_the_model_needs_or_larger(tmp_path: Path):
    require("module:tflite_micro")
    bundle = with_tflm(write_digits_bundle(tmp_path / "bundle"))
    board = get_board(CAMERA_BOARD)
    with pytest.raises(BadInput, match=r"100 bytes is too small: 'digits-linear' needs [\d,]+\."):
        write_sketch(bundle, tmp_path / "s", board=board, engine="tflm", arena_bytes=100)
    with pytest.raises(DoesNotFit, match=r"400,000 bytes is larger than the 327,680 bytes of RAM"):
        write_sketch(bundle, tmp_path / "s", board=board, engine="tflm", arena_bytes=400_000)
    with pytest.raises(BadInput, match="exactly what its model needs"):
        write_sketch(bundle, tmp_path / "s", board=board, arena_bytes=90_000)


@pytest.mark.parametrize("board_id", [board for board, b in load_boards().items() if b.arduino_fqbn])
def test_every_board_of_arduino_gets_a_sketch(bundle: Bundle, tmp_path: Path, board_id: str):
    sketch = write_sketch(bundle, tmp_path / "s", board=get_board(board_id))
    assert sketch.program.is_file()
    if board_id in CAMERAS:
        kind = write_sketch(bundle, tmp_path / "c", board=get_board(board_id), kind="camera_demo").kind
        assert kind == "camera_demo"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kind": "hil_runer"}, "no sketch 'hil_runer'.*hil_runner, camera_demo"),
        ({"engine": "tvm"}, "no engine 'tvm'.*c, tflm"),
        ({"board": "virtual"}, "'virtual' is no board of Arduino"),
        ({"kind": "camera_demo"}, "'nucleo_f446re' has no camera.*esp32_cam"),
        ({"engine": "tflm"}, "The bundle has no .*model_data.h.*--engine c"),
    ],
)
def test_what_cannot_be_written_is_said(bundle: Bundle, tmp_path: Path, options: dict[str, str], says: str):
    board = get_board(options.pop("board", BOARD))
    with pytest.raises(BadInput, match=says):
        write_sketch(bundle, tmp_path / "s", board=board, **options)
    assert not (tmp_path / "s").exists()


def test_a_folder_with_something_else_is_left_alone_and_an_older_sketch_is_replaced(
    bundle: Bundle, tmp_path: Path
):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="something else than a sketch"):
        write_sketch(bundle, tmp_path, board=get_board(BOARD))
    folder = tmp_path / "sketch"
    write_sketch(bundle, folder, board=get_board(BOARD))
    (folder / "src" / "kt_old_kernel.c").write_text("#error of another model\n")
    write_sketch(bundle, folder, board=get_board(BOARD))
    assert not (folder / "src" / "kt_old_kernel.c").exists()


def test_a_model_that_is_too_large_for_the_board_is_refused(bundle: Bundle, tmp_path: Path):
    with pytest.raises(DoesNotFit, match=r"larger than the 16 bytes of RAM"):
        write_sketch(bundle, tmp_path / "s", board=get_board(BOARD).model_copy(update={"ram_bytes": 16}))


def test_the_camera_demo_says_what_the_model_says_and_shows_what_it_saw(bundle: Bundle, tmp_path: Path):
    sketch = write_sketch(bundle, tmp_path / "demo", board=get_board(CAMERA_BOARD), kind="camera_demo")
    (tmp_path / "objects").mkdir()
    program = compile_sketch(sketch, tmp_path / "objects")
    rng = np.random.default_rng(4)
    pictures = rng.integers(0, 256, (3, 8, 8), np.uint8)
    film = pictures.repeat(30, axis=1).repeat(40, axis=2)  # what the camera sees: 240 x 320
    (tmp_path / "film").write_bytes(film.tobytes())
    done = subprocess.run(
        [program], env={**os.environ, "KT_CAMERA_FRAMES": str(tmp_path / "film")}, capture_output=True
    )
    lines = done.stdout.decode().splitlines()
    desk, manifest = TflmInterpreter(bundle.model_bytes), bundle.manifest
    table = quantized_pixels(manifest.preprocessing, manifest.inputs[0])
    for picture, preview, result in zip(pictures, lines[::2], lines[1::2], strict=True):
        assert preview == f"preview 8 8 {picture.tobytes().hex()}"
        (scores,) = desk.invoke([table[0].take(picture)[None, :, :, None]])
        best = int(scores.argmax())
        score = float(manifest.outputs[0].dequantize(scores)[0, best])
        assert result.startswith(f"result {manifest.labels[best]}, score {score:.2f}, "), result
    assert [said.kind for said in Listener().feed(done.stdout)] == ["picture", "text"] * 3
    assert Listener().feed(done.stdout)[1] == Said("text", lines[1])


def test_what_a_pixel_becomes_is_what_the_desk_makes_of_it(bundle: Bundle):
    spec, tensor = bundle.manifest.preprocessing, bundle.manifest.inputs[0]
    assert np.array_equal(pixel_table(spec, tensor), quantized_pixels(spec, tensor))
    odd = spec.model_copy(update={"channels": 3, "mean": (123.7, 116.3, 103.5), "std": (58.4, 57.1, 57.4)})
    tensor = tensor.model_copy(update={"scale": 0.0186, "zero_point": -14})
    assert np.array_equal(pixel_table(odd, tensor), quantized_pixels(odd, tensor))


@pytest.mark.parametrize(("side", "expected"), [(8, 8), (48, 48), (96, 48), (224, 44)])
def test_a_preview_fits_into_a_line_of_the_monitor(bundle: Bundle, side: int, expected: int):
    spec = bundle.manifest.preprocessing.model_copy(update={"width": side, "height": side})
    assert preview_size(spec) == (expected, expected)
