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
        ram_bytes, flash_bytes: what the chip has, for boards that do not say.
    """

    id: str
    chips: tuple[str, ...]
    target: str
    folders: tuple[str, ...]
    script: str = ""
    flash: int = 0
    ram: int = 0


PORTS = (
    Port(
        "stm32f4",
        ("STM32F4",),
        "cortex_m4",
        ("common", "cortex_m", "stm32f4"),
        script="cortex_m/cortex_m.ld",
        flash=0x0800_0000,
        ram=0x2000_0000,
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
        ("common", "riscv_virt", "riscv_virt/libc"),
        script="riscv_virt/riscv_virt.ld",
        flash=0x8000_0000,
        ram=0x8080_0000,
    ),
)
# What `virtual://…?engine=c` runs: a virtual board like the other one.
HOST = Port("virtual", (), "host", ("common", "host"))


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
        hint="Build a sketch for it: mcu build --sketch DIR.",
    )
