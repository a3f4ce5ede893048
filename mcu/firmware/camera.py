"""What the camera demo must know of a bundle and a board: pins, what each pixel becomes, the names of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcu.boards import Board
from mcu.bundle import Bundle, PreprocessingSpec
from mcu.compiler.emit import sketches_folder
from mcu.errors import BadInput
from mcu.tensor import TensorSpec

FACTS_NAME = "kt_camera_facts.h"
_PER_LINE = 16
_LARGEST_PREVIEW = 48  # pixels on a side: a line that the monitor still takes as text


@dataclass(frozen=True)
class CameraPins:
    """GPIO numbers; -1 where there is none. `data` from D0 (called Y2) to D7 (Y9)."""

    power_down: int
    reset: int
    xclk: int
    sda: int
    scl: int
    data: tuple[int, int, int, int, int, int, int, int]
    vsync: int
    href: int
    pclk: int


# espressif/arduino-esp32 at commit 376481048c93, libraries/ESP32/examples/Camera/CameraWebServer/camera_pins.h:
# CAMERA_MODEL_AI_THINKER, CAMERA_MODEL_ESP32S3_EYE, CAMERA_MODEL_XIAO_ESP32S3; all three compared pin by pin.
CAMERAS = {
    "esp32_cam": CameraPins(32, -1, 0, 26, 27, (5, 18, 19, 21, 36, 39, 34, 35), 25, 23, 22),
    "esp32_s3_eye": CameraPins(-1, -1, 15, 4, 5, (11, 9, 8, 10, 12, 18, 17, 16), 6, 7, 13),
    "xiao_esp32_s3_sense": CameraPins(-1, -1, 10, 40, 39, (15, 17, 18, 16, 14, 12, 11, 48), 38, 47, 13),
}


def camera_files(bundle: Bundle, board: Board) -> dict[str, str]:
    """The camera demo's own sources.

    Raises:
        BadInput: a board without a camera, or a bundle whose answers are not the scores of classes.
    """
    if board.id not in CAMERAS:
        raise BadInput(
            f"'{board.id}' has no camera that is known.", hint=f"Boards with one: {', '.join(CAMERAS)}."
        )
    manifest = bundle.manifest
    classes = manifest.outputs[0].shape[-1]
    if manifest.task != "classification" or len(manifest.outputs) != 1 or len(manifest.labels) != classes:
        raise BadInput(
            f"The camera demo names classes; '{manifest.name}' is a model for {manifest.task}.",
            hint="Take --sketch-kind hil_runner.",
        )
    folder = sketches_folder() / "camera_demo"
    files = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("kt_*"))}
    return files | {FACTS_NAME: _facts(bundle, CAMERAS[board.id])}


def preview_size(spec: PreprocessingSpec) -> tuple[int, int]:
    """(width, height) of the preview: the model's input, divided until it fits."""
    divide = -(-max(spec.width, spec.height) // _LARGEST_PREVIEW)
    return max(1, spec.width // divide), max(1, spec.height // divide)


def pixel_table(spec: PreprocessingSpec, tensor: TensorSpec) -> np.ndarray:
    """int8 (channels, 256): what each pixel value becomes, as `keras_tiny.preprocessing.to_int8` has it."""
    pixels = np.arange(256, dtype=np.float32)[:, None].repeat(spec.channels, axis=1)
    real = (pixels - np.asarray(spec.mean, np.float32)) / np.asarray(spec.std, np.float32)
    return tensor.quantize(real).T


def _facts(bundle: Bundle, pins: CameraPins) -> str:
    manifest, spec = bundle.manifest, bundle.manifest.preprocessing
    output = manifest.outputs[0]
    width, height = preview_size(spec)
    labels = ", \\\n    ".join(_c_string(label) for label in manifest.labels)
    table = pixel_table(spec, manifest.inputs[0])
    lines = [
        f"/* {FACTS_NAME}: pins, pixels, classes. Written by `mcu build`; do not edit. */",
        "#ifndef KT_CAMERA_FACTS_H",
        "#define KT_CAMERA_FACTS_H",
        "",
        f"#define KT_CAMERA_WIDTH {spec.width}",
        f"#define KT_CAMERA_HEIGHT {spec.height}",
        f"#define KT_CAMERA_CHANNELS {spec.channels}",
        f"#define KT_CAMERA_PREVIEW_WIDTH {width}",
        f"#define KT_CAMERA_PREVIEW_HEIGHT {height}",
        f"#define KT_CAMERA_CLASSES {len(manifest.labels)}",
        f"#define KT_CAMERA_LABELS \\\n    {labels}",
        f"#define KT_CAMERA_SCORE_SCALE {float(output.scale or 1.0)!r}F",
        f"#define KT_CAMERA_SCORE_ZERO {int(output.zero_point or 0)}",
        f"#define KT_CAMERA_PIN_PWDN ({pins.power_down})",
        f"#define KT_CAMERA_PIN_RESET ({pins.reset})",
        f"#define KT_CAMERA_PIN_XCLK {pins.xclk}",
        f"#define KT_CAMERA_PIN_SDA {pins.sda}",
        f"#define KT_CAMERA_PIN_SCL {pins.scl}",
        *(f"#define KT_CAMERA_PIN_D{bit} {pin}" for bit, pin in enumerate(pins.data)),
        f"#define KT_CAMERA_PIN_VSYNC {pins.vsync}",
        f"#define KT_CAMERA_PIN_HREF {pins.href}",
        f"#define KT_CAMERA_PIN_PCLK {pins.pclk}",
        "/* int8 input of pixel value 0 to 255, channel after channel */",
        f"#define KT_CAMERA_TABLE \\\n    {_numbers(table)}",
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _numbers(table: np.ndarray) -> str:
    values = [str(value) for value in table.ravel().tolist()]
    rows = [", ".join(values[at : at + _PER_LINE]) for at in range(0, len(values), _PER_LINE)]
    return ", \\\n    ".join(rows)


def _c_string(text: str) -> str:
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in text.encode("utf-8")
    )
    return f'"{escaped}"'
