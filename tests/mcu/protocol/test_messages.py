"""Messages: sizes as specified, the same fields back, short payloads refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.protocol import control, messages
from mcu.protocol.messages import (
    MalformedMessage,
    Message,
    TailedMessage,
    Type,
    chunk_bytes,
    is_newer,
)

FIXED_BYTES = {
    messages.Hello: 12,
    messages.HelloAck: 24,
    messages.Fetch: 12,
    messages.Chunk: 8,
    messages.Data: 8,
    messages.Ack: 20,
    messages.Nak: 20,
    messages.Invoke: 4,
    messages.Result: 24,
    messages.Bye: 0,
    messages.Error: 8,
    control.Ping: 0,
    control.Pong: 0,
    control.GetStats: 0,
    control.Stats: 28,
    control.Reset: 0,
    control.SetBaud: 8,
    control.BaudAck: 4,
}


@pytest.mark.parametrize(("kind", "size"), FIXED_BYTES.items())
def test_the_fixed_part_is_as_long_as_specified(kind: type[Message], size: int):
    assert kind.layout.size == size


@pytest.mark.parametrize("kind", FIXED_BYTES)
@given(data=st.data())
def test_a_message_comes_back_as_it_was_packed(kind: type[Message], data: st.DataObject):
    bits = {"B": 8, "H": 16, "I": 32, "Q": 64}
    fields: list[object] = [
        data.draw(st.integers(0, (1 << bits[code]) - 1)) for code in kind.layout.format.lstrip("<")
    ]
    if issubclass(kind, TailedMessage):
        fields.append(data.draw(st.binary(max_size=50)))
    message = kind(*fields)
    assert kind.unpack(message.pack()) == message


@pytest.mark.parametrize("kind", [kind for kind, size in FIXED_BYTES.items() if size])
def test_a_short_payload_is_refused_with_the_sizes(kind: type[Message]):
    size = kind.layout.size
    with pytest.raises(MalformedMessage, match=f"{size - 1} payload bytes; it has at least {size}"):
        kind.unpack(b"\0" * (size - 1))


def test_what_a_newer_peer_appends_is_ignored():
    assert messages.Invoke.unpack(messages.Invoke(7).pack() + b"more") == messages.Invoke(7)


def test_an_answer_has_the_number_of_its_request_plus_16():
    for request, answer in (
        (Type.HELLO, Type.HELLO_ACK),
        (Type.FETCH, Type.CHUNK),
        (Type.DATA, Type.ACK),
        (Type.INVOKE, Type.RESULT),
        (Type.BYE, Type.BYE_ACK),
        (Type.PING, Type.PONG),
        (Type.SET_BAUD, Type.BAUD_ACK),
        (Type.GET_STATS, Type.STATS),
    ):
        assert answer == request + 0x10


def test_every_type_fits_five_bits():
    assert all(0 < type_ < 32 for type_ in Type)


@pytest.mark.parametrize(("a", "b", "newer"), [(2, 1, True), (1, 2, False), (5, 5, False), (1, 65535, True)])
def test_numbers_are_compared_across_the_wrap(a: int, b: int, newer: bool):
    assert is_newer(a, b) is newer


def test_a_chunk_is_the_payload_without_its_header():
    assert chunk_bytes(1024) == 1016
    assert chunk_bytes(64) == 56
