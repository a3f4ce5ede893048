"""COBS: no zero inside, the same bytes back, junk is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.protocol import cobs
from tests.mcu.protocol import reference

# Long runs around 254, where the length byte overflows.
RUNS = st.lists(
    st.one_of(st.binary(max_size=20), st.integers(250, 260).map(lambda n: b"\x11" * n), st.just(b"\0\0")),
    max_size=6,
).map(b"".join)


@given(RUNS)
def test_what_is_encoded_has_no_zero_and_decodes_to_the_same(data: bytes):
    encoded = cobs.encode(data)
    assert 0 not in encoded
    assert cobs.decode(encoded) == data
    assert len(encoded) <= cobs.max_encoded_bytes(len(data))


@given(RUNS)
def test_it_equals_the_byte_by_byte_encoder(data: bytes):
    assert cobs.encode(data) == reference.cobs_encode(data)


@given(st.binary(min_size=1))
def test_decoding_junk_either_fails_with_one_error_or_gives_less_than_it_got(junk: bytes):
    with contextlib.suppress(cobs.CobsError):
        assert len(cobs.decode(junk)) < len(junk)


@pytest.mark.parametrize("junk", [b"\x00", b"\x05\x11\x22", b"\x02\x00", b"\x01\x03\x07"])
def test_a_zero_or_a_length_beyond_the_end_is_refused(junk: bytes):
    with pytest.raises(cobs.CobsError):
        cobs.decode(junk)
