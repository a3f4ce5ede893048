"""Masks in few bytes, packed or as runs: the Python twin of `kt_mask.h`, which says what each byte means.

Both forms hold classes 0 to 15. Packed takes a fixed share of the pixels; runs take what the picture needs, and never
more than one byte per pixel.
"""

from __future__ import annotations

import numpy as np

from mcu.errors import BadInput

PACKED_BITS = (1, 2, 4)
MOST_CLASSES = 16

# A run's first byte holds lengths 1 to 15 beside the class; 15 in its place says that the length follows.
_LONG = 15


class MaskError(BadInput):
    """Bytes that are no mask of that many pixels."""


def packed_bits(classes: int) -> int:
    """Bits per pixel that tell so many classes apart: 1, 2 or 4.

    Raises:
        BadInput: more than 16 classes.
    """
    for bits in PACKED_BITS:
        if classes <= 1 << bits:
            return bits
    raise BadInput(f"{classes} classes do not fit into a packed mask, which tells {MOST_CLASSES} apart.")


def pack(mask: np.ndarray, *, bits: int) -> bytes:
    """uint8 classes of any shape → pixel 0 in the lowest bits of byte 0; the last byte's spare bits are zero.

    Raises:
        MaskError: a class that does not fit.
    """
    _check_bits(bits)
    pixels = np.asarray(mask, np.uint8).ravel()
    if pixels.size and pixels.max() >= 1 << bits:
        raise MaskError(f"Class {pixels.max()} does not fit into {bits} bits.")
    per_byte = 8 // bits
    padded = np.zeros(-(-pixels.size // per_byte) * per_byte, np.uint8)
    padded[: pixels.size] = pixels
    shifts = np.arange(per_byte, dtype=np.uint8) * bits
    return np.bitwise_or.reduce(padded.reshape(-1, per_byte) << shifts, axis=1).astype(np.uint8).tobytes()


def unpack(packed: bytes, *, pixels: int, bits: int) -> np.ndarray:
    """The inverse of `pack`: uint8 (pixels,).

    Raises:
        MaskError: another number of bytes than so many pixels take, or spare bits that are not zero.
    """
    _check_bits(bits)
    per_byte = 8 // bits
    if len(packed) != -(-pixels // per_byte):
        raise MaskError(f"{len(packed)} bytes are not {pixels} pixels of {bits} bits.")
    shifts = np.arange(per_byte, dtype=np.uint8) * bits
    spread = (np.frombuffer(packed, np.uint8)[:, None] >> shifts & ((1 << bits) - 1)).ravel()
    if spread[pixels:].any():
        raise MaskError("The bits after the last pixel are not zero.")
    return spread[:pixels].copy()


def encode_runs(mask: np.ndarray) -> bytes:
    """uint8 classes of any shape, 0 to 15 → runs in the order of the pixels.

    A run is one byte, class in the low four bits and length - 1 in the high four, for lengths of 1 to 15. Longer ones
    have 15 there, and length - 16 follows, seven bits per byte, the lowest first, the high bit set in all bytes but
    the last (LEB128).

    Raises:
        MaskError: a class above 15.
    """
    pixels = np.asarray(mask, np.uint8).ravel()
    if not pixels.size:
        return b""
    if pixels.max() >= MOST_CLASSES:
        raise MaskError(f"Class {pixels.max()} does not fit into a run, which tells {MOST_CLASSES} apart.")
    starts = np.flatnonzero(np.concatenate([[True], pixels[1:] != pixels[:-1]]))
    lengths = np.diff(np.append(starts, pixels.size))
    runs = bytearray()
    for value, length in zip(pixels[starts].tolist(), lengths.tolist(), strict=True):
        if length <= _LONG:
            runs.append(value | length - 1 << 4)
            continue
        runs.append(value | _LONG << 4)
        rest = length - _LONG - 1
        while rest >= 0x80:
            runs.append(rest & 0x7F | 0x80)
            rest >>= 7
        runs.append(rest)
    return bytes(runs)


def decode_runs(runs: bytes, *, pixels: int) -> np.ndarray:
    """The inverse of `encode_runs`: uint8 (pixels,). Two runs of one class in a row are read, though never written.

    Raises:
        MaskError: a length that ends early or has more than 32 bits, or runs of more or fewer pixels.
    """
    mask = np.empty(pixels, np.uint8)
    at = done = 0
    while at < len(runs):
        token = runs[at]
        at += 1
        length = (token >> 4) + 1
        if token >> 4 == _LONG:
            rest = shift = 0
            while True:
                if at == len(runs) or shift > 28:
                    raise MaskError(f"The length of the run at byte {at} does not end.")
                byte = runs[at]
                at += 1
                rest |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            length = rest + _LONG + 1
        if length > pixels - done:
            raise MaskError(f"The runs hold more than {pixels} pixels.")
        mask[done : done + length] = token & 0x0F
        done += length
    if done != pixels:
        raise MaskError(f"The runs hold {done} pixels, not {pixels}.")
    return mask


def _check_bits(bits: int) -> None:
    if bits not in PACKED_BITS:
        raise BadInput(f"A packed mask has 1, 2 or 4 bits per pixel, received {bits}.")
