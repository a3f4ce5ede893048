"""Writes a bundle as a folder that the Arduino IDE, arduino-cli, PlatformIO and ESP-IDF build as it is: `write_sketch`.

Arduino's rules: the .ino has the name of its folder, C and C++ in `src` is compiled too, `build_opt.h` holds compiler
options (Arduino sketch specification; STM32 and ESP32 cores). The files of `src` find each other: they lie flat.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from mcu.boards import Board
from mcu.bundle import Bundle
from mcu.compiler import compile_model
from mcu.compiler.emit import sketches_folder
from mcu.errors import BadInput
from mcu.firmware import camera, projects
from mcu.firmware.model_place import has_model_place, model_place
from mcu.firmware.source import FACTS_NAME, MODEL_NAME, facts_header, identity_of, package_version
from mcu.firmware.tflm import check_arena, tflm_arena, tflm_facts, tflm_sources

Kind = Literal["hil_runner", "camera_demo"]
Engine = Literal["c", "tflm"]
_BUILD_DIGITS = 12
_LINK = Path("libraries/KerasTinyLink/src")
# C and C++ of an engine with its model; what writes their facts, given the firmware's name; bytes of the arena.
_Engine = tuple[dict[str, str], Callable[[str], str], int]


@dataclass(frozen=True)
class Sketch:
    """A folder that was written.

    Attributes:
        program: the .ino.
        firmware: what it says of itself in HELLO.
        files: of the folder, relative to it.
        arena_bytes: static RAM of the model.
    """

    folder: Path
    program: Path
    board: str
    kind: Kind
    engine: Engine
    firmware: str
    files: tuple[str, ...]
    arena_bytes: int


def write_sketch(
    bundle: Bundle,
    folder: str | Path,
    *,
    board: Board,
    kind: str = "hil_runner",
    engine: str = "c",
    arena_bytes: int | None = None,
) -> Sketch:
    """Write everything that a sketch with this model needs; with the compiled engine it depends on nothing else.

    Args:
        folder: made if it is not there; a sketch in it is replaced, anything else is left alone.
        kind: "hil_runner" (what `mcu validate` talks to) or "camera_demo" (an ESP32 board with a camera).
        engine: "c", or "tflm": TensorFlow Lite Micro from the registry of the tool that builds. Its hil_runner takes
            the model of a part of flash of its own, if `mcu flash --model-only` wrote one there.
        arena_bytes: of the interpreter, so that a larger model can come later; default: what this one needs.

    Raises:
        BadInput: a kind or an engine that does not exist, a board that is not in Arduino, has no camera or cannot
            show this bundle; a folder with something else in it; an arena that is too small, or for engine "c".
        UnsupportedModel: the compiled engine does not run the model.
        DoesNotFit: the model's arena is larger than the board's RAM.
    """
    target = Path(folder).absolute()
    _check(target, board=board, kind=kind, engine=engine)
    sources, facts, arena_bytes = (
        _compiled(bundle, board, arena_bytes=arena_bytes)
        if engine == "c"
        else _tflm(bundle, board, kind=kind, arena_bytes=arena_bytes)
    )
    check_arena(arena_bytes, board)
    sources |= _common()
    if kind == "camera_demo":
        sources |= camera.camera_files(bundle, board)
    firmware = _version(sources, facts(""))
    sources[FACTS_NAME] = facts(firmware)
    program = (sketches_folder() / kind / f"{kind}.ino").read_text("utf-8")
    files = {f"{target.name}.ino": program, **{f"src/{name}": text for name, text in sources.items()}}
    files |= projects.project_files(target.name, board=board, engine=engine, kind=kind)
    _write(target, files)
    return Sketch(
        folder=target,
        program=target / f"{target.name}.ino",
        board=board.id,
        kind=cast(Kind, kind),
        engine=cast(Engine, engine),
        firmware=firmware,
        files=tuple(sorted(files)),
        arena_bytes=arena_bytes,
    )


def _check(folder: Path, *, board: Board, kind: str, engine: str) -> None:
    for what, given, known in (("sketch", kind, get_args(Kind)), ("engine", engine, get_args(Engine))):
        if given not in known:
            raise BadInput(f"There is no {what} '{given}'.", hint=f"There is: {', '.join(known)}.")
    if not board.arduino_fqbn:
        raise BadInput(
            f"'{board.id}' is no board of Arduino: no sketch runs there.",
            hint="Take a board of `mcu boards` with an Arduino name, e.g. --board esp32_s3_devkitc.",
        )
    ours = folder / f"{folder.name}.ino"
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not ours.is_file())):
        raise BadInput(f"{folder} holds something else than a sketch.", hint="Name a new or empty folder.")


def _common() -> dict[str, str]:
    """The link, and the port to Arduino."""
    root = sketches_folder()
    paths = [
        *sorted((root / _LINK).glob("*.[ch]")),
        *sorted((root / "ports/arduino").iterdir()),
        root / "libraries/KerasTinyPost/src/kt_mask.h",
        root / "ports/common/kt_app.h",
        root / "ports/common/kt_ring.h",
    ]
    return {path.name: path.read_text("utf-8") for path in paths}


def _compiled(bundle: Bundle, board: Board, *, arena_bytes: int | None) -> _Engine:
    if arena_bytes is not None:
        raise BadInput(
            "The compiled engine's arena is exactly what its model needs.",
            hint="--arena-bytes is for --engine tflm, whose models can be exchanged.",
        )
    compiled = compile_model(bundle.model_bytes, name=MODEL_NAME)
    identity = identity_of(compiled, bundle.model_bytes, board_id=board.id, clock_hz=board.clock_hz)

    def facts(firmware: str) -> str:
        return facts_header(dataclasses.replace(identity, firmware=firmware), zlib.crc32(bundle.model_bytes))

    sources = {name: text for name, text in compiled.files.items() if name.endswith((".c", ".h"))}
    sources["kt_compiled.c"] = (sketches_folder() / "ports/common/kt_compiled.c").read_text("utf-8")
    return sources, facts, compiled.arena_bytes


def _tflm(bundle: Bundle, board: Board, *, kind: str, arena_bytes: int | None) -> _Engine:
    size = tflm_arena(bundle, wanted_bytes=arena_bytes)
    # The camera demo's pixels and labels are those of the model that is built in: it looks for no other.
    place = model_place(board) if kind == "hil_runner" and has_model_place(board) else None

    def facts(firmware: str) -> str:
        return tflm_facts(bundle, board, firmware=firmware, arena_bytes=size, place=place)

    return tflm_sources(bundle), facts, size


def _version(sources: dict[str, str], facts: str) -> str:
    """Of keras-tiny, and the first digits of the hash of everything that is compiled: as `mcu.firmware.builder`."""
    digest = hashlib.sha256(facts.encode())
    for name, text in sorted(sources.items()):
        digest.update(name.encode() + b"\0" + text.encode() + b"\0")
    return f"{package_version()}+{digest.hexdigest()[:_BUILD_DIGITS]}"


def _write(folder: Path, files: dict[str, str]) -> None:
    for stale in (folder / "src").glob("*"):  # another model needs other kernels
        stale.unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
