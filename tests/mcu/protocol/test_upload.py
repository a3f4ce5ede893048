"""What the host sends next: the window holds, what an ACK shows to be lost is sent again, nothing else is."""

from __future__ import annotations

from mcu.protocol.messages import Ack, Data, Invoke, Nak, NakReason, Type
from mcu.protocol.upload import Upload

CHUNK = 100


def _upload(*sizes: int, window_bytes: int = 10_000) -> Upload:
    inputs = [bytes(range(256)) * (size // 256 + 1) for size in sizes]
    return Upload(
        request=7,
        inputs=[data[:size] for data, size in zip(inputs, sizes, strict=True)],
        chunk_bytes=CHUNK,
        window_bytes=window_bytes,
    )


def _places(frames: list[tuple[Type, bytes]]) -> list[tuple[int, int] | str]:
    """(tensor, offset) of DATA, the type's name of others."""
    messages = [Data.unpack(payload) if type_ == Type.DATA else type_.name for type_, payload in frames]
    return [message if isinstance(message, str) else (message.tensor, message.offset) for message in messages]


def _ack(
    next_offset: int, *, last_seq: int, sack: int = 0, tensor: int = 0, window_bytes: int = 10_000
) -> Ack:
    return Ack(7, tensor, next_offset, sack, window_bytes, last_seq)


def test_everything_and_the_request_to_run_go_out_at_once_if_the_window_allows():
    frames = _upload(250, 30).take(0)
    assert _places(frames) == [(0, 0), (0, 100), (0, 200), (1, 0), "INVOKE"]
    assert [len(Data.unpack(payload).data) for _, payload in frames[:4]] == [100, 100, 50, 30]
    assert Invoke.unpack(frames[-1][1]) == Invoke(7)


def test_nothing_more_is_sent_until_something_is_heard():
    upload = _upload(250)
    upload.take(0)
    assert upload.take(4) == []


def test_the_window_counts_from_the_first_byte_that_is_not_confirmed():
    upload = _upload(1000, window_bytes=300)
    assert _places(upload.take(0)) == [(0, 0), (0, 100), (0, 200)]
    upload.confirm(_ack(0, sack=0b10, last_seq=2, window_bytes=300))
    assert _places(upload.take(3)) == [(0, 0), (0, 100)]
    upload.confirm(_ack(300, last_seq=4, window_bytes=200))
    assert _places(upload.take(5)) == [(0, 300), (0, 400)]


def test_a_hole_is_filled_and_what_lies_behind_it_is_not_sent_again():
    upload = _upload(400)
    upload.take(10)
    upload.confirm(_ack(100, sack=0b11, last_seq=13))
    assert _places(upload.take(15)) == [(0, 100)]
    assert upload.resent == 1


def test_what_was_sent_after_the_confirmed_frame_is_not_taken_for_lost():
    upload = _upload(400)
    upload.take(0)
    upload.confirm(_ack(100, last_seq=0))
    assert upload.take(5) == []


def test_an_old_confirmation_takes_nothing_back():
    upload = _upload(400)
    upload.take(0)
    upload.confirm(_ack(400, last_seq=3))
    upload.confirm(_ack(100, last_seq=0))
    assert upload.take(5) == []


def test_invoke_before_its_inputs_brings_the_missing_ones_and_then_invoke_again():
    upload = _upload(400)
    upload.take(0)
    upload.confirm(Nak(7, 0, 100, 0b10, 10_000, 4, NakReason.INCOMPLETE))
    assert _places(upload.take(5)) == [(0, 100), (0, 200), "INVOKE"]


def test_an_incomplete_device_is_believed_even_against_its_own_earlier_word():
    upload = _upload(200)
    upload.take(0)
    upload.confirm(_ack(200, last_seq=1))
    upload.confirm(Nak(7, 0, 0, 0, 10_000, 2, NakReason.INCOMPLETE))
    assert _places(upload.take(3)) == [(0, 0), (0, 100), "INVOKE"]


def test_damage_brings_back_the_frame_after_the_last_intact_one():
    upload = _upload(300)
    upload.take(0xFFFE)
    upload.damaged(0xFFFF)
    assert _places(upload.take(2)) == [(0, 200)]
    upload.damaged(0)
    assert _places(upload.take(3)) == ["INVOKE"]


def test_silence_after_invoke_brings_only_invoke_again():
    upload = _upload(300)
    upload.take(0)
    upload.nothing_heard()
    assert _places(upload.take(4)) == ["INVOKE"]


def test_silence_at_a_full_window_brings_the_first_unconfirmed_chunk_again():
    upload = _upload(1000, window_bytes=200)
    upload.take(0)
    upload.nothing_heard()
    assert _places(upload.take(2)) == [(0, 0)]
