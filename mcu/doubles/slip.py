"""SLIP framing (RFC 1055), as Espressif's serial protocol uses it."""

from __future__ import annotations

END, ESCAPE, ESCAPED_END, ESCAPED_ESCAPE = 0xC0, 0xDB, 0xDC, 0xDD


def encode(packet: bytes) -> bytes:
    """A packet between two delimiters."""
    escaped = packet.replace(bytes([ESCAPE]), bytes([ESCAPE, ESCAPED_ESCAPE]))
    escaped = escaped.replace(bytes([END]), bytes([ESCAPE, ESCAPED_END]))
    return bytes([END]) + escaped + bytes([END])


class Decoder:
    """Takes bytes one by one; what is damaged or outside of delimiters is dropped."""

    def __init__(self) -> None:
        self._packet: bytearray | None = None
        self._escape = False

    def feed(self, byte: int) -> bytes | None:
        """The packet that this byte ends, or None."""
        if byte == END:
            packet, self._packet, self._escape = self._packet, bytearray(), False
            return bytes(packet) if packet else None
        if self._packet is None:
            return None
        if self._escape:
            self._escape = False
            if byte not in (ESCAPED_END, ESCAPED_ESCAPE):
                self._packet = None
                return None
            self._packet.append(END if byte == ESCAPED_END else ESCAPE)
        elif byte == ESCAPE:
            self._escape = True
        else:
            self._packet.append(byte)
        return None
