"""Who answers on a board's port: before a write, to skip it; after a write, to prove that it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcu.boards import Board, get_board
from mcu.bundle import Bundle
from mcu.errors import BadInput, BoardError, LinkError, WrongModel
from mcu.flash.image import Image
from mcu.flash.written import VerifyFailed, WrongChip
from mcu.protocol.identity import Identity
from mcu.protocol.session import Session
from mcu.transport import open_port

_BEFORE_S = 0.5  # firmware that is there answers at once; a ROM or an empty chip never does
_ANOTHER_ENGINE = (
    "A model of its own is for firmware of `mcu build --sketch --engine tflm`; upload that first."
)
_MODEL_NOT_TAKEN = (
    "The firmware there looks for no model in that part of flash: it is no hil_runner of this release, or its "
    "partition table is another. Upload a new sketch of `mcu build --sketch --engine tflm`."
)
_AFTER_S = 8.0  # reset, boot messages and start of the model on the slowest boards


@dataclass(frozen=True)
class Greeting:
    """What the firmware on a board said of itself."""

    identity: Identity

    def runs(self, image: Image, bundle: Bundle) -> bool:
        """Whether it is this very image: the build's name, the engine, the model and the model's bytes in flash.

        A model alone is recognised whatever the build; firmware whose builder gave it no name never is.
        """
        identity, manifest = self.identity, bundle.manifest
        named = image.model_alone or (image.firmware != "" and image.firmware == identity.firmware)
        return named and (
            (identity.engine, identity.model_sha256, identity.model_crc32)
            == (image.engine, manifest.model_sha256, manifest.model_crc32)
        )

    def check_takes_another_model(self, bundle: Bundle) -> None:
        """Before a model alone is written.

        Raises:
            BadInput: the firmware there has its model in its own code.
            DoesNotFit: its arena is too small for this model.
        """
        from mcu.firmware.builder import DoesNotFit

        identity, manifest = self.identity, bundle.manifest
        if identity.engine != "tflm":
            raise BadInput(
                f"The firmware on '{identity.board}' is of the engine '{identity.engine}': its model is a part of it.",
                hint="Flash without --model-only, or upload a sketch of `mcu build --sketch --engine tflm` first.",
            )
        needed_bytes = manifest.arena_bytes_32bit or manifest.arena_bytes or 0
        if identity.arena_bytes is not None and needed_bytes > identity.arena_bytes:
            raise DoesNotFit(
                f"'{manifest.name}' needs an arena of {needed_bytes:,} bytes; "
                f"the firmware on '{identity.board}' has {identity.arena_bytes:,}.",
                hint=f"Build its sketch again with --arena-bytes {needed_bytes}.",
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
        try:
            session.require_model(sha256=manifest.model_sha256, crc32=manifest.model_crc32)
        except WrongModel as error:
            if image is not None and image.model_alone:
                error.hint = _MODEL_NOT_TAKEN
            raise
        if image is not None and identity.engine != image.engine:
            raise VerifyFailed(
                f"{port}: firmware of the engine '{identity.engine}' answers; '{image.engine}' was flashed.",
                hint=_ANOTHER_ENGINE
                if image.model_alone
                else "Reset the board; does it start what was written?",
            )
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
