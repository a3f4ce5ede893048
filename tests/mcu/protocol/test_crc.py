"""CRC-32 against its published check value and a bit-by-bit twin."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcu.protocol.crc import crc32
from tests.mcu.protocol import reference


def test_the_check_value_is_that_of_the_standard():
    assert crc32(b"123456789") == 0xCBF43926


@given(st.binary(max_size=300))
def test_it_equals_the_bit_by_bit_computation(data: bytes):
    assert crc32(data) == reference.crc32(data)


@given(st.binary(), st.binary())
def test_it_can_be_continued(first: bytes, second: bytes):
    assert crc32(second, start=crc32(first)) == crc32(first + second)
