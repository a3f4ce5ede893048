"""What `faults=…` means: every word does what it says, to the bytes that its seed chooses."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from mcu.errors import BadInput
from mcu.transport.faults import WORDS, Countdown, Faults, Harm, Places, split_faults

SENT = random.Random(0).randbytes(400_000)


def harmed(text: str, *, piece: int = 997, sent: bytes = SENT) -> bytes:
    faults = Faults.parse(text)
    harm = Harm(faults, random.Random(faults.seed))
    return b"".join(harm(sent[at : at + piece]) for at in range(0, len(sent), piece))


def test_flipped_bits_are_as_many_as_asked_for():
    got = harmed("flip:1e-3")
    assert len(got) == len(SENT)
    bits = sum((a ^ b).bit_count() for a, b in zip(got, SENT, strict=True))
    # 3,200 on average; five standard deviations are 283.
    assert abs(bits - 8 * len(SENT) * 1e-3) < 300


@pytest.mark.parametrize(
    ("text", "longer_by"), [("drop:1e-2", -4000), ("insert:1e-2", 4000), ("duplicate:1e-2", 4000)]
)
def test_lost_and_added_bytes_are_as_many_as_asked_for(text: str, longer_by: int):
    assert abs(len(harmed(text)) - len(SENT) - longer_by) < 320  # five standard deviations


def test_a_burst_is_up_to_4096_bytes_of_noise():
    got = harmed("burst:1e-5,seed:5")
    assert 1 <= len(got) - len(SENT) <= 20 * 4096


def test_truncated_pieces_lose_their_end():
    faults = Faults.parse("truncate:0.5")
    harm = Harm(faults, random.Random(1))
    got = [harm(b"abcdefgh") for _ in range(2000)]
    assert all(b"abcdefgh".startswith(piece) for piece in got)
    assert abs(got.count(b"abcdefgh") - 1000) < 120


@pytest.mark.parametrize("text", ["flip:1e-4", "drop:1e-3,insert:1e-3", "duplicate:1e-3,burst:1e-5"])
def test_the_same_seed_harms_the_same_bytes_however_they_are_cut(text: str):
    sent = SENT[:30_000]
    whole = harmed(text, piece=len(sent), sent=sent)
    assert harmed(text, piece=1, sent=sent) == harmed(text, piece=4096, sent=sent) == whole
    assert harmed(f"{text},seed:1", sent=sent) != whole


def test_no_fault_leaves_every_byte():
    assert harmed("seed:3") == SENT


def test_a_place_is_a_counted_byte_or_a_chance():
    assert Faults.parse("unplug:5000").unplug == Places(at=(5000,))
    assert Faults.parse("reset:90+5000").reset == Places(at=(90, 5000))
    assert Faults.parse("reset:1e-5").reset == Places(chance=1e-5)
    stalled = Faults.parse("stall:5@20000")
    assert (stalled.stall, stalled.stall_s) == (Places(at=(20000,)), 5.0)


def test_counted_places_come_in_their_order_and_once():
    countdown = Countdown(Places(at=(10, 3, 10)), random.Random(0))
    seen = []
    for passed in range(20):
        while countdown.left == 0:
            seen.append(passed)
            countdown.take()
        countdown.pass_by(1)
    assert seen == [3, 10, 10]


def test_the_faults_are_taken_out_of_the_ports_name_and_the_rest_stays():
    faults = Faults(flip=1e-5, seed=3)
    assert split_faults("virtual://a/b?faults=flip:1e-5,seed:3") == ("virtual://a/b", faults)
    assert split_faults("virtual://b?engine=c&faults=flip:1e-5,seed:3&arena=9") == (
        "virtual://b?engine=c&arena=9",
        faults,
    )
    assert split_faults("/dev/ttyUSB0?faults=flip%3A1e-5%2Cseed%3A3") == ("/dev/ttyUSB0", faults)
    assert split_faults("virtual://b?engine=c") == ("virtual://b?engine=c", None)
    assert split_faults("COM3") == ("COM3", None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("filp:1e-5", r"'filp:1e-5' is no fault\. Did you mean flip"),
        ("warp:9", f"'warp:9' is no fault. There is: {', '.join(WORDS)}"),
        ("", "'' is no fault"),
        ("flip", "flip is a number, not ''"),
        ("flip:1.5", "flip is a chance from 0 to less than 1, not '1.5'"),
        ("drop:-1", "drop is a chance"),
        ("drop:nan", "drop is a number"),
        ("delay:1h", "delay is a number, not '1h'"),
        ("delay:9999", "0 to 3600 s"),
        ("split:1.5", "split is a whole number"),
        ("stall:5@x", "stall is a whole number, not 'x'"),
        ("unplug:5+", "unplug is a whole number, not ''"),
        ("only:sideways", "up, to the board, or down"),
        ("seed:1,seed:2", "'seed' is given twice"),
        ("flip:0.2,drop:0.3", "harm every byte"),
    ],
)
def test_what_cannot_be_is_named(text: str, says: str):
    with pytest.raises(BadInput, match=says):
        Faults.parse(text)


def test_two_lists_of_faults_are_one_too_many():
    with pytest.raises(BadInput, match="given twice"):
        split_faults("virtual://b?faults=flip:0.1&faults=drop:0.1")


def test_the_page_lists_every_word():
    page = Path(__file__).parents[3] / "docs" / "how_to" / "faults_resume_replay.md"
    listed = re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted(WORDS)
