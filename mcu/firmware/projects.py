"""The files beside a sketch that tell each build tool what it needs: board, options, dependencies."""

from __future__ import annotations

from mcu.boards import Board
from mcu.firmware.model_place import PARTITIONS, has_model_place

# What TensorFlow Lite Micro is called in each registry: Arduino's library index, PlatformIO's lib_deps (by its
# repository, which PlatformIO takes too), Espressif's component registry.
_ARDUINO_TFLM = "Chirale_TensorFLowLite"
_PLATFORMIO_TFLM = "https://github.com/spaziochirale/Chirale_TensorFlowLite.git"
_IDF_TFLM = "espressif/esp-tflite-micro"
# Architectures that Chirale_TensorFLowLite names (its library.properties): Arduino warns for any other.
_TFLM_CHIPS = "ESP32"
# PlatformIO's name of the platform that a chip belongs to.
_PLATFORMS = {
    # PlatformIO's own platform has no Arduino for this chip; its fork by the community does (pioarduino, README).
    "ESP32-C6": "https://github.com/pioarduino/platform-espressif32/releases/download/stable/platform-espressif32.zip",
    "ESP32": "espressif32",
    "STM32": "ststm32",
}
# The STM32 core's receive buffer has 64 bytes unless told otherwise; the link may send four frames ahead.
_OPTIONS = "-DSERIAL_RX_BUFFER_SIZE=4096"


def project_files(name: str, *, board: Board, engine: str, kind: str) -> dict[str, str]:
    """File name → text, for a sketch that is called `name`."""
    files = {
        "build_opt.h": f"{_options(board)}\n",
        "sketch.yaml": _arduino(board, engine=engine),
        "README.md": _readme(name, board=board, engine=engine, kind=kind),
    }
    if _has_partitions(board, engine=engine, kind=kind):
        files["partitions.csv"] = PARTITIONS
    if board.platformio_id:
        files["platformio.ini"] = _platformio(board, engine=engine, kind=kind)
    if board.chip.startswith("ESP32"):
        files["idf_component.yml"] = _idf(engine=engine, kind=kind)
        files["CMakeLists.txt"] = _cmake(name, board, engine=engine, kind=kind)
    return files


def _has_partitions(board: Board, *, engine: str, kind: str) -> bool:
    """Whether the sketch looks for a model in a partition, which its own table then has."""
    return (
        engine == "tflm"
        and kind == "hil_runner"
        and board.chip.startswith("ESP32")
        and has_model_place(board)
    )


def _options(board: Board) -> str:
    return f"{_OPTIONS} -DKT_BAUD={board.serial_baud}"


def _arduino(board: Board, *, engine: str) -> str:
    """arduino-cli's project file. Without versions: the newest that is installed."""
    lines = [
        "# `arduino-cli compile` and `arduino-cli upload` in this folder need no more options.",
        f"default_fqbn: {board.arduino_fqbn}",
    ]
    if engine == "tflm":
        lines.append(f"# Once: arduino-cli lib install {_ARDUINO_TFLM}")
    return "\n".join(lines) + "\n"


def _platformio(board: Board, *, engine: str, kind: str) -> str:
    platform = next(name for chip, name in _PLATFORMS.items() if board.chip.startswith(chip))
    lines = [
        "; `pio run -t upload` in this folder.",
        "[platformio]",
        "src_dir = .",
        "",
        f"[env:{board.platformio_id}]",
        f"platform = {platform}",
        "framework = arduino",
        f"board = {board.platformio_id}",
        f"monitor_speed = {board.serial_baud}",
        f"build_flags = {_options(board)}",
        "build_src_filter = +<*> -<.git/> -<.pio/>",
    ]
    if _has_partitions(board, engine=engine, kind=kind):
        lines.append("board_build.partitions = partitions.csv")
    if engine == "tflm":
        lines.append(f"lib_deps = {_PLATFORMIO_TFLM}")
    return "\n".join(lines) + "\n"


def _idf(*, engine: str, kind: str) -> str:
    lines = [
        "## This folder as a component of an ESP-IDF project; its other files name it by EXTRA_COMPONENT_DIRS.",
        "dependencies:",
        '  espressif/arduino-esp32: "^3.0.0"',
    ]
    if engine == "tflm":
        lines.append(f'  {_IDF_TFLM}: "^1.3.4"')
    if kind == "camera_demo":
        lines.append('  espressif/esp32-camera: "^2.0.0"')
    return "\n".join(lines) + "\n"


def _cmake(name: str, board: Board, *, engine: str, kind: str) -> str:
    # Espressif's component has no header of the name that Arduino's library is found by.
    options = _options(board) + (" -DKT_TFLM_IS_A_COMPONENT" if engine == "tflm" else "")
    requires = " PRIV_REQUIRES esp_partition" if _has_partitions(board, engine=engine, kind=kind) else ""
    return f"""\
# ESP-IDF with Arduino as a component (CONFIG_AUTOSTART_ARDUINO=y): setup() and loop() are called for you.
file(GLOB sources "${{CMAKE_CURRENT_LIST_DIR}}/src/*.c" "${{CMAKE_CURRENT_LIST_DIR}}/src/*.c[cp]*")
idf_component_register(SRCS ${{sources}} "{name}.ino" INCLUDE_DIRS "." "src"{requires} WHOLE_ARCHIVE)
set_source_files_properties("{name}.ino" PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-xc++;-include;Arduino.h")
target_compile_options(${{COMPONENT_LIB}} PRIVATE {options})
"""


def _readme(name: str, *, board: Board, engine: str, kind: str) -> str:
    upload = [
        f"- Arduino IDE: open `{name}.ino`, choose the board (`{board.arduino_fqbn}`), upload.",
        f"- arduino-cli: `arduino-cli compile {name}`, then `arduino-cli upload -p PORT {name}`.",
    ]
    if board.platformio_id:
        upload.append("- PlatformIO: `pio run -t upload` in this folder.")
    if engine == "tflm":
        upload.insert(0, f"- First: install the library `{_ARDUINO_TFLM}`; PlatformIO does it by itself.")
    notes = (
        _tflm_notes(board, kind=kind)
        if engine == "tflm"
        else ["Written by `mcu build --sketch`; a new model is a new folder."]
    )
    then = {
        "hil_runner": f"mcu validate BUNDLE --board {board.id} --port PORT",
        "camera_demo": "mcu monitor PORT",
    }[kind]
    return "\n".join(
        [
            f"# {name}: {kind} for the {board.name}",
            "",
            *upload,
            "",
            f"Then, on the computer: `{then}`.",
            "",
            *notes,
            "",
        ]
    )


def _tflm_notes(board: Board, *, kind: str) -> list[str]:
    notes = ["Written by `mcu build --sketch`."]
    if kind == "hil_runner" and has_model_place(board):
        notes += [
            f"Another model needs no build: `mcu flash BUNDLE --board {board.id} --port PORT --model-only` writes it",
            "into a part of flash of its own, from where it is taken at the next start.",
        ]
    if _has_partitions(board, engine="tflm", kind=kind):
        notes.append(
            "That part is the partition `model` of `partitions.csv`; in ESP-IDF choose that table yourself."
        )
    if not board.chip.startswith(_TFLM_CHIPS):
        notes.append(
            f"`{_ARDUINO_TFLM}` names ESP32 and mbed as what it runs on; on an STM32 it is not tried."
        )
    return notes
