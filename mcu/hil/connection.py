"""Open a session to the board that is meant, with the model that is meant, or say what was found instead."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from mcu.boards import Board, get_board
from mcu.bundle import Bundle
from mcu.errors import BadInput, BoardError
from mcu.hil.lasting import LastingSession, Notice
from mcu.hil.silence import explain_silence, lead_back
from mcu.protocol.diagnosis import NoAnswer
from mcu.protocol.session import Session, random_nonce
from mcu.protocol.stats import LinkStats
from mcu.transport import Port, PortOpener, open_port
from mcu.transport.recording import RecordingOpener
from mcu.transport.replay import SCHEME, ReplayOpener


def port_of(bundle: Bundle, board: Board, port: str | None) -> str:
    """The port's URL: as given, or that of a board which needs none: virtual or emulated.

    Raises:
        BadInput: a board of silicon without a port.
    """
    if port:
        return port
    if board.flash.method == "virtual":
        from mcu.transport.urls.protocol_virtual import virtual_url

        return virtual_url(bundle.path)
    if board.flash.method == "qemu":
        from mcu.transport.urls.protocol_qemu import qemu_url

        return qemu_url(bundle.path, board=board.id)
    raise BadInput(
        f"The board '{board.id}' needs a port.",
        hint="Pass --port, e.g. --port /dev/ttyACM0; `mcu ports` lists them.",
    )


def connect_board(
    bundle: Bundle, *, board: Board, port: str, timeout_s: float = 5.0, ask_roms: bool = False
) -> Session:
    """A session with this board running this bundle's model; no data was sent yet. Close it, or use `with`.

    Args:
        timeout_s: to wait for the board's answer.
        ask_roms: if nobody answers, ask the ROM bootloaders too, which resets ESP boards.

    Raises:
        PortError: the port does not exist or is busy.
        LinkError: nobody answers in our protocol, with what was found instead.
        BoardError: another board answers. WrongModel: it runs another model.
    """
    opened = open_port(port, baud=board.serial_baud)
    try:
        return greet_board(opened, bundle, board=board, timeout_s=timeout_s)
    except NoAnswer as error:
        if "://" in port:
            raise
        raise explain_silence(error, port=port, baud=board.serial_baud, ask_roms=ask_roms) from None


def lasting_session(
    bundle: Bundle,
    *,
    board: Board,
    port: str,
    opener: PortOpener,
    wait_s: float,
    notice: Notice | None = None,
    before: LinkStats | None = None,
    ask_roms: bool = False,
) -> LastingSession:
    """As `connect_board`, and connected again after the board was unplugged or reset (mcu/hil/lasting.py).

    Args:
        opener: of the port; its clock is the session's.
    """
    greet = partial(greet_board, bundle=bundle, board=board, clock=opener.clock, nonce=opener.nonce)
    is_line = "://" not in port
    try:
        return LastingSession(
            opener,
            greet,
            wait_s=wait_s,
            notice=notice,
            before=before,
            lead_back=partial(lead_back, port=port, baud=board.serial_baud) if is_line else lambda: None,
        )
    except NoAnswer as error:
        if not is_line:
            raise
        raise explain_silence(error, port=port, baud=board.serial_baud, ask_roms=ask_roms) from None


def greet_board(
    port: Port,
    bundle: Bundle,
    *,
    board: Board,
    timeout_s: float = 5.0,
    clock: Callable[[], float] = time.monotonic,
    nonce: Callable[[], int] = random_nonce,
) -> Session:
    """A session over an open port; closed with it if it is not the board, or not the model, that is meant.

    Raises:
        LinkError, BoardError, WrongModel: see `connect_board`.
    """
    session = Session.connect(port, timeout_s=timeout_s, clock=clock, nonce=nonce)
    try:
        if session.identity.board != board.id:
            raise BoardError(
                f"{port.name} answers as '{session.identity.board}', '{board.id}' was asked for.",
                hint=f"Pass --board {session.identity.board}, or the port of the other board.",
            )
        session.require_model(sha256=bundle.manifest.model_sha256, crc32=bundle.manifest.model_crc32)
        session.raise_baud()
    except BaseException:
        session.close()
        raise
    return session


@dataclass(frozen=True)
class Wire:
    """What a run goes over, and what its record says of that; of a replay, what the recorded run said.

    Attributes:
        opener: of the port.
        port, command, created: for the record.
    """

    opener: PortOpener
    port: str
    command: str
    created: str


def wire_of(url: str, *, board: Board, record: Path | None, command: str, created: str) -> Wire:
    """The port, recorded if `record` names a file; or a recording, for `replay://FILE`.

    Raises:
        BadInput: faults that cannot be; a recording that cannot be read or written.
    """
    if url.startswith(SCHEME):
        replay = ReplayOpener(Path(unquote(url[len(SCHEME) :])))
        return Wire(replay, **{key: replay.head.get(key, "") for key in ("port", "command", "created")})
    opener = PortOpener(url, baud=board.serial_baud)
    if record is not None:
        head = {"port": url, "command": command, "created": created}
        opener = RecordingOpener(url, baud=board.serial_baud, path=record, head=head)
    return Wire(opener, url, command, created)


def board_named(board: str | Board) -> Board:
    """A board by id, or as it is."""
    return board if isinstance(board, Board) else get_board(board)
