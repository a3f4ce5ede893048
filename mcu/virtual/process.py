"""The virtual board's process: TensorFlow Lite Micro on a bundle's model, the link on a pty."""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import pty
import secrets
import select
import signal
import sys
import tty
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mcu.bundle import read_manifest
from mcu.errors import ExitCode, KerasTinyError
from mcu.model_file import model_bytes_of
from mcu.protocol.crc import crc32
from mcu.protocol.frame import MAX_PAYLOAD_BYTES
from mcu.protocol.identity import Identity
from mcu.protocol.messages import Feature
from mcu.protocol.mlperf_model import MlperfModel
from mcu.tflm import TflmInterpreter
from mcu.virtual.board import BoardLink, LinkLimits
from mcu.virtual.reset import ResetPressed, obey_reset_button
from mcu.virtual.shared_line import SharedLine, share

BOARD_ID = "virtual"
ENGINES = ("tflm", "c")
_READ_BYTES = 65536
# A computer has memory: the longest frames, and a window that takes a picture of 96x96x3 in one go.
_LIMITS = LinkLimits(
    max_payload_bytes=MAX_PAYLOAD_BYTES,
    window_bytes=1 << 16,
    features=Feature.HASH_ONLY | Feature.LOG | Feature.OVERLAP,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the board until it is interrupted, or until stdin closes with `--child`."""
    parser = argparse.ArgumentParser(prog="python -m mcu.virtual", description=__doc__)
    parser.add_argument("bundle", type=Path, help="a bundle, or a .tflite file")
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="tflm, or c: the firmware's own C"
    )
    parser.add_argument(
        "--mlperf", metavar="ID", help="the model's id for MLPerf Tiny's runner, e.g. ic01; default: its name"
    )
    parser.add_argument("--arena", type=int, metavar="BYTES", help="the model's memory; default: plenty")
    parser.add_argument(
        "--child",
        action="store_true",
        help="started by a program: say the port as JSON on stdout, end when stdin closes",
    )
    args = parser.parse_args(argv)
    try:
        personality = MlperfModel(args.mlperf) if args.mlperf else MlperfModel.named(_name(args.bundle))
        if args.engine == "c":
            from mcu.virtual.compiled import compiled_board

            run = compiled_board(model_bytes_of(args.bundle), mlperf=personality)
        else:
            run = partial(serve, share(board_maker(args.bundle, arena_bytes=args.arena), personality))
    except KerasTinyError as error:
        if args.child:
            fields = {"kind": type(error).__name__, "error": error.message, "hint": error.hint}
            print(json.dumps(fields), flush=True)
        else:
            print(error, file=sys.stderr)
        return error.exit_code
    obey_reset_button()
    # This process keeps the other end open too: without it, reading fails whenever no host has the port open.
    board_fd, port_fd = pty.openpty()
    tty.setraw(port_fd)
    os.set_blocking(board_fd, False)
    port = os.ttyname(port_fd)
    if args.child:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host, which then says goodbye
        print(json.dumps({"port": port}), flush=True)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads the pipe from here on
    else:
        print(f"virtual board with {args.bundle} on {port}; Ctrl-C ends it", flush=True)
    try:
        run(fd=board_fd, stop_fd=sys.stdin.fileno() if args.child else None)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE


def load_board(path: Path, *, arena_bytes: int | None = None) -> BoardLink:
    """A board with a bundle's model, or a .tflite file's, just after power-on; see `board_maker`."""
    return board_maker(path, arena_bytes=arena_bytes)()


def board_maker(path: Path, *, arena_bytes: int | None = None) -> Callable[[], BoardLink]:
    """What makes a board with a bundle's model, or a .tflite file's: at power-on first, then at every reset.

    Raises:
        BundleError, ModelFileError: the bundle or the model is damaged.
        BadInput: there is no such file, or the arena is too small.
        MissingExtra: TensorFlow Lite Micro is not installed.
    """
    model_bytes = model_bytes_of(path)
    engine = TflmInterpreter(model_bytes, arena_bytes=arena_bytes)
    boots = itertools.count(1)
    power_on = Identity(
        board=BOARD_ID,
        engine="tflm",
        firmware=_own_version(),
        model_sha256=hashlib.sha256(model_bytes).hexdigest(),
        model_crc32=crc32(model_bytes),
        model_bytes=len(model_bytes),
        arena_bytes=engine.arena_bytes,
        inputs=engine.inputs,
        outputs=engine.outputs,
    )

    def make() -> BoardLink:
        boot = next(boots)
        cause = "power-on" if boot == 1 else "reset button"
        identity = replace(power_on, boot_count=boot, reset_cause=cause)
        return BoardLink(engine, identity=identity, session=1 + secrets.randbelow(0xFFFF), limits=_LIMITS)

    return make


def _name(path: Path) -> str:
    return path.stem if path.is_file() or path.suffix == ".tflite" else read_manifest(path).name


def serve(make_board: Callable[[], SharedLine], *, fd: int, stop_fd: int | None) -> None:
    """Carry bytes between a non-blocking descriptor and the board until `stop_fd` is closed at its other end."""
    while True:
        try:
            _serve_until_stopped(make_board(), fd=fd, stop_fd=stop_fd)
            return
        except ResetPressed:
            continue


def _serve_until_stopped(board: SharedLine, *, fd: int, stop_fd: int | None) -> None:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if stop_fd is not None:
        poll.register(stop_fd, select.POLLIN)
    answer = bytearray()

    def send(data: bytes) -> None:
        answer.extend(data)
        del answer[: _write_some(fd, answer)]

    board.early = send
    while True:
        ready = dict(poll.poll())
        if stop_fd in ready and not os.read(stop_fd, _READ_BYTES):
            return
        if fd not in ready:
            continue
        send(board.feed(_read_all(fd)))
        if board.wants_reset and not answer:
            raise ResetPressed  # by the host
        # What does not fit waits here and not in a blocking write: the host may be waiting to write as well.
        poll.modify(fd, select.POLLIN | select.POLLOUT if answer else select.POLLIN)


def _read_all(fd: int) -> bytes:
    parts = []
    try:
        while part := os.read(fd, _READ_BYTES):
            parts.append(part)
    except BlockingIOError:
        pass
    return b"".join(parts)


def _write_some(fd: int, data: bytearray) -> int:
    try:
        return os.write(fd, data) if data else 0
    except BlockingIOError:
        return 0


def _own_version() -> str:
    try:
        return version("keras-tiny")
    except PackageNotFoundError:
        return "unknown"
