"""The rows, in the order of the table."""

from __future__ import annotations

from functools import partial

from tests.reliability import cable, decoder, emulated, line, soak
from tests.reliability.row import Row

_TFLM = ("module:tflite_micro",)
_CC = ("cc",)
_QEMU = emulated.TOOLS

ROWS = {
    row.name: row
    for row in (
        Row(
            "soak",
            "3 seeds: no wrong byte, memory grows by less than 5 MB",
            "frames",
            0,
            100_000,
            soak.soak,
            _TFLM,
        ),
        *(
            Row(
                f"bit-errors-{rate:g}",
                f"exact at {rate:g} bit errors both ways; goodput at least {share:.0%}",
                "inferences",
                20,
                10_000,
                partial(line.bit_errors, rate),
            )
            for rate, share in line.GOODPUT.items()
        ),
        Row(
            "lost-and-added-bytes",
            "exact at 1e-3 bytes lost, added, doubled, and all three",
            "inferences",
            10,
            1000,
            line.bytes_lost_and_added,
        ),
        Row(
            "bursts",
            "exact, at most 250 ms after 1 to 4096 bytes of noise",
            "bursts",
            30,
            10_000,
            line.bursts,
        ),
        Row("random-python", "none taken for a frame", "bytes", 300_000, 100_000_000, decoder.python_random),
        Row(
            "random-c",
            "none taken for a frame, no access beside its memory",
            "bytes",
            0,
            100_000_000,
            decoder.c_random,
            _CC,
        ),
        Row("mutated-python", "none accepted", "frames", 3000, 10_000_000, decoder.python_mutated),
        Row("mutated-c", "none accepted", "frames", 0, 10_000_000, decoder.c_mutated, _CC),
        Row(
            "unplug",
            "every sample once and exact, the error within 1 s",
            "pulls",
            4,
            1000,
            cable.unplugs,
            _TFLM,
        ),
        Row("reset", "every sample once and exact", "resets", 0, 1000, emulated.resets, _QEMU),
        Row("hang", "one error that names it, after 10 s", "hangs", 10, 1000, line.hang),
        Row("fault", "FAULT with the right cause", "faults", 0, 100, emulated.faults, _QEMU),
        Row("repeated-invoke", "runs once, the same answer", "requests", 100, 10_000, line.repeated_invoke),
        Row(
            "late-answers",
            "no stall, no wrong byte, while frame numbers wrap",
            "wraps",
            1,
            3,
            line.late_answers,
        ),
        Row("pause", "goes on, no overrun", "seconds", 0, 5, soak.pause, _TFLM),
        Row("pty-buffer", "no dead-lock", "inferences", 0, 100, soak.larger_than_the_pty, _TFLM),
        Row(
            "second-host",
            "refused within 100 ms, with the owner's process id",
            "tries",
            5,
            100,
            cable.second_host,
        ),
        Row("four-boards", "at least 3.8 times one board", "seconds", 0, 300, soak.boards_at_once),
        Row(
            "same-bytes",
            "desk, virtual and emulated board agree",
            "samples",
            0,
            1000,
            emulated.same_bytes,
            _QEMU,
        ),
        Row("same-counts", "the same instructions", "starts", 0, 10, emulated.same_counts, _QEMU),
        Row("replay", "the same files byte for byte", "samples", 10, 300, cable.replays, _TFLM),
        Row("killed-host", "a session within 2 s, without a reset", "kills", 0, 20, cable.killed_host),
    )
}
