"""A sketch with TensorFlow Lite Micro as a process: its headers, flags and library are named by the environment.

    TFLM_DIR      a tflite-micro checkout, its third-party headers fetched by `make`; or a folder with `tensorflow/`
    TFLM_INCLUDE  more folders with headers (flatbuffers, gemmlowp), separated by ':'
    TFLM_FLAGS    what the library was compiled with, e.g. -DTF_LITE_STATIC_MEMORY
    TFLM_LIBRARY  the interpreter for this computer, e.g. libtensorflow-microlite.a of that checkout

Headers and a library for x86-64 Linux are also in the wheel xmos-ai-tools 1.3.1 (xmos_ai_tools/runtime/include and
xinterpreters/libs/linux/xtflm_python.so); Debian's libgemmlowp-dev has what is missing there.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mcu.bundle import Bundle
from mcu.firmware.gcc import TARGETS, WARNINGS, compile_objects
from mcu.firmware.sketch import Sketch
from tests.support import require

SHIM = Path(__file__).resolve().parents[2] / "sketches" / "arduino_shim"
SHIM_SOURCES = ("arduino.cpp", "esp_partition.cpp")
STANDARD = "-std=gnu++17"  # of the ESP32's and STM32's cores
ON_ESP32 = "-DARDUINO_ARCH_ESP32"


def with_tflm(bundle: Bundle) -> Bundle:
    """The same bundle, with the folder tflm/ that export writes."""
    from keras_tiny.export.c_array import write_tflm_files

    name, arena_bytes = bundle.manifest.name, bundle.manifest.arena_bytes or 4096
    write_tflm_files(bundle.model_bytes, bundle.path / "tflm", name=name, arena_bytes=arena_bytes)
    return bundle


def tflm_flags() -> list[str]:
    """What selects TensorFlow Lite Micro; skips without TFLM_DIR."""
    checkout = os.environ.get("TFLM_DIR")
    if not checkout:
        pytest.skip("needs TFLM_DIR, a checkout of tflite-micro (tests/mcu/firmware/tflm_build.py)")
    downloads = Path(checkout) / "tensorflow/lite/micro/tools/make/downloads"
    more = [Path(path) for path in os.environ.get("TFLM_INCLUDE", "").split(":") if path]
    places = [Path(checkout), downloads / "flatbuffers/include", downloads / "gemmlowp", *more]
    # -isystem: their headers are not ours to be warned about.
    include = [option for place in places for option in ("-isystem", str(place))]
    return [*include, *os.environ.get("TFLM_FLAGS", "").split()]


def tflm_library() -> Path:
    """The interpreter for this computer; skips without TFLM_LIBRARY."""
    library = os.environ.get("TFLM_LIBRARY")
    if not library:
        pytest.skip(
            "needs TFLM_LIBRARY, the interpreter for this computer (tests/mcu/firmware/tflm_build.py)"
        )
    return Path(library)


def cxx(*arguments: str | Path) -> None:
    """C++ without a warning."""
    require("c++")
    command = ["c++", STANDARD, "-O1", *WARNINGS, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def compile_tflm(sketch: Sketch, folder: Path) -> list[Path]:
    """Objects of the sketch and of the Arduino shim, as of an ESP32."""
    own = sketch.folder / "src"
    flags = [*(sketch.folder / "build_opt.h").read_text().split(), ON_ESP32, f"-I{SHIM}", "-O1"]
    made = compile_objects(TARGETS["host"], sorted(own.glob("*.c")), out_dir=folder, flags=flags)
    sources = [*sorted(own.glob("*.c[cp]*")), *(SHIM / name for name in SHIM_SOURCES)]
    for source in sources:
        made.append(folder / f"{source.stem}.o")
        cxx(*flags, *tflm_flags(), "-c", source, "-o", made[-1])
    return made


def link_tflm(sketch: Sketch, objects: list[Path], folder: Path) -> Path:
    """The program."""
    library, program = tflm_library(), folder / "sketch"
    include = (ON_ESP32, f"-I{SHIM}", "-include", SHIM / "Arduino.h", *tflm_flags())
    ends = (library, f"-Wl,-rpath,{library.parent}", "-o", program)
    cxx(*include, "-x", "c++", sketch.program, "-x", "none", *objects, *ends)
    return program
