"""What a sketch with TensorFlow Lite Micro is made of: the interpreter's side in C++, a built-in model, its facts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mcu.boards import Board
from mcu.bundle import Bundle
from mcu.compiler.emit import sketches_folder
from mcu.errors import BadInput
from mcu.firmware.builder import DoesNotFit
from mcu.firmware.source import FACTS_NAME
from mcu.protocol.identity import Tag

ENGINE = "tflm"
_LIBRARY, _PORT = Path("libraries/KerasTinyTFLM/src"), Path("ports/tflm")
_OF_BUNDLE = ("model_data.h", "model_data.cc", "op_resolver.h")
_BYTES_PER_LINE = 20


def tflm_sources(bundle: Bundle) -> dict[str, str]:
    """File name → text, without the facts.

    Raises:
        BadInput: a bundle without the files for TensorFlow Lite Micro.
    """
    root = sketches_folder()
    paths = [*sorted((root / _LIBRARY).iterdir()), *sorted((root / _PORT).iterdir())]
    for name in _OF_BUNDLE:
        path = bundle.path / "tflm" / name
        if not path.is_file():
            raise BadInput(f"The bundle has no {path}.", hint="Export it again, or take --engine c.")
        paths.append(path)
    return {path.name: path.read_text("utf-8") for path in paths}


def tflm_arena(bundle: Bundle, *, wanted_bytes: int | None) -> int:
    """Bytes of the interpreter's arena: what the built-in model needs, or more, for models that come later.

    Raises:
        BadInput: less than the built-in model needs.
    """
    known = [size for size in (bundle.manifest.arena_bytes, bundle.manifest.arena_bytes_32bit) if size]
    if not known and wanted_bytes is None:
        raise BadInput("The bundle does not say how large the arena must be.", hint="Pass --arena-bytes.")
    needed_bytes = max(known, default=0)
    if wanted_bytes is not None and wanted_bytes < needed_bytes:
        raise BadInput(
            f"An arena of {wanted_bytes:,} bytes is too small: '{bundle.manifest.name}' needs {needed_bytes:,}.",
            hint="It is the largest model that decides; leave --arena-bytes away for this one alone.",
        )
    return wanted_bytes if wanted_bytes is not None else needed_bytes


def check_arena(arena_bytes: int, board: Board) -> None:
    """DoesNotFit if the arena alone is larger than the board's RAM."""
    if board.ram_bytes is not None and arena_bytes > board.ram_bytes:
        raise DoesNotFit(
            f"An arena of {arena_bytes:,} bytes is larger than the {board.ram_bytes:,} bytes of RAM of {board.id}.",
            hint="Ask `mcu fits` for boards that have more.",
        )


def tflm_facts(
    bundle: Bundle, board: Board, *, firmware: str, arena_bytes: int, place: tuple[int, int] | None
) -> str:
    """The text of FACTS_NAME, which kt_tflm_app.cpp includes.

    Args:
        firmware: what the board says of its build.
        place: (address, bytes) of flash where a model is looked for before the built-in one; None: nowhere.
    """
    entries = [
        (Tag.BOARD, board.id.encode()),
        (Tag.ENGINE, ENGINE.encode()),
        (Tag.FIRMWARE, firmware.encode()),
    ]
    if board.clock_hz is not None:
        entries.append((Tag.CLOCK_HZ, board.clock_hz.to_bytes(4, "little")))
    identity = b"".join(bytes([tag, len(value)]) + value for tag, value in entries)
    lines = [
        f"/* {FACTS_NAME}: who the board is, and what its model takes. Written by `mcu build`; do not edit. */",
        "#ifndef KT_MODEL_FACTS_H",
        "#define KT_MODEL_FACTS_H",
        "",
        f"#define KT_FACTS_ARENA_BYTES {arena_bytes}U",
        f"#define KT_FACTS_MODEL_SHA256 \\\n    {_bytes(hashlib.sha256(bundle.model_bytes).digest())}",
        f"#define KT_FACTS_IDENTITY \\\n    {_bytes(identity)}",
    ]
    if place is not None:
        address, capacity = place
        lines += [
            f"#define KT_FACTS_MODEL_FLASH {address:#010x}U",
            f"#define KT_FACTS_MODEL_FLASH_BYTES {capacity:#x}U",
        ]
    return "\n".join([*lines, "", "#endif", ""])


def _bytes(data: bytes) -> str:
    rows = [data[at : at + _BYTES_PER_LINE] for at in range(0, len(data), _BYTES_PER_LINE)]
    return ", \\\n    ".join(", ".join(f"0x{byte:02X}" for byte in row) for row in rows)
