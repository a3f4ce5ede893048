"""Open a session to the board that is meant, with the model that is meant, or say what was found instead."""

from __future__ import annotations

from mcu.boards import Board, get_board
from mcu.bundle import Bundle
from mcu.errors import BadInput, BoardError
from mcu.protocol.session import Session


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


def connect_board(bundle: Bundle, *, board: Board, port: str) -> Session:
    """A session with this board running this bundle's model; no data was sent yet. Close it, or use `with`.

    Raises:
        PortError: the port does not exist or is busy.
        LinkError: nobody answers in our protocol.
        BoardError: another board answers. WrongModel: it runs another model.
    """
    from mcu.transport import open_port

    session = Session.connect(open_port(port, baud=board.serial_baud))
    try:
        if session.identity.board != board.id:
            raise BoardError(
                f"{port} answers as '{session.identity.board}', '{board.id}' was asked for.",
                hint=f"Pass --board {session.identity.board}, or the port of the other board.",
            )
        session.require_model(sha256=bundle.manifest.model_sha256, crc32=bundle.manifest.model_crc32)
    except BaseException:
        session.close()
        raise
    return session


def board_named(board: str | Board) -> Board:
    """A board by id, or as it is."""
    return board if isinstance(board, Board) else get_board(board)
