"""Which board is meant, and on which port: USB identities make candidates, firmware and ROMs say who is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcu.boards import Board, UsbId, load_boards
from mcu.errors import BadInput, BoardError, LinkError
from mcu.flash.an3155 import Rom, RomTrouble
from mcu.protocol.session import Session
from mcu.transport import open_port
from mcu.transport.discovery import PROBES, PortInfo, list_ports

_HELLO_S = 1.0
ListPorts = Callable[[], Sequence[PortInfo]]


@dataclass(frozen=True)
class Found:
    """The board that is meant, and its port: a device, or a URL that starts the board."""

    board: Board
    port: str


@dataclass(frozen=True)
class Somebody:
    """Who answers on a port.

    Attributes:
        kind: "firmware" (ours), "esp_rom", "stm32_rom", "silent" or "stranger".
        boards: ids of the boards that it can be.
        detail: for people.
    """

    kind: str
    boards: tuple[str, ...]
    detail: str


def find_board(
    board: Board | None, *, port: str | None, bundle: Path, ports: ListPorts = list_ports
) -> Found:
    """The board and the port that are meant.

    Args:
        board: asked for; None: what answers on `port`, or on the only port with a board that is known.
        port: asked for; None: the only one whose USB identity fits.
        bundle: what a virtual board opens.

    Raises:
        BadInput: no port fits, or several do, or it cannot be told which board is there.
        PortError: the port cannot be opened to ask who is there.
    """
    if board is not None and board.flash.method == "virtual":
        from mcu.transport.urls.protocol_virtual import virtual_url

        return Found(board, port or virtual_url(bundle))
    if board is not None and board.flash.method == "qemu" and port is None:
        from mcu.transport.urls.protocol_qemu import qemu_url

        return Found(board, qemu_url(bundle, board=board.id))
    if board is not None:
        return Found(board, port or _only_port(board, ports()))
    if port is None:
        port = _only_usb_port(ports())
    there = ask(port, usb=next((info.usb for info in ports() if info.port == port), None))
    if len(there.boards) != 1:
        choice = f" It can be: {', '.join(there.boards)}." if there.boards else ""
        raise BadInput(
            f"Which board is on {port}? {there.detail}{choice}",
            hint=f"Pass --board, e.g. --board {there.boards[0] if there.boards else 'nucleo_f446re'}.",
        )
    return Found(load_boards()[there.boards[0]], port)


def ask(port: str, *, usb: UsbId | None, may_reset: bool = True) -> Somebody:
    """Ask our firmware, then the ROMs that can be behind this USB identity.

    Args:
        may_reset: asking an ESP's ROM resets the board.

    Raises:
        PortError: the port cannot be opened.
        MissingExtra: esptool would be needed to ask.
    """
    boards = load_boards()
    # The STM32 ROM first: any other first byte than its own would set it to a wrong baud rate until reset.
    rom_id = _stm32_rom(port)
    if rom_id is not None:
        alike = tuple(
            b.id for b in boards.values() if b.chip.startswith("STM32") and b.flash.rom_id == rom_id
        )
        return Somebody(
            "stm32_rom", _also_by_usb(alike, boards, usb), f"An STM32 ROM answers, id {rom_id:#05x}."
        )
    try:
        with Session.connect(open_port(port), timeout_s=_HELLO_S) as session:
            identity = session.identity
        known = (identity.board,) if identity.board in boards else ()
        return Somebody(
            "firmware", known, f"Our firmware {identity.firmware} for '{identity.board}' answers."
        )
    except LinkError as error:
        heard = error.message
    if may_reset and usb not in PROBES:
        from mcu.flash.esptool_flasher import ask_chip

        try:
            chip = ask_chip(port)
        except BoardError:
            chip = None
        if chip is not None:
            alike = tuple(b.id for b in boards.values() if b.chip == chip)
            return Somebody("esp_rom", _also_by_usb(alike, boards, usb), f"An {chip} ROM answers.")
    by_usb = tuple(b.id for b in boards.values() if usb is not None and usb in b.usb)
    return Somebody("silent", by_usb, heard)


def _stm32_rom(port: str) -> int | None:
    with open_port(port, even_parity=True) as stream:
        rom = Rom(stream, reply_s=0.3)
        try:
            return rom.product_id() if rom.answers() else None
        except RomTrouble:
            return None


def stm32_rom_answers(port: str) -> bool:
    """Whether an STM32 ROM listens on this port; it stays ready for commands."""
    with open_port(port, even_parity=True) as stream:
        return Rom(stream).answers()


def _also_by_usb(alike: tuple[str, ...], boards: dict[str, Board], usb: UsbId | None) -> tuple[str, ...]:
    """Of boards with the same chip those that enumerate like this; all of them if none does."""
    return tuple(name for name in alike if usb is not None and usb in boards[name].usb) or alike


def _only_port(board: Board, ports: Sequence[PortInfo]) -> str:
    fitting = [info for info in ports if board.id in info.boards]
    if len(fitting) == 1:
        return fitting[0].port
    if fitting:
        listed = ", ".join(f"{info.port} ({info.description})" for info in fitting)
        raise BadInput(
            f"{len(fitting)} ports can be '{board.id}': {listed}.", hint="Say which one with --port."
        )
    seen = ", ".join(f"{info.port} ({info.description})" for info in ports if info.usb) or "none"
    raise BadInput(
        f"No '{board.id}' ({', '.join(map(str, board.usb)) or 'no USB identity'}) on any port; USB ports seen: {seen}.",
        hint="Is it plugged in, with a cable that carries data? Or pass --port.",
    )


def _only_usb_port(ports: Sequence[PortInfo]) -> str:
    candidates = [info for info in ports if info.boards]
    if len(candidates) == 1:
        return candidates[0].port
    if candidates:
        listed = ", ".join(f"{info.port} ({info.description})" for info in candidates)
        raise BadInput(
            f"{len(candidates)} boards are plugged in: {listed}.", hint="Say which one with --port."
        )
    raise BadInput(
        "No board is plugged in: no port has a USB identity that is known.",
        hint="Name one with --board and --port; `mcu boards` lists those that need no hardware, too.",
    )
