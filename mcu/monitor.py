"""What a board says while nobody asks: its text line by line, its frames in words. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mcu.protocol.frame import DELIMITER, Frame, decode_frame
from mcu.protocol.messages import NO_COUNT, Error, MalformedMessage, Result, Type
from mcu.transport import Port

_LONGEST_LINE_BYTES = 4096
_WAIT_S = 0.1
_SHADES = " .:-=+*#%@"  # dark to bright, on a dark terminal


@dataclass(frozen=True)
class Said:
    """One line of the monitor.

    Attributes:
        kind: "text", "frame", "picture" (several lines), or "noise" (bytes that are none of them).
    """

    kind: str
    line: str


class Listener:
    """Cuts what arrives into lines of text and frames; never raises, whatever arrives."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Said]:
        """What `data` completes: text at its line's end, a frame at its delimiter."""
        said = []
        *pieces, self._rest = (self._rest + data).split(DELIMITER)
        for piece in pieces:
            # Text may stand right in front of a frame's first delimiter, but never inside of a frame.
            frame = decode_frame(piece) if piece else None
            said += [Said("frame", describe(frame))] if frame is not None else _lines(piece)
        # A line that is not text may be the first part of a frame: it waits for a delimiter.
        while b"\n" in self._rest and _text(line := self._rest.partition(b"\n")[0]) is not None:
            self._rest = self._rest[len(line) + 1 :]
            said += _lines(line)
        if len(self._rest) > _LONGEST_LINE_BYTES:
            said += _lines(self._rest)
            self._rest = b""
        return said


def watch(port: Port) -> Iterator[Said]:
    """Everything that the board says, until the port goes away.

    Raises:
        PortError: it did.
    """
    listener = Listener()
    while True:
        data = port.read(timeout_s=_WAIT_S)
        if data:
            yield from listener.feed(data)


def describe(frame: Frame) -> str:
    """A frame in words: results with their time, errors with their text, others by name."""
    name = Type(frame.type).name if frame.type in Type._value2member_map_ else f"type {frame.type:#04x}"
    try:
        if frame.type == Type.RESULT:
            return f"{name} {_result(Result.unpack(frame.payload))}"
        if frame.type == Type.ERROR:
            error = Error.unpack(frame.payload)
            text = error.data.decode("utf-8", "replace")
            return f"{name} class {error.error_class}, code {error.code}: {text}"
    except MalformedMessage:
        return f"{name}, too short"
    return f"{name}, {len(frame.payload)} bytes"


def _result(result: Result) -> str:
    if result.status:
        return f"request {result.request}: failed, class {result.status}, code {result.code}"
    counted = "" if result.instructions == NO_COUNT else f", {result.instructions:,} instructions"
    return f"request {result.request}: {result.latency_us:,} us{counted}"


def _lines(piece: bytes) -> list[Said]:
    found = []
    for line in piece.split(b"\n"):
        text = _text(line)
        if text is None:
            found.append(Said("noise", line[:32].hex(" ")))
        elif text:
            picture = draw(text)
            found.append(Said("text", text) if picture is None else Said("picture", picture))
    return found


def draw(line: str) -> str | None:
    """The camera demo's `preview WIDTH HEIGHT HEX` as lines of shades; None for any other line.

    A character of a terminal is twice as high as wide: it stands for two pixels, one above the other.
    """
    words = line.split(" ")
    if len(words) != 4 or words[0] != "preview" or not (words[1] + words[2]).isascii():
        return None
    if not (words[1].isdigit() and words[2].isdigit()):
        return None
    width, height = int(words[1]), int(words[2])
    try:
        pixels = bytes.fromhex(words[3])
    except ValueError:
        return None
    if not width or len(pixels) != width * height:
        return None
    rows = [pixels[at : at + width] for at in range(0, len(pixels), width)]
    pairs = zip(rows[::2], rows[1::2] + rows[-1:], strict=False)
    return "\n".join(
        "".join(_SHADES[(above + below) * len(_SHADES) // 512] for above, below in zip(*pair, strict=True))
        for pair in pairs
    )


def _text(line: bytes) -> str | None:
    """A line of text without its end; None if it is none."""
    try:
        text = line.rstrip(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(character.isprintable() or character in "\t\x1b" for character in text) else None
