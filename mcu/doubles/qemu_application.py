"""After the ROM: QEMU boots the image that is in the double's flash, its UART on the double's line."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mcu.doubles.rom import OnGo
from mcu.transport.qemu import QemuProcess


class QemuApplication:
    """A machine that runs what was flashed; `mcu.doubles.rom.Application`.

    Args:
        flash: the whole content of flash. QEMU loads it as a raw image from the start of flash on.
        machine: a key of `mcu.transport.qemu.MACHINES`, whose chip the double is.
    """

    def __init__(self, flash: bytes, *, machine: str):
        self._folder = tempfile.TemporaryDirectory(prefix="keras-tiny-")
        image = Path(self._folder.name) / "flash.bin"
        image.write_bytes(flash.rstrip(b"\xff"))
        try:
            self._process = QemuProcess(image, machine=machine)
        except BaseException:
            self._folder.cleanup()
            raise

    def fileno(self) -> int:
        """Of the host's end of the UART."""
        return self._process.line.fileno()

    def close(self) -> None:
        """End the machine."""
        self._process.close()
        self._folder.cleanup()


def boot_in_qemu(machine: str) -> OnGo:
    """`on_go` of a double: boot what was flashed. The machine takes its vector table from the start of flash."""
    return lambda flash, address: QemuApplication(flash, machine=machine)
