"""Who answers on a board's port: before a write, to skip it; after a write, to prove that it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcu.boards import Board, get_board
from mcu.bundle import Bundle
from mcu.errors import BadInput, BoardError, LinkError
from mcu.flash.image import Image
from mcu.flash.written import VerifyFailed, WrongChip
from mcu.protocol.identity import Identity
from mcu.protocol.session import Session
from mcu.transport import open_port

_BEFORE_S = 0.5  # firmware that is there answers at once; a ROM or an empty chip never does
_AFTER_S = 8.0  # reset, boot messages and start of the model on the slowest boards


@dataclass(frozen=True)
class Greeting:
    """What the firmware on a board said of itself."""

    identity: Identity

    def runs(self, image: Image, bundle: Bundle) -> bool:
        """Whether it is this very image: the build's name, the engine, the model and the model's bytes in flash.

        An image whose builder gave it no name is never recognised.
        """
        identity, manifest = self.identity, bundle.manifest
        return bool(image.firmware) and (
            (identity.firmware, identity.engine, identity.model_sha256, identity.model_crc32)
            == (image.firmware, image.engine, manifest.model_sha256, manifest.model_crc32)
        )


def greet(port: str, *, board: Board) -> Greeting | None:
    """Ask the firmware on the board who it is; None if none answers, or one of another protocol version.

    Raises:
        PortError: the port does not exist, is busy, or may not be opened.
        WrongChip: it is firmware for a board with another chip; nothing was sent but the greeting.
    """
    stream = open_port(port, baud=board.serial_baud)
    try:
        with Session.connect(stream, timeout_s=_BEFORE_S) as session:
            identity = session.identity
    except (
        LinkError
    ):  # silence, a ROM, other firmware, or ours of another version: all are for the flasher to replace
        return None
    if identity.board == board.id:
        return Greeting(identity)
    try:
        there = get_board(identity.board)
    except BadInput:  # a board of somebody else's table; its chip is for the ROM to say
        return None
    if there.flash.rom_id == board.flash.rom_id:
        return None  # the same chip with firmware for its sister board
    raise WrongChip(
        f"{port} answers as '{there.id}' ({there.chip}); '{board.id}' ({board.chip}) was asked for.",
        hint=f"Pass --board {there.id}, or the port of the other board.",
    )


def golden_vectors(
    port: str, *, board: Board, bundle: Bundle, image: Image | None, just_written: bool
) -> None:
    """Greet the firmware, check that it is the one that was flashed, and hold every golden vector to it.

    Args:
        image: None where firmware and model are no image (the virtual board).
        just_written: the board is starting; wait for it.

    Raises:
        LinkError, PortError: nobody answers.
        BoardError: another board's firmware. WrongModel: another model, or damaged bytes of the right one.
        VerifyFailed: another build than the image, or a golden vector comes out wrong.
    """
    stream = open_port(port, baud=board.serial_baud, timeout_s=_AFTER_S if just_written else 0.0)
    with Session.connect(stream, timeout_s=_AFTER_S) as session:
        identity, manifest = session.identity, bundle.manifest
        if identity.board != board.id:
            raise BoardError(f"{port} answers as '{identity.board}', '{board.id}' was flashed.")
        session.require_model(sha256=manifest.model_sha256, crc32=manifest.model_crc32)
        if image is not None and image.firmware and identity.firmware != image.firmware:
            raise VerifyFailed(
                f"{port}: firmware '{identity.firmware}' answers, '{image.firmware}' was flashed.",
                hint="Does the board start from where the image was written? Reset it.",
            )
        _hold_to_golden(session, bundle, port=port)


def _hold_to_golden(session: Session, bundle: Bundle, *, port: str) -> None:
    sizes = [spec.nbytes for spec in bundle.manifest.inputs]
    splits = np.cumsum(sizes)[:-1]
    wrong = []
    for index, (given, expected) in enumerate(zip(bundle.golden_inputs, bundle.golden_outputs, strict=True)):
        tensors = np.split(given.reshape(-1), splits)
        answer = b"".join(session.infer([tensor.tobytes() for tensor in tensors]).outputs)
        if answer != expected.tobytes():
            wrong.append(index)
    if wrong:
        raise VerifyFailed(
            f"{port}: {len(wrong)} of {len(bundle.golden_inputs)} golden vectors come out wrong, first {wrong[0]}.",
            hint="Compare byte by byte with `mcu validate`.",
        )
