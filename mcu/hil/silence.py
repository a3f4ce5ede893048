"""Nobody answers on a real line: look whether the board is there at another baud rate, or its ROM in its place."""

from __future__ import annotations

from mcu.errors import BoardError, LinkError
from mcu.protocol.baud import LADDER
from mcu.protocol.diagnosis import Cause, NoAnswer
from mcu.protocol.session import Session
from mcu.transport import open_port

# What people set; a bridge that cannot do one of them is as silent as at any wrong one.
_BAUDS = (*LADDER, 230_400, 115_200, 1_000_000, 57_600, 9_600)
_HELLO_S = 0.3
# A rate that differs makes noise of frames, or nothing at all of them.
_PERHAPS_BAUD = (Cause.SILENCE, Cause.NOISE, Cause.TEXT)


def lead_back(*, port: str, baud: int) -> int | None:
    """Find a board that a killed host has left at a raised rate: the goodbye sends it back to its first one.

    Args:
        port: a device of this computer, closed.
        baud: of that first rate.

    Returns:
        The rate at which it was found; None if it was not.
    """
    return _other_baud(port, baud=baud)


def explain_silence(error: NoAnswer, *, port: str, baud: int, ask_roms: bool = False) -> NoAnswer:
    """The same error with what could be found out; the port must be closed, and is again afterwards.

    Args:
        port: a device of this computer.
        baud: at which nobody answered.
        ask_roms: open it once more and ask the ROM bootloaders, which resets ESP boards.
    """
    if error.cause in _PERHAPS_BAUD and (found := _other_baud(port, baud=baud)):
        error.message += f" At {found} baud the board answers; {baud} was tried."
        error.hint = f"Reset it, so that it starts at {baud} baud again, or flash it with `mcu flash`."
    elif ask_roms and (said := _rom(port)):
        error.message += f" {said}"
        error.hint = "Flash it with `mcu flash`, or set its boot pin for the application and reset it."
    return error


def _other_baud(port: str, *, baud: int) -> int | None:
    """At which other rate our firmware answers."""
    for other in _BAUDS:
        if other == baud:
            continue
        try:
            with Session.connect(open_port(port, baud=other), timeout_s=_HELLO_S):
                return other
        except LinkError:
            continue
        except BoardError:  # the port is gone, or taken by somebody else meanwhile
            return None
    return None


def _rom(port: str) -> str:
    """What a ROM bootloader on this port says of itself; empty if none answers."""
    from mcu.flash.find import ask
    from mcu.transport.discovery import list_ports

    usb = next((info.usb for info in list_ports() if info.port == port), None)
    try:
        there = ask(port, usb=usb)
    except BoardError:
        return ""
    return there.detail if there.kind in ("stm32_rom", "esp_rom") else ""
