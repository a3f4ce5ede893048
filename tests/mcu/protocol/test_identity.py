"""The identity block: the same board back, and one error for anything that is none."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.errors import LinkError
from mcu.protocol.identity import Identity
from mcu.tensor import TensorSpec

IDENTITY = Identity(
    board="nucleo_f446re",
    engine="c",
    firmware="1.2.3+abc",
    model_sha256="0123456789abcdef" * 4,
    model_crc32=0xDEADBEEF,
    inputs=(TensorSpec(name="image", shape=(1, 96, 96, 3), scale=0.0078125, zero_point=-1),),
    outputs=(
        TensorSpec(name="boxes", shape=(1, 40, 4), scale=0.5, zero_point=127),
        TensorSpec(name="größe", shape=(1, 40), scale=0.25, zero_point=-128),
    ),
    model_bytes=604792,
    arena_bytes=131072,
    clock_hz=180_000_000,
    boot_count=3,
    reset_cause="watchdog",
)


def test_an_identity_comes_back_as_it_was_packed():
    assert Identity.unpack(IDENTITY.pack()) == IDENTITY


def test_what_a_board_does_not_say_is_none():
    silent = replace(
        IDENTITY, arena_bytes=None, clock_hz=None, boot_count=None, model_bytes=None, reset_cause=""
    )
    assert Identity.unpack(silent.pack()) == silent


def test_unknown_entries_are_skipped():
    assert Identity.unpack(b"\xfe\x03abc" + IDENTITY.pack() + b"\xfd\x00") == IDENTITY


@pytest.mark.parametrize("cut", [1, 2, 5, 40])
def test_a_block_that_is_cut_short_is_refused(cut: int):
    with pytest.raises(LinkError, match="identity cannot be read"):
        Identity.unpack(IDENTITY.pack()[:-cut])


def test_a_block_without_a_model_is_refused_with_what_is_missing():
    with pytest.raises(LinkError, match="no engine, firmware, model_crc32, model_sha256"):
        Identity.unpack(b"\x01\x01x")


@given(st.binary(max_size=200))
def test_junk_is_refused_with_one_kind_of_error(junk: bytes):
    with pytest.raises(LinkError):
        Identity.unpack(junk)


@given(st.integers(min_value=0), st.binary(min_size=1, max_size=4))
def test_a_mutated_block_is_refused_or_read(at: int, junk: bytes):
    block = bytearray(IDENTITY.pack())
    at %= len(block)
    block[at : at + len(junk)] = junk
    with contextlib.suppress(LinkError):
        Identity.unpack(bytes(block))
