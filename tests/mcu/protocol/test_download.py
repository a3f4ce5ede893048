"""An object in chunks: holes are asked for once they show, the end by the timer, junk changes nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcu.protocol.crc import crc32
from mcu.protocol.download import Download
from mcu.protocol.messages import Chunk, Fetch

DATA = bytes(range(100))


def _download(*, start: bytes = b"") -> Download:
    return Download(request=3, object=0, size=len(DATA), crc=crc32(DATA), start=start)


def _chunk(begin: int, end: int, *, request: int = 3) -> Chunk:
    return Chunk(request, 0, begin, DATA[begin:end])


def test_an_object_that_came_with_its_announcement_is_complete():
    download = _download(start=DATA)
    assert download.complete
    assert download.intact
    assert download.missing() == []


def test_a_hole_is_asked_for_once_when_it_shows():
    download = _download(start=DATA[:20])
    assert download.add(_chunk(40, 60)) == [Fetch(3, 0, 20, 20)]
    assert download.add(_chunk(60, 80)) == []
    assert download.add(_chunk(90, 100)) == [Fetch(3, 0, 80, 10)]


def test_the_timer_asks_for_everything_that_is_missing():
    download = _download()
    download.add(_chunk(10, 30))
    assert download.missing() == [Fetch(3, 0, 0, 10), Fetch(3, 0, 30, 70)]


def test_chunks_of_another_request_and_beyond_the_end_change_nothing():
    download = _download()
    assert download.add(_chunk(0, 100, request=2)) == []
    assert download.add(Chunk(3, 0, 90, b"x" * 11)) == []
    assert download.missing() == [Fetch(3, 0, 0, 100)]


def test_wrong_bytes_are_complete_and_not_intact():
    download = _download()
    download.add(Chunk(3, 0, 0, b"\xaa" * 100))
    assert download.complete
    assert not download.intact


@given(st.permutations(range(0, 100, 7)), st.lists(st.sampled_from(range(0, 100, 7))))
def test_any_order_and_any_repetition_gives_the_object(order: list[int], again: list[int]):
    download = _download()
    for offset in (*again, *order):
        download.add(_chunk(offset, min(offset + 7, 100)))
    assert download.complete
    assert download.data == DATA
