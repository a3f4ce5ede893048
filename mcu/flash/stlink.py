"""Flash an STM32 through an ST-Link, with st-flash, OpenOCD or pyOCD: who is it, read, write what differs, read again.

The tools run as processes. Source: manual pages of st-flash and st-info (stlink-tools 1.7), OpenOCD 0.12 user's guide,
pyOCD 0.46 (`pyocd load --help`, `pyocd commander -c help`).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcu.boards import Board
from mcu.errors import BoardError, LinkError, MissingExtra
from mcu.flash.image import Image, Segment
from mcu.flash.plan import plan_sectors
from mcu.flash.written import Progress, VerifyFailed, Written, WrongChip

_ATTEMPTS = 2
_TIMEOUT_S = 300.0
_DEVICE_ID = (
    0x0FFF  # of DBGMCU_IDCODE: the same number that the ROM answers (AN2606 and each reference manual)
)
_NO_PROBE = (
    "Couldn't find any ST-Link",
    "Found 0 stlink",
    "open failed",
    "No ST-LINK",
    "unable to open",
    "No connected debug probes",
)
_NO_CHIP = (
    "init mode failed",
    "Failed to connect to target",
    "target voltage",
    "unknown chip id",
    "chipid:     0x000",
)


@dataclass(frozen=True)
class _Tool:
    """A program that drives the probe.

    Attributes:
        name: its executable.
        chip_id: who is behind the probe.
        read: (address, bytes, file) → fills the file.
        write: (file, address): erases what is needed, programs, resets.
    """

    name: str
    chip_id: Callable[[Board], int]
    read: Callable[[Board, int, int, Path], None]
    write: Callable[[Board, Path, int], None]


def write(image: Image, *, board: Board, port: str, progress: Progress) -> Written:
    """See `mcu.flash.written.Flasher`. `port` is only where the firmware is greeted; the probe is found by itself."""
    plan_sectors(image, board)  # an image that does not fit fails before the probe is asked
    tool = find_tool()
    found = tool.chip_id(board)
    if found != board.flash.rom_id:
        raise WrongChip(
            f"The probe is connected to a chip with id {found:#05x}, '{board.id}' has {board.flash.rom_id or 0:#05x}.",
            hint="Pass the board that is there with --board, or unplug the other one.",
        )
    wrote = done = 0
    with tempfile.TemporaryDirectory(prefix="keras-tiny-") as folder:
        for segment in image.segments:
            if not _holds(tool, board, segment, Path(folder)):
                _write(tool, board, segment, Path(folder))
                wrote += len(segment.data)
            done += len(segment.data)
            progress(done, image.size)
    return Written(
        chip=f"{board.chip} (device id {found:#05x})",
        wrote_bytes=wrote,
        skipped_bytes=image.size - wrote,
        verified=True,
        port=port,
    )


def find_tool() -> _Tool:
    """st-flash, else OpenOCD, else pyOCD.

    Raises:
        MissingExtra: none is installed.
    """
    for tool in (_ST_FLASH, _OPENOCD, _PYOCD):
        if shutil.which(tool.name):
            return tool
    raise MissingExtra(
        "Flashing through an ST-Link needs st-flash, openocd or pyocd; none is on PATH.",
        hint="On Debian or Ubuntu: sudo apt-get install stlink-tools; elsewhere: pip install 'keras-tiny[pyocd]'",
    )


def _write(tool: _Tool, board: Board, segment: Segment, folder: Path) -> None:
    path = folder / "image.bin"
    path.write_bytes(segment.data)
    for _ in range(_ATTEMPTS):
        tool.write(board, path, segment.address)
        if _holds(tool, board, segment, folder):
            return
    raise VerifyFailed(
        f"Flash differs from the image at '{segment.name}' after {_ATTEMPTS} attempts with {tool.name}.",
        hint="Is the chip write-protected? The board does not run; flash it again.",
    )


def _holds(tool: _Tool, board: Board, segment: Segment, folder: Path) -> bool:
    path = folder / "back.bin"
    path.unlink(missing_ok=True)
    size = -(-len(segment.data) // 4) * 4
    tool.read(board, segment.address, size, path)
    return path.is_file() and path.read_bytes()[: len(segment.data)] == segment.data


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise BoardError(
            f"{command[0]} has not ended in {_TIMEOUT_S:g} s.", hint="Unplug the probe."
        ) from None
    said = done.stdout + done.stderr
    if any(words in said for words in _NO_PROBE):
        raise LinkError("No ST-Link is plugged in, or this user may not open it.", hint="Ask `mcu doctor`.")
    if any(words in said for words in _NO_CHIP):
        raise LinkError(
            "The ST-Link does not reach the chip.", hint="Is the board powered, are the ST-Link jumpers on?"
        )
    if done.returncode != 0:
        last = said.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise BoardError(f"{Path(command[0]).name} failed: {last[0]}")
    return said


def _st_flash_chip_id(board: Board) -> int:
    said = _run("st-info", "--probe")
    found = re.search(r"chipid:\s+0x([0-9a-f]+)", said)
    if not found:
        raise LinkError("st-info names no chip behind the ST-Link.", hint="Is the board powered?")
    return int(found.group(1), 16) & _DEVICE_ID


def _st_flash_read(board: Board, address: int, size: int, path: Path) -> None:
    _run("st-flash", "read", str(path), f"{address:#x}", f"{size:#x}")


def _st_flash_write(board: Board, path: Path, address: int) -> None:
    _run("st-flash", "--reset", "write", str(path), f"{address:#x}")


def _openocd(board: Board, *commands: str) -> str:
    # "STM32F446RET6" → target/stm32f4x.cfg
    target = f"target/{board.chip[:7].lower()}x.cfg"
    options = ["-f", "interface/stlink.cfg", "-f", target]
    for command in ("init", *commands, "shutdown"):
        options += ["-c", command]
    return _run("openocd", *options)


def _id_register(board: Board) -> int:
    """DBGMCU_IDCODE: 0x5C00_1000 on STM32H7 (RM0433), 0xE004_2000 on STM32F4, F7 and L4."""
    return 0x5C00_1000 if board.chip.startswith("STM32H7") else 0xE004_2000


def _openocd_chip_id(board: Board) -> int:
    register = _id_register(board)
    said = _openocd(board, f"mdw {register:#x}")
    found = re.search(rf"{register:#010x}: ([0-9a-f]{{8}})", said)
    if not found:
        raise LinkError("OpenOCD reads no device id.", hint="Is the board powered?")
    return int(found.group(1), 16) & _DEVICE_ID


def _openocd_read(board: Board, address: int, size: int, path: Path) -> None:
    _openocd(board, "reset halt", f"dump_image {{{path}}} {address:#x} {size:#x}", "reset run")


def _openocd_write(board: Board, path: Path, address: int) -> None:
    _openocd(board, "reset halt", f"flash write_image erase {{{path}}} {address:#x} bin", "reset run")


def _pyocd(verb: str, *arguments: str, target: str) -> str:
    # --no-wait: without it pyOCD waits for a probe for ever.
    try:
        return _run("pyocd", verb, "--no-wait", "--target", target, *arguments)
    except BoardError as error:
        if "not recognized" in error.message:
            error.hint = f"pyOCD does not know the chip yet: pyocd pack install {target}"
        raise


def _pyocd_target(board: Board) -> str:
    """ "STM32F446RET6" → stm32f446re: without package and temperature range, as the CMSIS packs name it."""
    return board.chip[:11].lower()


def _pyocd_chip_id(board: Board) -> int:
    register = _id_register(board)
    said = _pyocd("commander", "--command", f"read32 {register:#x}", target="cortex_m")
    found = re.search(rf"{register:08x}:\s+([0-9a-f]{{8}})", said)
    if not found:
        raise LinkError("pyOCD reads no device id.", hint="Is the board powered?")
    return int(found.group(1), 16) & _DEVICE_ID


def _pyocd_read(board: Board, address: int, size: int, path: Path) -> None:
    _pyocd("commander", "--command", f"savemem {address:#x} {size} {path}", target=_pyocd_target(board))


def _pyocd_write(board: Board, path: Path, address: int) -> None:
    place = ("--format", "bin", "--base-address", f"{address:#x}")
    _pyocd("load", *place, str(path), target=_pyocd_target(board))


_ST_FLASH = _Tool("st-flash", _st_flash_chip_id, _st_flash_read, _st_flash_write)
_OPENOCD = _Tool("openocd", _openocd_chip_id, _openocd_read, _openocd_write)
_PYOCD = _Tool("pyocd", _pyocd_chip_id, _pyocd_read, _pyocd_write)
