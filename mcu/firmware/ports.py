"""Ports of the firmware as data: which folders of sketches/ports make up a board's firmware, and how to link them."""

from __future__ import annotations

from dataclasses import dataclass

from mcu.boards import Board
from mcu.errors import BadInput


@dataclass(frozen=True)
class Port:
    """A family of chips that one set of C files runs on.

    Attributes:
        chips: how the names of its chips begin (`Board.chip`).
        target: of `mcu.firmware.gcc.TARGETS`.
        folders: of sketches/ports, all C files of which belong to it.
        script: linker script in sketches/ports; empty for a program of the host.
        flash, ram: first addresses.
        max_clock_hz: that the port sets up; a board's own limit may be lower.
        in_ram: `flash` is RAM too: code and constants lie there while the firmware runs.
    """

    id: str
    chips: tuple[str, ...]
    target: str
    folders: tuple[str, ...]
    script: str = ""
    flash: int = 0
    ram: int = 0
    max_clock_hz: int = 0
    in_ram: bool = False


PORTS = (
    Port(
        "stm32f4",
        ("STM32F4",),
        "cortex_m4",
        ("common", "cortex_m", "stm32f4"),
        script="cortex_m/cortex_m.ld",
        flash=0x0800_0000,
        ram=0x2000_0000,
        max_clock_hz=168_000_000,
    ),
    # QEMU's Cortex-M7 machine: Arm AN500 (the MPS2's first 4 MiB of SSRAM are its "flash").
    Port(
        "mps2_an500",
        ("MPS2-AN500",),
        "cortex_m7",
        ("common", "cortex_m", "mps2_an500"),
        script="cortex_m/cortex_m.ld",
        flash=0x0000_0000,
        ram=0x2000_0000,
    ),
    # QEMU's RISC-V machine: code and data lie in one RAM.
    Port(
        "riscv_virt",
        ("QEMU virt RV32",),
        "rv32imac",
        ("common", "riscv", "riscv/libc", "riscv_virt"),
        script="riscv_virt/riscv_virt.ld",
        flash=0x8000_0000,
        ram=0x8080_0000,
    ),
    # The ROM copies all of it from flash into RAM, which the processor sees twice: for code and for data.
    Port(
        "esp32c3",
        ("ESP32-C3",),
        "rv32imc",
        ("common", "riscv", "riscv/libc", "esp32c3"),
        script="esp32c3/esp32c3.ld",
        flash=0x4038_0000,
        ram=0x3FC8_0000,
        max_clock_hz=20_000_000,
        in_ram=True,
    ),
)
# What `virtual://…?engine=c` runs: a virtual board like the other one.
HOST = Port("virtual", (), "host", ("common", "host"))


def core_hz(port: Port, board: Board) -> int | None:
    """The clock that the firmware sets up on a board."""
    if port.max_clock_hz and board.clock_hz:
        return min(port.max_clock_hz, board.clock_hz)
    return board.clock_hz


def board_flags(port: Port, board: Board) -> tuple[str, ...]:
    """What a port needs to know of a board: its baud rate, its clock, which UART leads to the computer."""
    flags = [f"-DKT_BAUD={board.serial_baud}"]
    if port.max_clock_hz:
        flags.append(f"-DKT_CORE_MHZ={(core_hz(port, board) or port.max_clock_hz) // 1_000_000}")
    if board.id.startswith("nucleo_"):  # the ST-LINK's virtual COM port (ST UM1724, 6.8)
        flags.append("-DKT_STM32_USART=2")
    return tuple(flags)


def port_for(board: Board) -> Port:
    """The port that runs on a board.

    Raises:
        BadInput: there is none; the hint says what can be done with that board instead.
    """
    for port in PORTS:
        if board.chip.startswith(port.chips):
            return port
    raise BadInput(
        f"There is no bare-metal firmware for the board '{board.id}' ({board.chip}).",
        hint=f"Build a sketch for it: mcu build BUNDLE --board {board.id} --sketch DIR.",
    )
