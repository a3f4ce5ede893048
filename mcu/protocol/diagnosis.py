"""Why nobody answers HELLO, told from the bytes that did arrive."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.errors import LinkError
from mcu.protocol.frame import Frame
from mcu.protocol.messages import FROM_DEVICE

_STM32_ROM_ACK, _STM32_ROM_NACK = 0x79, 0x1F  # ST AN3155
_TEXT_SHARE = 0.9


def diagnose(*, port: str, heard: bytes, frames: Sequence[Frame], waited_s: float) -> LinkError:
    """The error to raise when HELLO got no answer.

    Args:
        port: its name, for the message.
        heard: raw bytes received since the port was opened.
        frames: the intact ones among them.
    """
    what = f"{port}: no answer to HELLO in {waited_s:.1f} s"
    if not heard:
        return LinkError(
            f"{what}, and not one byte came.",
            hint="Is the board powered, flashed (`mcu flash`) and out of its bootloader? Is this its port?",
        )
    if frames and not any(frame.type & FROM_DEVICE for frame in frames):
        return LinkError(
            f"{what}; the port sends back what it gets.", hint="Are RX and TX connected to each other?"
        )
    if frames:
        return LinkError(
            f"{what}; {len(frames)} intact frames came, none of them the answer.",
            hint="The board is busy with an earlier request; wait for it or reset it.",
        )
    if set(heard) <= {_STM32_ROM_ACK, _STM32_ROM_NACK}:
        return LinkError(
            f"{what}; the STM32 ROM bootloader answers.", hint="Set BOOT0 low and reset the board."
        )
    start = heard[:40]
    if sum(32 <= byte < 127 or byte in b"\r\n\t\x1b" for byte in heard) >= _TEXT_SHARE * len(heard):
        return LinkError(
            f"{what}; the board sends text: {start.decode('ascii', 'replace')!r}.",
            hint="Another program runs on it; flash ours with `mcu flash`.",
        )
    return LinkError(
        f"{what}; {len(heard)} bytes came, no intact frame among them: {start.hex(' ')}.",
        hint="Another baud rate than the board's gives this; try --baud. So does another program on it.",
    )
