"""Chunks into a tensor: any order within reach, any repetition, never outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.protocol.errors import ParamCode
from mcu.protocol.messages import SACK_CHUNKS
from mcu.virtual.receiver import BadChunk, TensorReceiver

DATA = bytes(i * 7 & 0xFF for i in range(1000))


def _put(receiver: TensorReceiver, index: int) -> bool:
    return receiver.put(8 * index, DATA[8 * index : min(8 * index + 8, len(receiver.buffer))])


@given(st.permutations(range(30)), st.lists(st.integers(0, 29), max_size=20))
def test_any_order_and_any_repetition_fills_the_tensor(order: list[int], again: list[int]):
    receiver = TensorReceiver(size=237, chunk_bytes=8)
    for index in (*again, *order):
        _put(receiver, index)
    assert receiver.complete
    assert receiver.buffer == DATA[:237]
    assert (receiver.next_offset, receiver.sack) == (237, 0)


@given(st.sets(st.integers(0, 29)))
def test_offset_and_bits_tell_exactly_which_chunks_are_here(here: set[int]):
    receiver = TensorReceiver(size=240, chunk_bytes=8)
    for index in sorted(here, reverse=True):
        _put(receiver, index)
    first = receiver.next_offset // 8
    told = set(range(first)) | {first + 1 + bit for bit in range(SACK_CHUNKS) if receiver.sack >> bit & 1}
    assert told == here


def test_a_chunk_too_far_ahead_is_not_taken():
    receiver = TensorReceiver(size=1000, chunk_bytes=8)
    assert not _put(receiver, SACK_CHUNKS + 1)
    assert receiver.sack == 0
    assert not _put(receiver, SACK_CHUNKS)
    assert receiver.sack == 1 << SACK_CHUNKS - 1


def test_only_the_next_chunk_with_nothing_behind_it_is_in_order():
    receiver = TensorReceiver(size=100, chunk_bytes=8)
    assert [_put(receiver, index) for index in (0, 0, 2, 1, 3)] == [True, False, False, False, True]


@pytest.mark.parametrize(
    ("offset", "size", "code"),
    [
        (4, 8, ParamCode.BAD_OFFSET),
        (104, 8, ParamCode.BAD_OFFSET),
        (0, 7, ParamCode.BAD_LENGTH),
        (96, 8, ParamCode.BAD_LENGTH),
    ],
)
def test_a_chunk_that_is_none_of_the_tensors_is_refused(offset: int, size: int, code: ParamCode):
    with pytest.raises(BadChunk) as caught:
        TensorReceiver(size=100, chunk_bytes=8).put(offset, b"x" * size)
    assert caught.value.code == code
