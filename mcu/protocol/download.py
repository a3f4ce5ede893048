"""The host's side of an object on its way down: CHUNKs into one buffer, FETCH for those that got lost."""

from __future__ import annotations

from mcu.protocol.crc import crc32
from mcu.protocol.messages import Chunk, Fetch


class Download:
    """Collects an object whose length and CRC-32 are known.

    Args:
        request, object: as FETCH and CHUNK name it.
        size: bytes of the object.
        crc: CRC-32 of the object.
        start: its first bytes, where they came with the announcement.
    """

    def __init__(self, *, request: int, object: int, size: int, crc: int, start: bytes = b""):
        self._request = request
        self._object = object
        self._crc = crc
        self._buffer = bytearray(start[:size]) + bytearray(size - len(start[:size]))
        self._gaps = [(len(start), size)] if len(start) < size else []  # [begin, end), ascending
        self._asked_before = len(
            start
        )  # gaps before this offset have been asked for, or were given up by the device

    @property
    def complete(self) -> bool:
        """Every byte is here; whether they are right says `intact`."""
        return not self._gaps

    @property
    def missing_bytes(self) -> int:
        return sum(end - begin for begin, end in self._gaps)

    @property
    def intact(self) -> bool:
        return crc32(self._buffer) == self._crc

    @property
    def data(self) -> bytes:
        return bytes(self._buffer)

    def add(self, chunk: Chunk) -> list[Fetch]:
        """Put a chunk in its place; the answer asks for what it shows to be lost.

        A chunk of another object, or one that does not fit, changes nothing.
        """
        begin, end = chunk.offset, chunk.offset + len(chunk.data)
        if (chunk.request, chunk.object) != (self._request, self._object) or end > len(self._buffer):
            return []
        self._buffer[begin:end] = chunk.data
        self._gaps = [
            piece
            for gap in self._gaps
            for piece in ((gap[0], min(gap[1], begin)), (max(gap[0], end), gap[1]))
            if piece[0] < piece[1]
        ]
        # Chunks come in order: a gap before this one will not fill by itself.
        lost = [(a, min(b, begin)) for a, b in self._gaps if a < begin and b > self._asked_before]
        self._asked_before = max(self._asked_before, end)
        return [self._fetch(a, b) for a, b in lost]

    def missing(self) -> list[Fetch]:
        """Everything that is not here yet."""
        return [self._fetch(begin, end) for begin, end in self._gaps]

    def _fetch(self, begin: int, end: int) -> Fetch:
        return Fetch(self._request, self._object, begin, end - begin)
