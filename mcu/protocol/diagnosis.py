"""Why nobody answers HELLO, told from the bytes that did arrive."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from mcu.errors import LinkError
from mcu.protocol.frame import Frame
from mcu.protocol.messages import FROM_DEVICE

_STM32_ROM_ACK, _STM32_ROM_NACK = 0x79, 0x1F  # ST AN3155
_TEXT_SHARE = 0.9
_SHOWN_BYTES = 40


class Cause(Enum):
    """What is at the other end instead of a board that answers."""

    SILENCE = "silence"
    ECHO = "echo"
    BUSY = "busy"
    STM32_ROM = "stm32_rom"
    ESP_ROM = "esp_rom"
    NO_FIRMWARE = "no_firmware"
    MLPERF_TINY = "mlperf_tiny"
    TEXT = "text"
    NOISE = "noise"


class NoAnswer(LinkError):
    """HELLO got no answer.

    Attributes:
        cause: what was found instead.
    """

    def __init__(self, message: str, *, hint: str, cause: Cause):
        super().__init__(message, hint=hint)
        self.cause = cause


# What programs say of themselves: the ROM of every ESP32 on its first lines (esp-idf, "Boot Mode Message" and
# "Application Startup Flow"), MLPerf Tiny's reference at its prompt.
_SAYINGS: tuple[tuple[bytes, Cause, str, str], ...] = (
    (
        b"waiting for download",
        Cause.ESP_ROM,
        "the ESP's ROM bootloader waits for a download",
        "Release BOOT, then press reset; or flash it with `mcu flash`.",
    ),
    (
        b"invalid header: 0xffffffff",
        Cause.NO_FIRMWARE,
        "the ESP's flash is empty",
        "Flash it with `mcu flash`.",
    ),
    (
        b"m-ready",
        Cause.MLPERF_TINY,
        "firmware with MLPerf Tiny's protocol alone answers",
        "Flash ours with `mcu flash`; it speaks both.",
    ),
)


def diagnose(*, port: str, heard: bytes, frames: Sequence[Frame], waited_s: float) -> NoAnswer:
    """The error to raise when HELLO got no answer.

    Args:
        port: its name, for the message.
        heard: raw bytes received since the port was opened.
        frames: the intact ones among them.
    """
    cause, found, hint = _find(heard, frames)
    return NoAnswer(f"{port}: no answer to HELLO in {waited_s:.1f} s{found}.", hint=hint, cause=cause)


def _find(heard: bytes, frames: Sequence[Frame]) -> tuple[Cause, str, str]:
    """The cause, the end of a sentence about it, what to try."""
    if not heard:
        found = ", and not one byte came"
        hint = "Is the board powered, flashed (`mcu flash`) and out of its bootloader? Is this its port?"
        return Cause.SILENCE, found, hint
    if frames and not any(frame.type & FROM_DEVICE for frame in frames):
        return Cause.ECHO, "; the port sends back what it gets", "Are RX and TX connected to each other?"
    if frames:
        found = f"; {len(frames)} intact frames came, none of them the answer"
        return Cause.BUSY, found, "The board is busy with an earlier request; wait for it or reset it."
    if set(heard) <= {_STM32_ROM_ACK, _STM32_ROM_NACK}:
        found = "; the STM32 ROM bootloader answers"
        return Cause.STM32_ROM, found, "Set BOOT0 low and reset the board."
    for saying, cause, words, hint in _SAYINGS:
        if saying in heard:
            return cause, f"; {words}", hint
    start = heard[:_SHOWN_BYTES]
    if sum(32 <= byte < 127 or byte in b"\r\n\t\x1b" for byte in heard) >= _TEXT_SHARE * len(heard):
        found = f"; the board sends text: {start.decode('ascii', 'replace')!r}"
        return Cause.TEXT, found, "Another program runs on it; flash ours with `mcu flash`."
    found = f"; {len(heard)} bytes came, no intact frame among them: {start.hex(' ')}"
    hint = "Another baud rate than the board's gives this. So does another program on it."
    return Cause.NOISE, found, hint
