"""Frames and MLPerf Tiny's text on one line: the first byte after a zero chooses (docs/reference/mlperf_tiny.md)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from mcu.protocol.mlperf_model import MlperfModel
from mcu.protocol.mlperf_tiny import MlperfTiny
from mcu.virtual.board import BoardLink

_FIRST_PRINTABLE, _LAST_PRINTABLE = 0x20, 0x7E


class _Stretch(Enum):
    """What the bytes up to the next zero are."""

    NOISE = auto()  # nothing yet, or what neither protocol begins with
    FRAME = auto()
    TEXT = auto()


def share(make_link: Callable[[], BoardLink], model: MlperfModel) -> Callable[[], SharedLine]:
    """What makes boards → what makes boards with MLPerf Tiny's protocol beside theirs."""

    def make() -> SharedLine:
        link = make_link()
        return SharedLine(link, MlperfTiny(link.engine, model=model))

    return make


class SharedLine:
    """A device with both protocols: `feed` it what the host sends, send the host what it returns.

    While a host is connected by frames all bytes are frames, so that no damage to them is taken for text.

    Attributes:
        early: as of `BoardLink`.
    """

    def __init__(self, link: BoardLink, text: MlperfTiny):
        self._link = link
        self._text = text
        self._stretch = _Stretch.NOISE
        self._after_zero = False
        self._answer = bytearray()
        self.early: Callable[[bytes], None] | None = None
        link.early = self._send_early

    @property
    def wants_reset(self) -> bool:
        """The device is to start again as soon as what `feed` returned is sent."""
        return self._link.wants_reset

    def feed(self, data: bytes) -> bytes:
        """Everything the device answers to these bytes."""
        while data:
            head, zero, data = data.partition(b"\0")
            self._feed_stretch(head)
            if zero:
                self._answer += self._link.feed(zero)
                self._text.end_command()
                self._stretch, self._after_zero = _Stretch.NOISE, True
        answer = bytes(self._answer)
        self._answer.clear()
        return answer

    def _send_early(self, data: bytes) -> None:
        self._answer += data
        if self.early is not None:
            self.early(bytes(self._answer))
            self._answer.clear()

    def _feed_stretch(self, data: bytes) -> None:
        """Bytes without a zero: nobody connects or goes among them, since that takes a whole frame."""
        if self._link.connected:
            self._text.forget_results()
            self._stretch = _Stretch.FRAME
        noise = 0
        while self._stretch == _Stretch.NOISE and noise < len(data):
            self._stretch = self._choose(data[noise])
            noise += self._stretch == _Stretch.NOISE
        if self._stretch == _Stretch.TEXT:
            self._answer += self._link.feed(data[:noise])
            self._answer += self._text.feed(data[noise:])
        else:
            self._answer += self._link.feed(data)

    def _choose(self, byte: int) -> _Stretch:
        if _FIRST_PRINTABLE <= byte <= _LAST_PRINTABLE:
            return _Stretch.TEXT
        # Until a zero has come it is a line's noise at power-on. A frame's first byte is COBS's, and low.
        return _Stretch.FRAME if self._after_zero and byte < _FIRST_PRINTABLE else _Stretch.NOISE
