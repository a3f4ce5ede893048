"""Open a port by URL and carry bytes: few system calls, no waiting without an end, errors that name the cause."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import sys
import time
from pathlib import Path

import serial

from mcu.errors import BadInput, LinkError, PortError
from mcu.transport.owners import owners, process_name

DEFAULT_BAUD = 115200
_READ_BYTES = 65536
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
        url: a device path or COM name, or `virtual://BUNDLE`, or another URL that pyserial knows.
        baud: symbols per second of a real line; default 115200. A virtual board ignores it.
        timeout_s: how long to wait for a port that is not there yet or busy, as after a flash.
        even_parity: 8E1 instead of 8N1, which some ROM bootloaders want; a pty has no parity.

    Raises:
        PortError: it does not exist, is busy (with the owner, where the system tells), may not be opened.
        BadInput: a URL of an unknown kind.
        KerasTinyError: a virtual board that cannot start, with what its process found wrong.
    """
    if _HANDLERS not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(_HANDLERS)
    end = time.monotonic() + timeout_s
    while True:
        try:
            return Port(_open(url, baud=DEFAULT_BAUD if baud is None else baud, even_parity=even_parity))
        except serial.SerialException as error:
            if error.errno not in _GONE + _BUSY or time.monotonic() >= end:
                raise _explain(url, error) from None
        time.sleep(_RETRY_S)


class Port:
    """An open port. `open_port` makes it; a session owns it then, or `with` closes it.

    Args:
        device: of pyserial, open.
    """

    def __init__(self, device: serial.SerialBase):
        self._device = device
        self._is_descriptor = os.name == "posix" and isinstance(device, serial.Serial)
        if self._is_descriptor:
            self._fd: int = device.fileno()

    @property
    def name(self) -> str:
        """The URL."""
        return str(self._device.port)

    @property
    def line_bytes_per_s(self) -> float | None:
        """What the line carries at its baud rate, 8N1; None where there is no line."""
        return None if "://" in self.name else self._device.baudrate / 10

    @property
    def board_pid(self) -> int | None:
        """Process id of a virtual board; None for others."""
        return getattr(self._device, "board_pid", None)

    def read(self, *, timeout_s: float) -> bytes:
        """Everything that has arrived, at least one byte; empty if none came in `timeout_s`.

        Raises:
            PortError: the port went away.
        """
        try:
            if not self._is_descriptor:
                return self._read_portably(timeout_s)
            # select, not poll: that does not know terminals on macOS.
            if not select.select([self._fd], [], [], max(0.0, timeout_s))[0]:
                return b""
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone(error) from None
        if not data:  # a device that is ready to read and has nothing is not there any more
            raise self._gone(None)
        return data

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand over all of `data`; the system may still be sending it when this returns.

        Raises:
            PortError: the port went away.
            LinkError: the other end has taken nothing for `timeout_s`.
        """
        rest = memoryview(data)
        try:
            if not self._is_descriptor:
                self._device.write_timeout = timeout_s
                self._device.write(data)
                return
            while rest:
                try:
                    rest = rest[os.write(self._fd, rest) :]
                except BlockingIOError:
                    if not select.select([], [self._fd], [], timeout_s)[1]:
                        raise self._stalled(timeout_s) from None
        except serial.SerialTimeoutException:
            raise self._stalled(timeout_s) from None
        except OSError as error:
            raise self._gone(error) from None

    def close(self) -> None:
        """Give the port back; a virtual board ends with it. May be called twice."""
        self._device.close()

    def __enter__(self) -> Port:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_portably(self, timeout_s: float) -> bytes:
        self._device.timeout = max(0.0, timeout_s)
        first: bytes = self._device.read(1)
        waiting = self._device.in_waiting if first else 0
        return first + self._device.read(waiting) if waiting else first

    def _gone(self, error: OSError | None) -> PortError:
        because = getattr(self._device, "gone_because", str)() or (error and error.strerror) or "no more data"
        return PortError(
            f"{self.name}: the port went away in the middle of the work: {because}.",
            hint="Check the cable and the supply, then start again.",
        )

    def _stalled(self, timeout_s: float) -> LinkError:
        return LinkError(
            f"{self.name}: the board has taken no more bytes for {timeout_s:g} s.",
            hint="Reset the board, then start again.",
        )


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
