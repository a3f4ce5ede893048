"""Who the board is and which model it runs: the object IDENTITY (docs/reference/protocol.md, "Identity")."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from math import prod
from typing import Any

import numpy as np

from mcu.errors import LinkError
from mcu.tensor import TensorSpec

MAX_IDENTITY_BYTES = 65536


class Tag(IntEnum):
    """First byte of an entry. Unknown tags are skipped; INPUT and OUTPUT repeat, in the model's order."""

    BOARD = 0x01
    ENGINE = 0x02
    FIRMWARE = 0x03
    MODEL_SHA256 = 0x04
    MODEL_CRC32 = 0x05
    MODEL_BYTES = 0x06
    ARENA_BYTES = 0x07
    ARENA_USED_BYTES = 0x08
    CLOCK_HZ = 0x09
    BOOT_COUNT = 0x0A
    RESET_CAUSE = 0x0B
    INPUT = 0x10
    OUTPUT = 0x11


DTYPES = ("int8", "uint8", "int16", "int32", "float32")  # by their number on the wire
_TEXT = {Tag.BOARD, Tag.ENGINE, Tag.FIRMWARE}
_TENSOR = struct.Struct("<BBfi")  # dtype, rank, scale, zero point; then u32 per dimension, then the name
_MAX_RANK = 8


@dataclass(frozen=True)
class Identity:
    """What the board says of itself.

    Attributes:
        board: id, as in `mcu boards`.
        engine: "tflm", or "c" for the compiled engine.
        firmware: version of what runs on the board.
        model_sha256: of the .tflite file, 64 hexadecimal digits.
        model_crc32: computed by the device over the model's bytes at boot.
        arena_bytes, arena_used_bytes: working memory there is, and what the model takes of it; None if it does not say.
        clock_hz: of the processor; None if it does not say.
        reset_cause: text, empty if it does not say.
    """

    board: str
    engine: str
    firmware: str
    model_sha256: str
    model_crc32: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    model_bytes: int | None = None
    arena_bytes: int | None = None
    arena_used_bytes: int | None = None
    clock_hz: int | None = None
    boot_count: int | None = None
    reset_cause: str = ""

    def pack(self) -> bytes:
        """The object IDENTITY."""
        entries: list[tuple[Tag, bytes]] = [
            (Tag.BOARD, self.board.encode()),
            (Tag.ENGINE, self.engine.encode()),
            (Tag.FIRMWARE, self.firmware.encode()),
            (Tag.MODEL_SHA256, bytes.fromhex(self.model_sha256)),
        ]
        for tag, number in (
            (Tag.MODEL_CRC32, self.model_crc32),
            (Tag.MODEL_BYTES, self.model_bytes),
            (Tag.ARENA_BYTES, self.arena_bytes),
            (Tag.ARENA_USED_BYTES, self.arena_used_bytes),
            (Tag.CLOCK_HZ, self.clock_hz),
            (Tag.BOOT_COUNT, self.boot_count),
        ):
            if number is not None:
                entries.append((tag, struct.pack("<I", number)))
        if self.reset_cause:
            entries.append((Tag.RESET_CAUSE, self.reset_cause.encode()))
        entries += [(Tag.INPUT, _pack_tensor(spec)) for spec in self.inputs]
        entries += [(Tag.OUTPUT, _pack_tensor(spec)) for spec in self.outputs]
        return b"".join(struct.pack("BB", tag, len(value[:255])) + value[:255] for tag, value in entries)

    @classmethod
    def unpack(cls, block: bytes) -> Identity:
        """The object IDENTITY → who is there.

        Raises:
            LinkError: an entry is cut short, or one that must be there is missing.
        """
        values: dict[str, Any] = {}
        tensors: dict[Tag, list[TensorSpec]] = {Tag.INPUT: [], Tag.OUTPUT: []}
        for tag, value in _entries(block):
            if tag in tensors:
                tensors[Tag(tag)].append(_unpack_tensor(value))
            elif tag == Tag.MODEL_SHA256:
                values["model_sha256"] = value.hex()
            elif tag in _TEXT or tag == Tag.RESET_CAUSE:
                values[Tag(tag).name.lower()] = value.decode("utf-8", "replace")
            elif tag in Tag._value2member_map_:
                if len(value) != 4:
                    raise _malformed(f"{Tag(tag).name} has {len(value)} bytes instead of 4")
                values[Tag(tag).name.lower()] = int.from_bytes(value, "little")
        missing = {"board", "engine", "firmware", "model_sha256", "model_crc32"} - values.keys()
        if missing:
            raise _malformed(f"no {', '.join(sorted(missing))} in it")
        return cls(inputs=tuple(tensors[Tag.INPUT]), outputs=tuple(tensors[Tag.OUTPUT]), **values)


def _entries(block: bytes) -> list[tuple[int, bytes]]:
    entries, at = [], 0
    while at < len(block):
        value = block[at + 2 : at + 2 + block[at + 1]] if at + 1 < len(block) else b""
        if at + 1 >= len(block) or len(value) != block[at + 1]:
            raise _malformed(f"the entry at byte {at} is cut short")
        entries.append((block[at], value))
        at += 2 + len(value)
    return entries


def _pack_tensor(spec: TensorSpec) -> bytes:
    fixed = _TENSOR.pack(DTYPES.index(spec.dtype), len(spec.shape), spec.scale, spec.zero_point)
    return fixed + struct.pack(f"<{len(spec.shape)}I", *spec.shape) + spec.name.encode()


def _unpack_tensor(value: bytes) -> TensorSpec:
    if len(value) < _TENSOR.size:
        raise _malformed("a tensor's entry is cut short")
    dtype, rank, scale, zero_point = _TENSOR.unpack_from(value)
    name_at = _TENSOR.size + 4 * rank
    if dtype >= len(DTYPES) or rank > _MAX_RANK or len(value) < name_at or not 0 <= scale < np.inf:
        raise _malformed(f"a tensor of type {dtype}, rank {rank}, scale {scale}")
    shape = struct.unpack_from(f"<{rank}I", value, _TENSOR.size)
    if not 0 < prod(shape) < 1 << 31:
        raise _malformed(f"a tensor of shape {shape}")
    return TensorSpec(
        name=value[name_at:].decode("utf-8", "replace"),
        shape=shape,
        dtype=DTYPES[dtype],
        scale=scale,
        zero_point=zero_point,
    )


def _malformed(what: str) -> LinkError:
    return LinkError(f"The board's identity cannot be read: {what}.", hint="Flash firmware of this release.")
