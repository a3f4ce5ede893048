"""Frames: round trips in any cut, and damage that never becomes another frame."""

from __future__ import annotations

import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcu.protocol.frame import MAX_PAYLOAD_BYTES, Frame, FrameReader, decode_frame, encode_frame
from tests.mcu.protocol import reference

U16 = st.integers(0, 0xFFFF)
FRAMES = st.builds(
    Frame,
    type=st.integers(1, 31),
    payload=st.one_of(st.binary(max_size=100), st.just(b"\0" * 600), st.just(b"\xff" * MAX_PAYLOAD_BYTES)),
    seq=U16,
    session=U16,
    version=st.integers(1, 7),
    flags=st.integers(0, 255),
)


@given(FRAMES)
def test_a_frame_has_a_zero_at_both_ends_and_nowhere_else(frame: Frame):
    wire = encode_frame(frame)
    assert wire[0] == wire[-1] == 0
    assert 0 not in wire[1:-1]


@given(FRAMES)
def test_it_equals_the_frame_built_from_the_specification(frame: Frame):
    assert encode_frame(frame) == reference.frame(
        type=frame.type,
        payload=frame.payload,
        seq=frame.seq,
        session=frame.session,
        version=frame.version,
        flags=frame.flags,
    )


@given(st.lists(FRAMES, max_size=4), st.data())
def test_frames_survive_any_cutting_of_the_stream(frames: list[Frame], data: st.DataObject):
    wire = b"".join(encode_frame(frame) for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    reader, received = FrameReader(), []
    for begin, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        received += reader.feed(wire[begin:end])
    assert received == frames
    assert reader.damaged == 0


@given(FRAMES, st.lists(st.integers(min_value=0), min_size=1, max_size=3))
def test_flipped_bits_never_give_another_frame(frame: Frame, flips: list[int]):
    wire = bytearray(encode_frame(frame))
    for flip in flips:
        wire[flip // 8 % len(wire)] ^= 1 << flip % 8
    for received in FrameReader().feed(bytes(wire) + b"\0"):
        assert received in (None, frame)


@given(FRAMES, st.integers(min_value=0), st.integers(0, 6), st.binary(max_size=6))
def test_bytes_lost_or_inserted_never_give_another_frame(frame: Frame, at: int, lost: int, inserted: bytes):
    wire = encode_frame(frame)
    at %= len(wire)
    for received in FrameReader().feed(wire[:at] + inserted + wire[at + lost :] + b"\0"):
        assert received in (None, frame)


def test_two_hundred_thousand_mutated_frames_are_all_noticed():
    rng = random.Random(0)
    wires = [encode_frame(Frame(3, rng.randbytes(n), n, 0x1234)) for n in (0, 5, 40, 120)]
    accepted = 0
    for _ in range(200_000):
        encoded = bytearray(wires[rng.randrange(4)][1:-1])
        for _ in range(rng.randint(1, 3)):
            encoded[rng.randrange(len(encoded))] ^= 1 << rng.randrange(8)
        if bytes([0, *encoded, 0]) in wires:
            continue  # the flips have undone each other
        accepted += decode_frame(bytes(encoded)) is not None
    assert accepted == 0


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=300), max_size=10))
@example([b"\x01" * 10_000, b"\0"])
def test_the_reader_takes_any_bytes_and_finds_no_frame_in_them(pieces: list[bytes]):
    reader = FrameReader()
    for piece in pieces:
        assert all(frame is None for frame in reader.feed(piece))


@given(FRAMES, st.binary(max_size=200))
def test_a_frame_after_noise_is_received(frame: Frame, noise: bytes):
    assert FrameReader().feed(noise + encode_frame(frame))[-1] == frame


def test_noise_without_zeros_needs_no_memory_and_costs_no_frame_after_it():
    reader = FrameReader(max_payload_bytes=64)
    for _ in range(1000):
        assert reader.feed(b"\x01" * 1000) == []
    assert len(reader._partial) < 200
    assert reader.feed(encode_frame(Frame(1))) == [None, Frame(1)]
    assert reader.damaged == 1


def test_a_frame_longer_than_the_receiver_takes_is_dropped():
    reader = FrameReader(max_payload_bytes=64)
    assert reader.feed(encode_frame(Frame(1, b"\1" * 200))) == [None]
    assert reader.feed(encode_frame(Frame(1, b"\1" * 64))) == [Frame(1, b"\1" * 64)]


def test_zeros_between_frames_mean_nothing():
    reader = FrameReader()
    assert reader.feed(b"\0" * 50 + encode_frame(Frame(1)) + b"\0" * 50) == [Frame(1)]
    assert reader.damaged == 0


def test_a_length_that_is_not_the_payloads_is_refused():
    body = bytes([1 << 5 | 1, 0, 0, 0, 0, 0, 5, 0]) + b"abc"
    encoded = reference.cobs_encode(body + reference.little_endian(reference.crc32(body), 4))
    assert decode_frame(encoded) is None
