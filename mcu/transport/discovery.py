"""The serial ports of this computer, with the boards that enumerate like them. Nothing is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

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

Comports = Callable[[], Iterable[Any]]
"""pyserial's `comports`, or what a test has in its place."""


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


@dataclass(frozen=True)
class Device:
    """A USB device as it is known again: by its serial number, or without one by the socket it is plugged into."""

    usb: UsbId
    serial_number: str
    location: str


def device_at(port: str, *, comports: Comports | None = None) -> Device | None:
    """The USB device behind a port; None if there is none, or nothing tells it from another one."""
    for info in _comports(comports):
        if info.device == port and info.vid is not None and info.pid is not None:
            device = Device(UsbId(info.vid, info.pid), info.serial_number or "", info.location or "")
            return device if device.serial_number or device.location else None
    return None


def port_of(device: Device, *, comports: Comports | None = None) -> str | None:
    """The port that this device has now, whatever its name; None while it is not plugged in."""
    for info in _comports(comports):
        if info.vid is None or UsbId(info.vid, info.pid) != device.usb:
            continue
        if device.serial_number:
            same = info.serial_number == device.serial_number
        else:
            same = info.location == device.location
        if same:
            return str(info.device)
    return None


def _comports(given: Comports | None) -> Iterable[Any]:
    if given is not None:
        return given()
    from serial.tools.list_ports import comports

    found: Iterable[Any] = comports()
    return found


def _describe(usb: UsbId | None, description: str) -> str:
    if usb is None:
        return description or "not on USB"
    return f"{usb} {PROBES.get(usb) or BRIDGES.get(usb) or description}".strip()
