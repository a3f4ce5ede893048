"""Firmware for a double to start: the living definition of the device side, under another board's name."""

from __future__ import annotations

import socket
import threading

from mcu.bundle import Bundle
from mcu.protocol.frame import VERSION
from mcu.protocol.identity import Identity
from mcu.tflm import TflmInterpreter
from mcu.virtual.board import BoardLink, LinkLimits


class Firmware:
    """The device side of the link on a socket, as a double starts it: `on_go` of a double.

    Args:
        bundle: whose model runs.
        board: what it says it is.
        version: what it says of the build.
        crc32: of the model's bytes in its flash; default: the right one.
        protocol: the version of the link that it speaks, and no other.
        engine: "tflm" for firmware that could take a model of its own.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        board: str,
        version: str,
        crc32: int | None = None,
        protocol: int = VERSION,
        engine: str = "c",
    ):
        desk = TflmInterpreter(bundle.model_bytes)
        identity = Identity(
            board=board,
            engine=engine,
            firmware=version,
            model_sha256=bundle.manifest.model_sha256,
            model_crc32=bundle.manifest.model_crc32 if crc32 is None else crc32,
            inputs=desk.inputs,
            outputs=desk.outputs,
        )
        limits = LinkLimits(version_min=protocol, version_max=protocol)
        self._board = BoardLink(desk, identity=identity, session=77, limits=limits)
        self.started: list[tuple[bytes, int]] = []

    def __call__(self, flash: bytes, address: int) -> socket.socket:
        self.started.append((flash, address))
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(ours,), daemon=True).start()
        return theirs

    def _serve(self, line: socket.socket) -> None:
        with line:
            while heard := line.recv(65536):
                line.sendall(self._board.feed(heard))
