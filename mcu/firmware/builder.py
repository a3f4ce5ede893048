"""Builds the firmware of a model for a board, once for the same content: `build_firmware(model_bytes, board=…)`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcu.boards import Board
from mcu.compiler.emit import sketches_folder
from mcu.errors import AnswerIsNo
from mcu.firmware.elf import Elf, Load
from mcu.firmware.gcc import TARGETS, CompileError, Target, compile_objects, find_compiler, link
from mcu.firmware.ports import HOST, Port, board_flags, core_hz, port_for
from mcu.firmware.size import FirmwareSize, read_map
from mcu.firmware.source import FirmwareSources, package_version, write_facts, write_sources
from mcu.protocol.mlperf_model import MlperfModel

_ENGINE_FLAGS = ("-O2", "-ffunction-sections", "-fdata-sections")
_SMALL_FLAGS = ("-Os", "-ffunction-sections", "-fdata-sections")
_BUILD_DIGITS = 12
_OVERLAP = "-DKT_LINK_OVERLAP"
_BARE_FLAGS = ("-ffreestanding", "-fno-common")
_MEMORY = """\
/* Written by `mcu build`: the board's memory. */
MEMORY
{{
    FLASH (rx) : ORIGIN = {flash:#x}, LENGTH = {flash_bytes}
    RAM (rwx) : ORIGIN = {ram:#x}, LENGTH = {ram_bytes}
}}
"""


class DoesNotFit(AnswerIsNo):
    """The firmware needs more flash or RAM than the board has."""


@dataclass(frozen=True)
class Firmware:
    """A firmware that was built.

    Attributes:
        program: the linked program, ELF.
        loads: bytes for the flash with their addresses; empty for a program of the host.
        size: by part; None for a program of the host.
        version: what it says of itself in HELLO: of keras-tiny, "+", the first digits of the build's SHA-256.
        cached: nothing had to be compiled.
    """

    program: Path
    loads: tuple[Load, ...]
    size: FirmwareSize | None
    version: str
    arena_bytes: int
    cached: bool


def build_firmware(
    model_bytes: bytes,
    *,
    board: Board,
    inject_faults: bool = False,
    mlperf: MlperfModel | None = None,
    overlap: bool = False,
) -> Firmware:
    """The firmware that runs a model on a board; built at the first call for the same content.

    Args:
        model_bytes: an audited int8 .tflite file.
        inject_faults: for tests: an input that begins with KTFAULT and a digit makes it fail.
        mlperf: give it MLPerf Tiny's protocol too, which takes about 3 KiB of flash and RAM for one sample.
        overlap: let it take the next inputs while the result of the last is kept, which takes RAM for one sample.

    Raises:
        ModelFileError, UnsupportedModel: the compiled engine does not run the model.
        BadInput: there is no port for the board.
        DoesNotFit: with the bytes that it is over, and the operator that needs most of the arena.
        MissingExtra: no compiler; the hint installs it.
    """
    flags: tuple[str, ...] = ("-DKT_FAULT_INJECTION",) if inject_faults else ()
    flags += (_OVERLAP,) if overlap else ()
    port = port_for(board)
    flags = (*flags, *board_flags(port, board))
    return _build(model_bytes, port=port, board=board, flags=flags, mlperf=mlperf)


def build_host_program(
    model_bytes: bytes, *, flags: Sequence[str] = (), mlperf: MlperfModel | None = None
) -> Firmware:
    """The same firmware as a program of this computer, with the link on a pty (sketches/ports/host)."""
    return _build(model_bytes, port=HOST, board=None, flags=(*flags, _OVERLAP), mlperf=mlperf)


def cache_folder() -> Path:
    """Where firmware is kept: `keras-tiny/firmware` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras-tiny" / "firmware"


def _build(
    model_bytes: bytes,
    *,
    port: Port,
    board: Board | None,
    flags: Sequence[str],
    mlperf: MlperfModel | None,
) -> Firmware:
    flags = (*flags, "-DKT_MLPERF") if mlperf else flags
    target = TARGETS[port.target]
    find_compiler(target)  # before anything else is done
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".building-") as temporary:
        folder = Path(temporary) / "firmware"
        sources = write_sources(
            model_bytes,
            port=port,
            board_id=board.id if board else HOST.id,
            clock_hz=core_hz(port, board) if board else None,
            folder=folder,
            mlperf=mlperf,
        )
        if board is not None:
            (folder / "memory.ld").write_text(
                _MEMORY.format(
                    flash=port.flash, flash_bytes=board.flash_bytes, ram=port.ram, ram_bytes=board.ram_bytes
                )
            )
        flags = (*flags, *sources.flags)
        key = _key(sources, target, port, flags)
        version = f"{package_version()}+{key[:_BUILD_DIGITS]}"
        kept = cache / key
        cached = (kept / "done.json").is_file()
        if not cached:
            write_facts(sources, firmware=version)
            _compile(sources, target=target, port=port, board=board, flags=flags)
            _move(folder, kept)
    return _open(
        kept,
        version=version,
        compiled_arena_bytes=sources.compiled.arena_bytes,
        port=port,
        cached=cached,
    )


def _compile(
    sources: FirmwareSources, *, target: Target, port: Port, board: Board | None, flags: Sequence[str]
) -> None:
    include = [f"-I{folder}" for folder in sources.include]
    objects_dir = sources.folder / "objects"
    bare = _BARE_FLAGS if port.script else ()
    objects = []
    for part, files, optimize in (
        ("engine", sources.engine, _ENGINE_FLAGS),
        ("link", sources.link, _SMALL_FLAGS),
        ("port", sources.port, _SMALL_FLAGS),
    ):
        objects += compile_objects(
            target, files, out_dir=objects_dir / part, flags=[*optimize, *bare, *include, *flags]
        )
    program = sources.folder / "firmware.elf"
    parts = _parts(sources)
    if not port.script:
        link(target, objects, made=program, flags=list(flags))
        _finish(sources.folder, parts)
        return
    ports_folder = sketches_folder() / "ports"
    try:
        link(
            target,
            objects,
            made=program,
            flags=[
                "-nostartfiles",
                *(("-Wl,--nmagic",) if port.in_ram else ()),  # no page of fill in front of the data
                f"-L{sources.folder}",
                f"-T{ports_folder / port.script}",
                "-Wl,--gc-sections",
                f"-Wl,-Map={sources.folder / 'firmware.map'}",
                *port_libraries(port),
            ],
        )
    except CompileError as error:
        raise _explain(error, sources=sources, board=board) from None
    _write_expected_crc32(program)
    _finish(sources.folder, parts)


def port_libraries(port: Port) -> tuple[str, ...]:
    """Libraries that a bare-metal port is linked with."""
    if port.target.startswith(
        "rv32"
    ):  # Debian's compiler brings no C library; libgcc is there for these names
        return (f"-march={'rv32im' if port.target == 'rv32imc' else port.target}", "-nodefaultlibs", "-lgcc")
    return ("--specs=nano.specs", "-nodefaultlibs", "-lc", "-lgcc")


def _write_expected_crc32(program: Path) -> None:
    """Tell the image what CRC-32 the model's constants have, so that the board can see whether they still do."""
    elf = Elf.read(program)
    symbols = elf.symbols()
    begin, end = symbols["kt_model_begin"], symbols["kt_model_end"]
    crc32 = zlib.crc32(elf.read_at(begin, end - begin))
    elf.patch(symbols["kt_app_constants_crc32"], crc32.to_bytes(4, "little"))
    program.write_bytes(elf.content)


def _explain(error: CompileError, *, sources: FirmwareSources, board: Board | None) -> Exception:
    """The linker's "region overflowed" → how much, and because of what."""
    over = re.findall(r"region `(\w+)' overflowed by (\d+) bytes", error.message)
    if not over or board is None:
        return error
    what = " and ".join(f"{int(count):,} bytes of {name}" for name, count in over)
    hint = "Ask `mcu fits` for boards that have more, or take a smaller width or resolution."
    peak = f" The arena of {sources.compiled.arena_bytes:,} bytes is largest at {sources.compiled.peak_operator}."
    return DoesNotFit(f"The firmware is {what} too large for {board.id}.{peak}", hint=hint)


def _parts(sources: FirmwareSources) -> dict[str, str]:
    parts = {path.stem: "engine" for path in sources.engine}
    parts |= {path.stem: "link" for path in sources.link}
    parts |= {path.stem: "port" for path in sources.port}
    return parts | {"kt_model": "model", "kt_compiled": "model"}


def _finish(folder: Path, parts: Mapping[str, str]) -> None:
    (folder / "done.json").write_text(json.dumps({"parts": parts}))


def _move(folder: Path, kept: Path) -> None:
    """Whole or not at all: another process may build the same."""
    try:
        folder.rename(kept)
    except OSError:
        if not (kept / "done.json").is_file():
            shutil.rmtree(kept, ignore_errors=True)
            folder.rename(kept)


def _open(kept: Path, *, version: str, compiled_arena_bytes: int, port: Port, cached: bool) -> Firmware:
    program = kept / "firmware.elf"
    size = None
    if port.script:
        parts = json.loads((kept / "done.json").read_text())["parts"]
        size = read_map(kept / "firmware.map", parts=parts, in_ram=port.in_ram)
    return Firmware(
        program=program,
        loads=Elf.read(program).loads() if port.script else (),
        size=size,
        version=version,
        arena_bytes=compiled_arena_bytes,
        cached=cached,
    )


def _key(sources: FirmwareSources, target: Target, port: Port, flags: Sequence[str]) -> str:
    """SHA-256 of everything that the program depends on: sources, flags, compiler."""
    digest = hashlib.sha256()
    texts = sorted(path for path in sources.folder.iterdir() if path.is_file())
    for folder in sources.include[1:]:
        texts += sorted(path for path in folder.rglob("*") if path.suffix in (".c", ".h", ".ld"))
    for path in texts:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    compiler = find_compiler(target)
    said = subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout
    for text in (port.id, *target.flags, *_ENGINE_FLAGS, *_SMALL_FLAGS, *_BARE_FLAGS, *flags):
        digest.update(text.encode() + b"\0")
    digest.update(said)
    return digest.hexdigest()[:32]
