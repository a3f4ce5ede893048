"""What frames carry: types, layouts and their limits (docs/reference/protocol.md, "Messages"). All little endian.

Layouts change with the protocol version only, except those that hold in every version.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import ClassVar, TypeVar

from mcu.errors import LinkError


class Type(IntEnum):
    """Five bits of the header: up to 0x0F to the device, from 0x10 on from it; an answer is the request + 0x10.

    Those without a layout here, in control.py or in fault.py are reserved.
    """

    HELLO = 0x01
    FETCH = 0x02
    DATA = 0x03
    INVOKE = 0x04
    BYE = 0x05
    PING = 0x06
    SET_BAUD = 0x07
    GET_STATS = 0x08
    RESET = 0x09
    BOOTLOADER = 0x0A
    READ_TENSOR = 0x0B
    HELLO_ACK = 0x11
    CHUNK = 0x12
    ACK = 0x13
    RESULT = 0x14
    BYE_ACK = 0x15
    PONG = 0x16
    BAUD_ACK = 0x17
    STATS = 0x18
    NAK = 0x19
    ERROR = 0x1A
    CREDIT = 0x1B
    PROFILE = 0x1C
    LOG = 0x1D
    FAULT = 0x1E
    EVENT = 0x1F


FROM_DEVICE = 0x10  # the bit that every type from the device has


class Feature(IntFlag):
    """Bits of HELLO and HELLO_ACK; a connection uses those that both ends set."""

    OVERLAP = 1 << 0
    HASH_ONLY = 1 << 1
    PROFILE = 1 << 2
    READ_TENSOR = 1 << 3
    SET_BAUD = 1 << 4
    LOG = 1 << 5
    MASK = 1 << 6


class Object(IntEnum):
    """What FETCH asks for and CHUNK carries."""

    RESULT = 0  # the output tensors of one request, one after another
    IDENTITY = 1
    PROFILE = 2  # what each operator took in one request
    MASK = 3  # the class of each pixel, packed, in the place of the result
    MASK_RUNS = 4  # the same as runs


class InvokeFlag(IntFlag):
    """Bits of INVOKE; a device ignores those of features that it does not have."""

    PROFILE = 1 << 0
    HASH_ONLY = 1 << 1  # RESULT without data and without CHUNKs, if the model has run


class NakReason(IntEnum):
    """Why something must be sent again."""

    DAMAGED = 1  # what followed frame `last_seq` was not a frame
    INCOMPLETE = 2  # INVOKE came before the bytes of this tensor


NO_COUNT = 0xFFFF_FFFF_FFFF_FFFF  # in RESULT: this device does not count instructions
SACK_CHUNKS = 32
M = TypeVar("M", bound="Message")


class MalformedMessage(LinkError):
    """An intact frame whose payload is shorter than its type's fixed part."""


@dataclass(frozen=True, slots=True)
class Message:
    """A fixed part of integers, as `layout` says, in the order of the fields."""

    frame_type: ClassVar[Type]
    layout: ClassVar[struct.Struct] = struct.Struct("<")

    def pack(self) -> bytes:
        """The payload of a frame."""
        return self.layout.pack(*(getattr(self, field.name) for field in fields(self)))

    @classmethod
    def unpack(cls: type[M], payload: bytes) -> M:
        """The message in a payload.

        Raises:
            MalformedMessage: the payload is too short.
        """
        cls._check(payload)
        return cls(*cls.layout.unpack_from(payload))

    @classmethod
    def _check(cls, payload: bytes) -> None:
        if len(payload) < cls.layout.size:
            raise MalformedMessage(
                f"A {cls.frame_type.name} came with {len(payload)} payload bytes; it has at least {cls.layout.size}.",
                hint="Flash firmware of this release.",
            )


@dataclass(frozen=True, slots=True)
class TailedMessage(Message):
    """A fixed part, then `data`: bytes up to the end of the payload."""

    def pack(self) -> bytes:
        *fixed, tail = (getattr(self, field.name) for field in fields(self))
        return self.layout.pack(*fixed) + tail

    @classmethod
    def unpack(cls: type[M], payload: bytes) -> M:
        cls._check(payload)
        return cls(*cls.layout.unpack_from(payload), payload[cls.layout.size :])  # type: ignore[call-arg]


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """Host → device: begin a connection, forget the one before. Its layout holds in every version."""

    frame_type = Type.HELLO
    layout = struct.Struct("<BBHII")
    version_min: int
    version_max: int
    max_payload_bytes: int
    nonce: int
    features: int = 0


@dataclass(frozen=True, slots=True)
class HelloAck(Message):
    """The terms of the connection. Its layout holds in every version.

    Attributes:
        max_payload_bytes: the smaller one of both ends.
        nonce: of the HELLO that this answers.
        window_bytes: how far DATA may run ahead of what the device has confirmed.
        identity_bytes, identity_crc32: of the object IDENTITY, to be fetched.
    """

    frame_type = Type.HELLO_ACK
    layout = struct.Struct("<BBHIIIII")
    version: int
    reserved: int
    max_payload_bytes: int
    nonce: int
    features: int
    window_bytes: int
    identity_bytes: int
    identity_crc32: int


@dataclass(frozen=True, slots=True)
class Fetch(Message):
    """Host → device: send these bytes of an object, as CHUNK. `request` is 0 for the identity."""

    frame_type = Type.FETCH
    layout = struct.Struct("<HHII")
    request: int
    object: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Chunk(TailedMessage):
    """Device → host: bytes of an object, at their place in it."""

    frame_type = Type.CHUNK
    layout = struct.Struct("<HHI")
    request: int
    object: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Data(TailedMessage):
    """Host → device: bytes of input tensor `tensor`, at their place in it."""

    frame_type = Type.DATA
    layout = struct.Struct("<HHI")
    request: int
    tensor: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Ack(Message):
    """Device → host: what has arrived of one input tensor.

    Attributes:
        next_offset: every byte before it is here.
        sack: bit i: the chunk that begins at `next_offset + (i + 1) * chunk_bytes` is here too.
        window_bytes: DATA may reach up to `next_offset + window_bytes`.
        last_seq: of the last intact frame the device had handled when it sent this.
        reason: 0 in ACK, a NakReason in NAK.
    """

    frame_type = Type.ACK
    layout = struct.Struct("<HHIIIHH")
    request: int
    tensor: int
    next_offset: int
    sack: int
    window_bytes: int
    last_seq: int
    reason: int = 0


@dataclass(frozen=True, slots=True)
class Nak(Ack):
    """As ACK, and something has to be sent again."""

    frame_type = Type.NAK


@dataclass(frozen=True, slots=True)
class Invoke(Message):
    """Host → device: run the model on the inputs of `request`; repeated, it is answered from memory."""

    frame_type = Type.INVOKE
    layout = struct.Struct("<HH")
    request: int
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Result(TailedMessage):
    """Device → host: what came of a request, and as many of its bytes as fit; CHUNKs bring the others.

    Attributes:
        status, code: ErrorClass and code; 0, 0 when the model has run. Otherwise the bytes are UTF-8 text.
        latency_us: of the model alone, without the link.
        instructions: executed by the model, or NO_COUNT.
        result_bytes, result_crc32: of the output tensors, one after another.
    """

    frame_type = Type.RESULT
    layout = struct.Struct("<HBBIQII")
    request: int
    status: int
    code: int
    latency_us: int
    instructions: int
    result_bytes: int
    result_crc32: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Bye(Message):
    """Host → device: forget the connection and say no more; answered by an empty BYE_ACK."""

    frame_type = Type.BYE


@dataclass(frozen=True, slots=True)
class Error(TailedMessage):
    """Device → host: a frame that it cannot obey. Its layout holds in every version.

    Attributes:
        seq: of that frame.
        data: UTF-8 text for a person.
    """

    frame_type = Type.ERROR
    layout = struct.Struct("<BBHI")
    error_class: int
    code: int
    seq: int
    arg: int
    data: bytes


DATA_HEADER_BYTES = Data.layout.size
RESULT_HEADER_BYTES = Result.layout.size


def chunk_bytes(max_payload_bytes: int) -> int:
    """Tensor bytes in every DATA and CHUNK but an object's last; a multiple of 4 where the payload is."""
    return max_payload_bytes - DATA_HEADER_BYTES


def is_newer(a: int, b: int) -> bool:
    """Whether the 16-bit number a comes after b, across the wrap (RFC 1982)."""
    return 0 < (a - b) & 0xFFFF < 0x8000
