"""The serial ports of this computer, with the boards that enumerate like them. Nothing is opened."""

from __future__ import annotations

from dataclasses import dataclass

from mcu.boards import UsbId, load_boards

# USB-to-serial bridges say nothing about the chip behind them (docs/reference/boards.md).
BRIDGES: dict[UsbId, str] = {
    UsbId(0x10C4, 0xEA60): "Silicon Labs CP210x",
    UsbId(0x10C4, 0xEA70): "Silicon Labs CP2105",
    UsbId(0x1A86, 0x7523): "WCH CH340",
    UsbId(0x1A86, 0x55D3): "WCH CH343",
    UsbId(0x1A86, 0x55D4): "WCH CH9102",
    UsbId(0x0403, 0x6001): "FTDI FT232R",
    UsbId(0x0403, 0x6010): "FTDI FT2232",
    UsbId(0x0403, 0x6015): "FTDI FT231X",
}
PROBES: dict[UsbId, str] = {
    UsbId(0x0483, 0x3748): "ST-LINK/V2",
    UsbId(0x0483, 0x374B): "ST-LINK/V2-1",
    UsbId(0x0483, 0x3752): "ST-LINK/V2-1",
    UsbId(0x0483, 0x374E): "STLINK-V3",
    UsbId(0x0483, 0x374F): "STLINK-V3",
    UsbId(0x0483, 0x3753): "STLINK-V3",
    UsbId(0x0483, 0x3754): "STLINK-V3",
}


@dataclass(frozen=True)
class PortInfo:
    """A serial port of this computer.

    Attributes:
        usb: None for a port that is not on USB.
        boards: ids of the boards that enumerate like this.
    """

    port: str
    usb: UsbId | None
    description: str
    boards: tuple[str, ...]


def list_ports() -> tuple[PortInfo, ...]:
    """The serial ports of this computer, USB ones first; nothing is opened."""
    from serial.tools.list_ports import comports

    boards = load_boards().values()
    found = []
    for port in comports():
        usb = UsbId(port.vid, port.pid) if port.vid is not None and port.pid is not None else None
        named = tuple(board.id for board in boards if usb is not None and usb in board.usb)
        found.append(PortInfo(port.device, usb, _describe(usb, port.description or ""), named))
    return tuple(sorted(found, key=lambda info: (info.usb is None, info.port)))


def _describe(usb: UsbId | None, description: str) -> str:
    if usb is None:
        return description or "not on USB"
    return f"{usb} {PROBES.get(usb) or BRIDGES.get(usb) or description}".strip()
