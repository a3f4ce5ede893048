"""Flash an ESP with Espressif's esptool, run as a process of its own: verify, write what differs, verify again.

esptool is GPL-2.0-or-later: it is executed, never imported. What it prints is read as in esptool 5.3 to 5.6.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcu.boards import Board
from mcu.errors import BoardError, LinkError, missing_extra
from mcu.flash.dry_run import check_esp_flash
from mcu.flash.image import Image
from mcu.flash.written import ChipLocked, Progress, VerifyFailed, Written, WrongChip
from mcu.transport import open_port

ATTEMPTS = 3
_CONNECT_ATTEMPTS = 4  # esptool has that many ways to reset a board into its ROM
# The stub changes to this rate once it runs; PlatformIO's boards upload at it. The last attempt keeps to 115,200.
_FAST_BAUD, _SAFE_BAUD = 460_800, 115_200
_CHIP = re.compile(r"^Connected to (ESP32\S*) on ", re.MULTILINE)
_WROTE = re.compile(r"^Wrote \d+ bytes .*at (0x[0-9a-f]+) ", re.MULTILINE)
_PERCENT = re.compile(r"^Writing at 0x[0-9a-f]+ .*?(\d+(?:\.\d+)?)%")
_ERROR = re.compile(r"A fatal error occurred: (.*)$", re.MULTILINE)
_NOBODY = ("Failed to connect", "No serial data received", "Wrong boot mode detected")
_DIFFERS, _UNKNOWN = "Verification failed", "Failed to autodetect chip type"
_LOCKED = ("Secure Download Mode", "Secure Boot", "flash encryption", "encrypt functionality")


@dataclass(frozen=True)
class _Run:
    """One run of esptool.

    Attributes:
        said: stdout and stderr.
        chip: what it is connected to; None if it did not get that far.
    """

    code: int
    said: str

    @property
    def chip(self) -> str | None:
        found = _CHIP.search(self.said)
        return found.group(1) if found else None

    @property
    def reason(self) -> str:
        """Its own words for what went wrong."""
        found = _ERROR.search(self.said)
        lines = self.said.strip().splitlines()
        return found.group(1) if found else (lines[-1] if lines else f"exit code {self.code}")


def write(image: Image, *, board: Board, port: str, progress: Progress) -> Written:
    """See `mcu.flash.written.Flasher`. Resets the chip into its ROM, and into the firmware afterwards."""
    check_esp_flash(image, board)
    with tempfile.TemporaryDirectory(prefix="keras-tiny-") as folder:
        files = _files(image, Path(folder))
        wrote: set[int] = set()  # addresses of segments
        check = _verify(files, board=board, port=port)
        for attempt in range(ATTEMPTS):
            if check.code == 0:
                break
            baud = _SAFE_BAUD if attempt == ATTEMPTS - 1 else _FAST_BAUD
            # --chip makes esptool itself refuse another chip; a chip it does not know was refused by _verify.
            chip = board.chip.lower().replace("-", "")
            command = ("write-flash", "--skip-flashed", *files)
            run = _esptool(port, *command, chip=chip, baud=baud, progress=progress, total=image.size)
            wrote |= {int(address, 16) for address in _WROTE.findall(run.said)}
            check = _verify(files, board=board, port=port)
        if check.code != 0:
            raise VerifyFailed(
                f"{port}: flash differs from the image after {ATTEMPTS} attempts. esptool said: {check.reason}",
                hint="A shorter cable or another USB port often helps. The board does not run; flash it again.",
            )
    progress(image.size, image.size)
    wrote_bytes = sum(len(segment.data) for segment in image.segments if segment.address in wrote)
    return Written(
        chip=check.chip or board.chip,
        wrote_bytes=wrote_bytes,
        skipped_bytes=image.size - wrote_bytes,
        verified=True,
        port=port,
    )


def ask_chip(port: str) -> str | None:
    """Name of the ESP behind a port ("ESP32-C3"), after resetting it; None if no ESP's ROM answers.

    Raises:
        MissingExtra: esptool is not installed.
        PortError: the port cannot be opened.
    """
    _check_port(port)
    return _esptool(port, "chip-id", attempts=2).chip


def _verify(files: Sequence[str], *, board: Board, port: str) -> _Run:
    """Read only: who is there, and does its flash hold these files?"""
    for _ in range(ATTEMPTS):
        _check_port(port)
        run = _esptool(port, "verify-flash", *files)
        if run.code == 0 or any(word in run.said for word in (*_NOBODY, _DIFFERS, _UNKNOWN)):
            break
    if _UNKNOWN in run.said:
        raise WrongChip(
            f"{port}: a chip that esptool does not know: {run.reason} '{board.id}' has an {board.chip}.",
            hint="Pass the right port with --port, or update esptool.",
        )
    if run.chip is not None and run.chip != board.chip:
        raise WrongChip(
            f"{port}: the chip is an {run.chip}, '{board.id}' has an {board.chip}.",
            hint="Pass the board that is there with --board, or the other port with --port.",
        )
    if run.code == 0 or _DIFFERS in run.said:
        return run
    if any(word.lower() in run.said.lower() for word in _LOCKED):
        raise ChipLocked(
            f"{port}: the chip's security settings forbid it: {run.reason}",
            hint="Its eFuses decide that, for good; take a board without secure boot and flash encryption.",
        )
    if any(word in run.said for word in _NOBODY):
        raise LinkError(
            f"{port}: no ESP answers in its ROM bootloader: {run.reason}",
            hint="Hold BOOT, press RESET, release BOOT, then try again.",
        )
    raise BoardError(f"{port}: esptool cannot read the flash: {run.reason}")


def _esptool(
    port: str,
    *command: str,
    chip: str = "auto",
    baud: int = _SAFE_BAUD,
    attempts: int = _CONNECT_ATTEMPTS,
    progress: Progress | None = None,
    total: int = 0,
) -> _Run:
    if importlib.util.find_spec("esptool") is None:
        raise missing_extra("flash", needed_for="Flashing an ESP")
    options = ["--chip", chip, "--port", port, "--baud", str(baud), "--connect-attempts", str(attempts)]
    process = subprocess.Popen(
        [sys.executable, "-m", "esptool", *options, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200"},
    )
    lines = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            percent = _PERCENT.match(line)
            if percent and progress is not None:
                progress(min(total, round(total * float(percent.group(1)) / 100)), total)
        process.wait()
    finally:
        if process.poll() is None:  # interrupted: nothing may keep writing
            process.kill()
            process.wait()
    return _Run(process.returncode, "".join(lines))


def _check_port(port: str) -> None:
    """Our words for a port that is not there, busy or forbidden."""
    if "://" not in port:
        open_port(port).close()


def _files(image: Image, folder: Path) -> list[str]:
    """Address and file of every segment, as esptool's arguments."""
    arguments = []
    for segment in image.segments:
        path = folder / f"{segment.address:08x}-{segment.name}.bin"
        path.write_bytes(segment.data)
        arguments += [f"{segment.address:#x}", str(path)]
    return arguments
