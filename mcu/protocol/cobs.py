"""Consistent Overhead Byte Stuffing, which removes every zero (Cheshire and Baker, IEEE/ACM ToN 7(2), 1999)."""

from __future__ import annotations

from cobs import cobs as _cobs

encode = _cobs.encode
"""bytes → bytes without 0x00, longer by one byte per started 254."""


class CobsError(ValueError):
    """Bytes that no COBS encoder produces."""


def decode(data: bytes) -> bytes:
    """The bytes that were encoded; `data` has no delimiter.

    Raises:
        CobsError: a zero inside, or a code byte that points past the end.
    """
    try:
        return _cobs.decode(data)
    except _cobs.DecodeError as error:
        raise CobsError(str(error)) from None


def max_encoded_bytes(length: int) -> int:
    """Bytes of the longest encoding of `length` bytes: one more per started 254, and at least one more."""
    return length + max(1, -(-length // 254))
