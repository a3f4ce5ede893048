"""Flash a Nucleo by copying the image onto the drive that its ST-Link shows (ST TN1235); found by MBED.HTM's code."""

from __future__ import annotations

import os
import re
import string
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from mcu.boards import Board
from mcu.errors import BadInput, BoardError, PortError
from mcu.flash.image import Image
from mcu.flash.plan import plan_sectors
from mcu.flash.written import Progress, Written

_PAGE = "MBED.HTM"
_FAILED = "FAIL.TXT"  # the ST-Link writes its reason there
_CODE = re.compile(r"code=([0-9A-Fa-f]{4})")
_BACK_S = 20.0  # the drive goes away while the chip is programmed


def write(image: Image, *, board: Board, port: str, progress: Progress) -> Written:
    """See `mcu.flash.written.Flasher`. The drive cannot be read back: `verified` is False, and HELLO decides."""
    data = _flat(image, board)
    copy_to(find_drive(board, drives()), data, progress=progress)
    return Written(chip=board.chip, wrote_bytes=image.size, skipped_bytes=0, verified=False, port=port)


def drives() -> list[Path]:
    """Where drives are mounted on this system."""
    if sys.platform == "win32":
        return [Path(f"{letter}:/") for letter in string.ascii_uppercase if Path(f"{letter}:/").exists()]
    if sys.platform == "darwin":
        return [*Path("/Volumes").glob("*")]
    lines = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    # Spaces in names are \040 there.
    return [Path(words[1].replace("\\040", " ")) for words in lines if len(words) > 2 and words[2] == "vfat"]


def find_drive(board: Board, mounted: Iterable[Path]) -> Path:
    """The drive of this board's ST-Link.

    Raises:
        BadInput: the board has no such drive, none is mounted, or several are.
    """
    if not board.flash.mbed_code:
        raise BadInput(f"'{board.id}' has no drive to copy to.", hint="Flash it by another method.")
    codes = {drive: _code(drive) for drive in mounted}
    fitting = [drive for drive, code in codes.items() if code == board.flash.mbed_code]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise BadInput(
            f"{len(fitting)} drives belong to a '{board.id}': {', '.join(map(str, fitting))}.",
            hint="Unplug one.",
        )
    others = ", ".join(f"{drive} (code {code})" for drive, code in codes.items() if code) or "none"
    raise BadInput(
        f"No drive of a '{board.id}' (code {board.flash.mbed_code}) is mounted; drives of boards: {others}.",
        hint="Mount it, or flash by stlink.",
    )


def copy_to(drive: Path, data: bytes, *, progress: Progress, back_s: float = _BACK_S) -> None:
    """Copy an image and wait until the drive is back.

    Raises:
        PortError: the drive cannot be written, or does not come back.
        BoardError: the ST-Link reports a failure, in its words.
    """
    (drive / _FAILED).unlink(missing_ok=True)
    try:
        with (drive / "image.bin").open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise PortError(
            f"{drive} cannot be written: {error.strerror or error}.",
            hint="Unplug the board, plug it in again.",
        ) from error
    progress(len(data), len(data))
    end = time.monotonic() + back_s
    while not (drive / _PAGE).is_file():
        if time.monotonic() > end:
            raise PortError(
                f"{drive} has not come back in {back_s:g} s.", hint="Is it mounted automatically?"
            )
        time.sleep(0.2)
    if (drive / _FAILED).is_file():
        why = (drive / _FAILED).read_text(errors="replace").strip()
        raise BoardError(
            f"The ST-Link on {drive} could not program the chip: {why}", hint="Reset it and try again."
        )


def _code(drive: Path) -> str:
    try:
        found = _CODE.search((drive / _PAGE).read_text(errors="replace"))
    except OSError:
        return ""
    return found.group(1) if found else ""


def _flat(image: Image, board: Board) -> bytes:
    """One file from the start of flash on; gaps are filled as erased."""
    sectors = plan_sectors(image, board)
    base = board.flash.addresses["app"]
    if sectors[0].address != base or image.segments[0].address != base:
        raise BadInput(f"The ST-Link's drive takes images from {base:#010x} on only.")
    data = bytearray()
    for segment in image.segments:
        data += b"\xff" * (segment.address - base - len(data)) + segment.data
    return bytes(data)
