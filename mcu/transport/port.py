"""An open port: few system calls, no waiting without an end, errors that name the cause."""

from __future__ import annotations

import os
import select

import serial

from mcu.errors import LinkError, PortError

_READ_BYTES = 65536


class PortGone(PortError):
    """A port that was open is there no more: the cable, the supply, or the board itself."""


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
    def baud(self) -> int | None:
        """Symbols per second of the line; None where they are of no importance or stay as they are."""
        return None if "://" in self.name else int(self._device.baudrate)

    def set_baud(self, baud: int) -> None:
        """Change the line's rate, after all that was written has been sent.

        Raises:
            PortError: this computer's end cannot.
        """
        try:
            self._device.flush()
            self._device.baudrate = baud
        except (OSError, ValueError) as error:
            raise PortError(
                f"{self.name} cannot be set to {baud} symbols per second: {error}.",
                hint="Choose a lower rate.",
            ) from None

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

    @property
    def can_reset_board(self) -> bool:
        """Whether `reset_board` can: of a board that this computer runs, virtual or emulated."""
        return hasattr(self._device, "reset_board")

    def reset_board(self) -> None:
        """Press the reset button of a virtual or emulated board; the port stays open.

        Raises:
            AttributeError: see `can_reset_board`.
        """
        self._device.reset_board()

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

    def _because(self) -> str:
        """Why the port went away, where what is behind it knows."""
        return str(getattr(self._device, "gone_because", str)())

    def _gone(self, error: OSError | None) -> PortError:
        because = self._because() or (error and error.strerror) or "no more data"
        return PortGone(
            f"{self.name}: the port went away in the middle of the work: {because}.",
            hint="Check the cable and the supply, then start again.",
        )

    def _stalled(self, timeout_s: float) -> LinkError:
        return LinkError(
            f"{self.name}: the board has taken no more bytes for {timeout_s:g} s.",
            hint="Reset the board, then start again.",
        )
