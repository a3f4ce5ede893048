"""`qemu://MODEL[?board=ID][&mlperf=ID][&overlap=on][&faults=…]`: a model's firmware in QEMU, and its UART.

MODEL is a bundle, a .tflite file or a firmware that was built (.elf); `%3F` stands for a question mark in its name.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote

import serial

from mcu.errors import BadInput
from mcu.transport.qemu import QemuProcess

SCHEME = "qemu://"
DEFAULT_BOARD = "qemu_stm32f405"


def qemu_url(model: str | os.PathLike[str], *, board: str = DEFAULT_BOARD) -> str:
    """The URL of an emulated board with this bundle, .tflite file or firmware."""
    return f"{SCHEME}{quote(os.fspath(model))}?board={board}"


class Serial(serial.Serial):
    """A serial port whose board is emulated and lives as long as the port is open."""

    _machine: QemuProcess | None = None

    def open(self) -> None:
        """Build if needed, start QEMU, connect to its UART.

        Raises:
            KerasTinyError: what is wrong with the model, the board, the toolchain or QEMU.
        """
        program, machine = _firmware(*_parse(self.port))
        self._machine = QemuProcess(program, machine=machine)
        self.fd = self._machine.line.fileno()
        self.is_open = True

    def close(self) -> None:
        """End QEMU."""
        self.is_open = False
        self.fd = None  # type: ignore[assignment]
        if self._machine is not None:
            self._machine.close()
            self._machine = None

    @property
    def board_pid(self) -> int | None:
        """Process id of what runs the board; None while the port is closed."""
        return self._machine.pid if self._machine else None

    def reset_board(self) -> None:
        """Press the machine's reset button; its port stays."""
        if self._machine is not None:
            self._machine.reset()

    def gone_because(self) -> str:
        """How QEMU ended."""
        return self._machine.ended_because() if self._machine else ""


def _parse(url: str) -> tuple[Path, str, str | None, bool]:
    path, _, query = url[len(SCHEME) :].partition("?")
    if not path:
        raise BadInput(f"{url} names no model.", hint="Write qemu://PATH/TO/BUNDLE.")
    board_id, mlperf, overlap = DEFAULT_BOARD, None, False
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == "board":
            board_id = value
        elif name == "mlperf":
            mlperf = value
        elif name == "overlap" and value in ("on", "off"):
            overlap = value == "on"
        else:
            raise BadInput(
                f"{url}: unknown option '{name}' or value '{value}'.",
                hint="There is: board=ID, mlperf=ID, overlap=on.",
            )
    return Path(unquote(path)), board_id, mlperf, overlap


def _firmware(path: Path, board_id: str, mlperf: str | None, overlap: bool) -> tuple[Path, str]:
    """The program to boot and the machine that runs it."""
    from mcu.boards import get_board  # imported here: opening any other port needs none of this

    board = get_board(board_id)
    if not board.qemu_machine:
        raise BadInput(
            f"QEMU has no machine for the board '{board_id}'.", hint=f"Take board={DEFAULT_BOARD}."
        )
    if path.suffix == ".elf":
        if not path.is_file():
            raise BadInput(f"There is no firmware {path}.")
        return path, board.qemu_machine
    from mcu.firmware.builder import build_firmware
    from mcu.model_file import model_bytes_of
    from mcu.protocol.mlperf_model import MlperfModel

    personality = MlperfModel(mlperf) if mlperf is not None else None
    firmware = build_firmware(model_bytes_of(path), board=board, mlperf=personality, overlap=overlap)
    return firmware.program, board.qemu_machine
