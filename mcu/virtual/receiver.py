"""Puts chunks of one input tensor in their places and knows which are there: an offset and 32 bits, as on the wire."""

from __future__ import annotations

from mcu.protocol.errors import ParamCode
from mcu.protocol.messages import SACK_CHUNKS


class BadChunk(ValueError):
    """A chunk that is none of this tensor's.

    Attributes:
        code, arg: for ERROR.
    """

    def __init__(self, message: str, *, code: ParamCode, arg: int):
        super().__init__(message)
        self.code = code
        self.arg = arg


class TensorReceiver:
    """One tensor that arrives in chunks, in any order within 32 chunks, each perhaps more than once.

    Args:
        size: bytes of the tensor.
        chunk_bytes: of every chunk but the last.

    Attributes:
        buffer: the tensor's bytes.
        next_offset: every byte before it is here.
        sack: bit i: the chunk at `next_offset + (i + 1) * chunk_bytes` is here.
    """

    def __init__(self, *, size: int, chunk_bytes: int):
        self._chunk_bytes = chunk_bytes
        self.buffer = bytearray(size)
        self.next_offset = 0
        self.sack = 0

    @property
    def complete(self) -> bool:
        return self.next_offset >= len(self.buffer)

    def put(self, offset: int, data: bytes | memoryview) -> bool:
        """Take a chunk in; True if it was the one that comes next and nothing is missing before or behind it.

        Raises:
            BadChunk: no chunk of this tensor begins there or is that long.
        """
        if offset % self._chunk_bytes or offset >= len(self.buffer):
            raise BadChunk(f"no chunk begins at {offset}", code=ParamCode.BAD_OFFSET, arg=offset)
        expected = min(self._chunk_bytes, len(self.buffer) - offset)
        if len(data) != expected:
            raise BadChunk(
                f"{len(data)} bytes at {offset}, not {expected}", code=ParamCode.BAD_LENGTH, arg=len(data)
            )
        if offset < self.next_offset:
            return False
        ahead = (offset - self.next_offset) // self._chunk_bytes
        if ahead > SACK_CHUNKS:
            return False
        self.buffer[offset : offset + expected] = data
        if ahead:
            self.sack |= 1 << (ahead - 1)
            return False
        in_order = self.sack == 0
        self.next_offset += expected
        while self.sack & 1:
            self.sack >>= 1
            self.next_offset += self._chunk_bytes
        self.sack >>= 1
        self.next_offset = min(self.next_offset, len(self.buffer))
        return in_order
