"""A board at a USB port that can be pulled out, in the middle of a frame too, and comes back under another name."""

from __future__ import annotations

import contextlib
import os
import random
import select
import termios
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol

_READ_BYTES = 65536
_TICK_S = 0.02


class Board(Protocol):
    """What hangs on the cable: `mcu.virtual.board.BoardLink`, or anything that answers bytes with bytes."""

    def feed(self, data: bytes) -> bytes: ...


class UsbCable:
    """Serves a board on a pty, in a thread, from `with` on.

    Args:
        power_on: makes the board, once for each time that it is plugged in without a supply of its own.
        link: a symbolic link to the pty, as udev keeps one by a device's serial number.
        own_supply: the board lives on while it is unplugged.
        baud: of the board, unless it has a `BaudRate` of its own; at any other rate each side hears noise. None: any
            rate will do, as on native USB.

    Attributes:
        board: the one that is powered.
        ports: every device name that the port has had, the present one last.
        unplugged_at: when it was pulled last, by time.monotonic().
    """

    def __init__(
        self, power_on: Callable[[], Board], *, link: Path, own_supply: bool = False, baud: int | None = None
    ):
        self._power_on = power_on
        self._link = link
        self._own_supply = own_supply
        self._baud = baud
        self._noise = random.Random(0)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake_write = -1
        self._left: float = float("inf")
        self.board = power_on()
        self.ports: list[str] = []
        self.unplugged_at = 0.0

    @property
    def port(self) -> str:
        """Its name that stays."""
        return str(self._link)

    def __enter__(self) -> UsbCable:
        self.plug_in()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()

    def unplug_after(self, count: int) -> None:
        """Pull the cable when so many more bytes have gone over it, both directions together."""
        with self._lock:
            self._left = count

    def plug_in(self) -> None:
        """The port appears, with a device name that it has not had right before."""
        assert self._thread is None, "it is plugged in"
        board_fd, port_fd = os.openpty()
        if self.ports and os.ttyname(port_fd) == self.ports[-1]:
            # The system gives the lowest free name; a device that is plugged in again often gets another.
            again = os.openpty()
            os.close(board_fd)
            os.close(port_fd)
            board_fd, port_fd = again
        tty.setraw(port_fd)
        os.set_blocking(board_fd, False)
        self.ports.append(os.ttyname(port_fd))
        wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(
            target=self._serve,
            args=(board_fd, port_fd, wake_read),
            name=f"board on {self.ports[-1]}",
            daemon=True,
        )
        self._thread.start()
        self._point_link_to(self.ports[-1])

    def unplug(self) -> None:
        """The port goes away under whoever has it open. May be called twice."""
        if self._thread is None:
            return
        os.close(self._wake_write)
        self._thread.join()
        self._thread = None
        if not self._own_supply:
            self.board = self._power_on()

    def wait_until_unplugged(self, *, timeout_s: float) -> bool:
        """Whether `unplug_after` has pulled it; the way is clear for `plug_in` then."""
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        self.unplug()
        return True

    def _serve(self, board_fd: int, port_fd: int, wake_read: int) -> None:
        answer = b""
        try:
            while True:
                writers = [board_fd] if answer else []
                rate = getattr(self.board, "baud", None)
                tick_s = _TICK_S if rate is not None and rate.is_tried else None
                ready, writable, _ = select.select([board_fd, wake_read], writers, [], tick_s)
                if rate is not None:
                    rate.tick(now_ns=time.perf_counter_ns())
                if wake_read in ready:
                    return
                if board_fd in ready:
                    heard = self._as_sampled(self._carry(_read(board_fd)), port_fd)
                    answer += self._answer(heard, port_fd)
                if answer and (writable or board_fd in ready):
                    answer = answer[self._send(board_fd, answer) :]
                if self._left <= 0:
                    return
        finally:
            self._left = float("inf")
            self.unplugged_at = time.monotonic()
            self._link.unlink(missing_ok=True)  # before its pty's name is free for others
            for descriptor in (board_fd, port_fd, wake_read):
                os.close(descriptor)

    def _answer(self, heard: bytes, port_fd: int) -> bytes:
        """What the board says, at the rate that it had when it was asked: it changes behind its answer."""
        matches = self._same_rate(port_fd)
        said = self.board.feed(heard)
        return said if matches else self._noise.randbytes(len(said))

    def _as_sampled(self, data: bytes, port_fd: int) -> bytes:
        """The bytes as a receiver takes them that samples at its own rate."""
        return data if self._same_rate(port_fd) else self._noise.randbytes(len(data))

    def _same_rate(self, port_fd: int) -> bool:
        rate = getattr(self.board, "baud", None)
        baud = self._baud if rate is None else rate.rate
        return baud is None or termios.tcgetattr(port_fd)[4] == getattr(termios, f"B{baud}")

    def _carry(self, data: bytes) -> bytes:
        """What of it gets over the cable before it is pulled."""
        with self._lock:
            passing = data[: int(min(len(data), max(0, self._left)))]
            self._left -= len(passing)
        return passing

    def _send(self, descriptor: int, data: bytes) -> int:
        """How many bytes the port has taken."""
        with self._lock:
            passing = data[: int(min(len(data), max(0, self._left)))]
            sent = 0
            with contextlib.suppress(BlockingIOError):
                sent = os.write(descriptor, passing) if passing else 0
            self._left -= sent
        return sent

    def _point_link_to(self, device: str) -> None:
        beside = self._link.with_name(f"{self._link.name}.new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(device)
        beside.replace(self._link)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _READ_BYTES)
    except (BlockingIOError, OSError):
        return b""
