"""CRC-32 of frames, identities and results: reflected, polynomial 0x04C11DB7, as in IEEE 802.3 and zlib."""

from __future__ import annotations

import zlib

CRC_BYTES = 4


def crc32(data: bytes | bytearray | memoryview, *, start: int = 0) -> int:
    """CRC-32 of `data`; `start` continues from the CRC of what came before. `crc32(b"123456789")` is 0xCBF43926."""
    return zlib.crc32(data, start)
