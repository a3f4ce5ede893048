"""Rows about the frame readers, Python's and C's: no noise and no damaged frame is ever taken for a frame."""

from __future__ import annotations

import random
import subprocess
import tempfile
from pathlib import Path

from mcu.protocol.frame import MAX_PAYLOAD_BYTES, Frame, FrameReader, encode_frame
from tests.reliability.row import Outcome
from tests.sketches.link.c_board import FRAMES, HERE, LIMITS, build_program

_PIECE_BYTES = 1 << 16
# Frames are made once and damaged anew each time.
_FRAMES = 2000


def python_random(count: int) -> Outcome:
    """Random bytes, a zero among 64 more than chance gives, so that there are many short stretches."""
    rng = random.Random(6)
    reader, accepted, stretches = FrameReader(), 0, 0
    for at in range(0, count, _PIECE_BYTES):
        noise = bytearray(rng.randbytes(min(_PIECE_BYTES, count - at)))
        for _ in range(len(noise) // 64):
            noise[rng.randrange(len(noise))] = 0
        frames = reader.feed(bytes(noise))
        stretches += len(frames)
        accepted += sum(frame is not None for frame in frames)
    return Outcome(accepted == 0, f"{accepted} accepted of {stretches:,} stretches in {count:,} bytes")


def python_mutated(count: int) -> Outcome:
    """Valid frames with 1 to 3 flipped bits, or a burst of up to 32, between their delimiters."""
    rng = random.Random(7)
    wires = [_wire(rng) for _ in range(min(_FRAMES, count))]
    reader = FrameReader()
    assert all(None not in reader.feed(wire) for wire in wires), "unharmed they must be taken"
    accepted = 0
    for number in range(count):
        wire = wires[number % len(wires)]
        mutated = int.from_bytes(wire[1:-1], "big") ^ _pattern(rng, 8 * (len(wire) - 2))
        frames = reader.feed(b"\0" + mutated.to_bytes(len(wire) - 2, "big") + b"\0")
        accepted += sum(frame is not None for frame in frames)
    return Outcome(accepted == 0, f"{accepted} accepted of {count:,}")


def c_random(count: int) -> Outcome:
    """Random bytes into the C reader, built with ASan and UBSan."""
    accepted = _fuzz("random", count)
    return Outcome(accepted == 0, f"{accepted} accepted in {count:,} bytes, no complaint of ASan or UBSan")


def c_mutated(count: int) -> Outcome:
    """Damaged frames into the C reader, built with ASan and UBSan."""
    accepted = _fuzz("mutated", count)
    return Outcome(accepted == 0, f"{accepted} accepted of {count:,}, no complaint of ASan or UBSan")


def _wire(rng: random.Random) -> bytes:
    longest = MAX_PAYLOAD_BYTES if rng.random() < 1 / 8 else 200
    payload = bytes(rng.choice((0, rng.randrange(256))) for _ in range(rng.randint(0, longest)))
    return encode_frame(
        Frame(rng.randrange(1, 32), payload, seq=rng.randrange(1 << 16), session=rng.randrange(1 << 16))
    )


def _pattern(rng: random.Random, bits: int) -> int:
    """Bits to invert, at least one."""
    if rng.random() < 0.5:
        pattern = 0
        for place in rng.sample(range(bits), rng.randint(1, 3)):
            pattern |= 1 << place
        return pattern
    first = rng.randrange(bits)
    return (1 | rng.getrandbits(min(32, bits - first))) << first


def _fuzz(kind: str, count: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        program = build_program(HERE / "fuzz.c", out_dir=Path(folder), limits=LIMITS["768"], modules=FRAMES)
        done = subprocess.run([program, kind, "11", str(count)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return int(done.stdout)
