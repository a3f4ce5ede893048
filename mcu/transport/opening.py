"""Open a port by URL, for this process alone, once or again after it went away."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
import time
from pathlib import Path

import serial

from mcu.errors import BadInput, PortError
from mcu.transport.discovery import Comports, Device, device_at, port_of
from mcu.transport.faults import split_faults
from mcu.transport.faulty_port import FaultyLine, FaultyPort, Unplugged
from mcu.transport.owners import owners, process_name
from mcu.transport.port import Port

DEFAULT_BAUD = 115200
_RETRY_S = 0.1
_HANDLERS = "mcu.transport.urls"
_GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO)
_BUSY = (errno.EBUSY, errno.EAGAIN)
_FORBIDDEN = (errno.EACCES, errno.EPERM)


def open_port(
    url: str, *, baud: int | None = None, timeout_s: float = 0.0, even_parity: bool = False
) -> Port:
    """Open a port for this process alone, with DTR and RTS low so that no board is reset by it.

    Args:
        url: a device path or COM name, or `virtual://BUNDLE`, or another URL that pyserial knows; with
            `?faults=…` (`&faults=…` behind other options) its line misbehaves (mcu/transport/faults.py).
        baud: symbols per second of a real line; default 115200. A virtual board ignores it.
        timeout_s: how long to wait for a port that is not there yet or busy, as after a flash.
        even_parity: 8E1 instead of 8N1, which some ROM bootloaders want; a pty has no parity.

    Raises:
        PortError: it does not exist, is busy (with the owner, where the system tells), may not be opened.
        BadInput: a URL of an unknown kind; faults that cannot be.
        KerasTinyError: a virtual board that cannot start, with what its process found wrong.
    """
    return PortOpener(url, baud=baud, even_parity=even_parity).open(timeout_s=timeout_s)


class PortOpener:
    """Opens one port, as often as it takes: under another name too, if the USB device behind it comes back with one.

    Its faults go on where they were at the last opening.

    Args:
        url, baud, even_parity: as `open_port` takes them.
        comports: the ports of this computer, as pyserial lists them.

    Raises:
        BadInput: faults that cannot be.
    """

    def __init__(
        self,
        url: str,
        *,
        baud: int | None = None,
        even_parity: bool = False,
        comports: Comports | None = None,
    ):
        self._url, faults = split_faults(url)
        self._comports = comports
        self._device: Device | None = None  # behind the port, from the first opening on
        self._baud = DEFAULT_BAUD if baud is None else baud
        self._even_parity = even_parity
        self._line = None if faults is None else FaultyLine(faults)

    def open(self, *, timeout_s: float = 0.0) -> Port:
        """See `open_port`."""
        if _HANDLERS not in serial.protocol_handler_packages:
            serial.protocol_handler_packages.append(_HANDLERS)
        end = time.monotonic() + timeout_s
        while True:
            try:
                return self._open_once()
            except serial.SerialException as error:
                if error.errno not in _GONE + _BUSY or time.monotonic() >= end:
                    raise _explain(self._url, error) from None
            except Unplugged:
                if time.monotonic() >= end:
                    raise
            time.sleep(_RETRY_S)

    def clock(self) -> float:
        """Seconds, monotonic, as sessions over this port see them: a replay has those of its recording."""
        return time.perf_counter()

    def nonce(self) -> int:
        """32 random bits that tell a connection from the ones before; a replay has those of its recording."""
        return secrets.randbits(32)

    def has_other_rate(self, port: Port) -> bool:
        """Whether the rate of this port's line is not the one that it is opened with."""
        return port.baud not in (None, self._baud)

    def close(self) -> None:
        """Nothing more will be opened."""

    def _open_once(self) -> Port:
        if self._line is not None:
            self._line.require_plugged(self._url)
        url = self._url
        if self._device is not None:
            url = port_of(self._device, comports=self._comports) or url
        device = _open(url, baud=self._baud, even_parity=self._even_parity)
        if self._device is None and "://" not in url:
            self._device = device_at(url, comports=self._comports)
        return Port(device) if self._line is None else FaultyPort(device, self._line)


def _open(url: str, *, baud: int, even_parity: bool) -> serial.SerialBase:
    try:
        device = serial.serial_for_url(url, do_not_open=True, baudrate=baud)
    except ValueError as error:
        raise BadInput(
            f"'{url}' is no port: {error}.", hint="Give a device such as /dev/ttyUSB0, or virtual://BUNDLE."
        ) from None
    # Before opening: on many boards DTR and RTS are wired to reset and to the boot pin.
    device.dtr = False
    device.rts = False
    if even_parity and not _is_pty(url):  # Linux refuses parity on a pty
        device.parity = serial.PARITY_EVEN
    if os.name == "posix":
        device.exclusive = True
    device.open()
    # FTDI chips hold small answers back for 16 ms unless told otherwise; a pty and other systems know no such mode.
    with contextlib.suppress(AttributeError, NotImplementedError, OSError, ValueError):
        device.set_low_latency_mode(True)
    return device


def _is_pty(url: str) -> bool:
    try:
        return os.name == "posix" and os.path.realpath(url).startswith(("/dev/pts/", "/dev/ttys"))
    except OSError:
        return False


def _explain(url: str, error: serial.SerialException) -> PortError:
    """pyserial's error → what a person can do about it."""
    if error.errno in _GONE or (sys.platform == "win32" and "FileNotFoundError" in str(error)):
        return PortError(f"There is no port {url}.", hint=f"Ports on this computer: {_ports_here()}.")
    if error.errno in _BUSY:
        holders = [f"process {pid} ({process_name(pid)})" for pid in owners(url)]
        return PortError(
            f"{url} is busy: {' and '.join(holders) or 'another process'} has it open.",
            hint="End it, or choose another port.",
        )
    if error.errno in _FORBIDDEN or (sys.platform == "win32" and "PermissionError" in str(error)):
        return PortError(f"{url} may not be opened by this user.", hint=_permission_hint(url))
    return PortError(f"{url} cannot be opened: {error}.", hint="Is it a serial port?")


def _ports_here() -> str:
    from serial.tools.list_ports import comports

    return ", ".join(sorted(port.device for port in comports())) or "none"


def _permission_hint(url: str) -> str:
    if os.name != "posix":
        return "Close the program that has it open."
    import grp

    try:
        group = grp.getgrgid(Path(url).stat().st_gid).gr_name
    except (OSError, KeyError):
        group = "dialout"
    return f"Join the group that owns it: sudo usermod -aG {group} $USER, then log in again."
