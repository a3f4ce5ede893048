"""A double behind a pty: for tests in a thread, for people as a command."""

from __future__ import annotations

import argparse
import os
import queue
import select
import signal
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from mcu.doubles.faults import Fault
from mcu.doubles.rom import Application, OnGo, RomDouble
from mcu.errors import ExitCode

_READ_BYTES = 65536


class OnPty:
    """Serves a double on a new pty, in a thread, from `with` on.

    Args:
        link: a symbolic link to the pty, for a name that stays; replaced if it is there, and gone with the port.

    Attributes:
        port: the device that clients open. Once it is unplugged, the next pty of any process may get this name.
    """

    def __init__(self, rom: RomDouble, *, link: Path | None = None):
        self.rom = rom
        self._board_fd, self._port_fd = os.openpty()
        tty.setraw(self._port_fd)
        os.set_blocking(self._board_fd, False)
        self.port = os.ttyname(self._port_fd)
        self._link = link
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(self.port)
        self._wake_read, self._wake_write = os.pipe()
        self._actions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=f"double on {self.port}", daemon=True)

    def __enter__(self) -> OnPty:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()
        if self.rom.application is not None:
            self.rom.application.close()

    def press_reset(self, *, bootloader: bool) -> None:
        """What a person does with the buttons, or a client with modem lines, which a pty does not have.

        Args:
            bootloader: the boot button is held; otherwise the application starts.
        """
        done = threading.Event()
        self._actions.put(self.rom.power_on if bootloader else self.rom.start)
        self._actions.put(done.set)
        os.write(self._wake_write, b"!")
        done.wait()

    def unplug(self) -> None:
        """The port goes away under whoever has it open. May be called twice."""
        if self._wake_write < 0:
            return
        os.close(self._wake_write)
        self._wake_write = -1
        self._thread.join()
        os.close(self._wake_read)
        self._take_port_away()

    def _take_port_away(self) -> None:
        if self._board_fd < 0:
            return
        if (
            self._link is not None
        ):  # first: the system gives the pty's own name to the next one that is opened
            self._link.unlink(missing_ok=True)
        os.close(self._board_fd)
        os.close(self._port_fd)
        self._board_fd = self._port_fd = -1

    def _serve(self) -> None:
        waiting = b""  # a pty takes 4 KiB; what does not fit waits here and not in a write that blocks
        while True:
            if not self.rom.plugged:
                self._take_port_away()
            if self._board_fd < 0:
                if not os.read(self._wake_read, 1):
                    return
                self._act()
                continue
            application = self.rom.application
            readers = [self._wake_read, self._board_fd, *([application.fileno()] if application else [])]
            ready, _, _ = select.select(readers, [self._board_fd] if waiting else [], [])
            if self._wake_read in ready:
                if not os.read(self._wake_read, 1):
                    return
                self._act()
                continue
            if self._board_fd in ready:
                heard = _read(self._board_fd)
                if application is not None:
                    os.write(application.fileno(), heard)
                else:
                    waiting += self.rom.feed(heard)
                    if not self.rom.plugged:
                        continue
            elif application is not None and application.fileno() in ready:
                said = _read(application.fileno())
                waiting += said
                if not said:  # it ended
                    application.close()
                    self.rom.application = None
            if waiting:
                waiting = waiting[_write(self._board_fd, waiting) :]

    def _act(self) -> None:
        while not self._actions.empty():
            self._actions.get()()


def serve_parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    """The options that all doubles have on the command line."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument(
        "--pty", type=Path, metavar="LINK", help="symbolic link to the pty, for a name that stays"
    )
    parser.add_argument(
        "--flash-image",
        type=Path,
        metavar="FILE",
        help="flash content: read at start, written at the end and at go",
    )
    parser.add_argument(
        "--fault",
        type=Fault.parse,
        action="append",
        default=[],
        metavar="KIND:N",
        help="see mcu/doubles/faults.py",
    )
    return parser


def serve_until_interrupted(rom: RomDouble, args: argparse.Namespace) -> int:
    """Serve on a pty and say where, until Ctrl-C."""
    image: Path | None = args.flash_image
    if image is not None and image.is_file():
        content = image.read_bytes()[: len(rom.flash)]
        rom.flash.content[: len(content)] = content
    if image is not None:
        rom.on_go = _saving(image, then=rom.on_go)
    with OnPty(rom, link=args.pty) as served:
        # A shell starts what runs in its background deaf to Ctrl-C: both signals are asked for.
        end = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: end.set())
        print(f"{type(rom).__name__} on {args.pty or served.port}; Ctrl-C ends it", flush=True)
        end.wait()
        if image is not None:
            _save(image, bytes(rom.flash.content))
    return ExitCode.INTERRUPTED


def _saving(image: Path, *, then: OnGo | None) -> OnGo:
    """`on_go` that keeps the flash content in a file first."""

    def go(content: bytes, address: int) -> Application | None:
        _save(image, content)
        return None if then is None else then(content, address)

    return go


def _save(image: Path, content: bytes) -> None:
    image.write_bytes(content)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _READ_BYTES)
    except (BlockingIOError, ConnectionError):
        return b""


def _write(descriptor: int, data: bytes) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0
