"""The words for a run that is not right."""

from __future__ import annotations

from mcu.hil.explain import explain, listed
from mcu.hil.record import ByteDifference, SampleRecord
from tests.mcu.hil.test_record import GOLDEN_DIFFERS, a_run


def sample(number: int, *, truth: int = 1, desk: int = 1, board: int = 1, bytes_off: int = 0) -> SampleRecord:
    differences = tuple(ByteDifference(offset=i, expected=0, board=1) for i in range(min(bytes_off, 8)))
    return SampleRecord(
        id=f"s{number}",
        truth=truth,
        desk=desk,
        board=board,
        latency_us=1,
        round_trip_us=1,
        mismatched_bytes=bytes_off,
        differences=differences,
    )


def test_differing_samples_are_named_with_their_answers_and_bytes():
    run = a_run(
        samples=2,
        mismatched_samples=1,
        mismatched_bytes=2,
        per_sample=(sample(0), sample(1, board=0, bytes_off=2)),
    )
    assert explain(run).splitlines() == [
        "x on virtual (tflm), 2 samples of digits",
        "1 of 2 samples differ from the desk in 2 bytes:",
        "  s1 (truth yes, desk yes, board no): byte 0: expected 0, board 1; byte 1: expected 0, board 1",
        "1 of 2 samples are answered wrong:",
        "  s1 (truth yes, desk yes, board no)",
    ]


def test_only_the_first_are_named_and_the_rest_counted():
    run = a_run(samples=30, per_sample=tuple(sample(i, desk=0, board=0) for i in range(30)))
    said = explain(run, most=4)
    assert said.count("(truth yes, board no)") == 4
    assert "  and 26 more in hil_run.json" in said


def test_golden_inputs_are_named_with_their_bytes():
    said = explain(a_run(golden=GOLDEN_DIFFERS))
    assert "1 of 4 golden inputs are answered otherwise than at export (1 byte)." in said
    assert "  golden input 2: byte 7: expected -12, board -11" in said


def test_a_run_that_stopped_says_why():
    assert "The run stopped: PortError: gone" in explain(a_run(complete=False, stopped_by="PortError: gone"))


def test_a_long_list_of_bytes_is_cut():
    differences = sample(0, bytes_off=100).differences
    assert listed(differences, of=100).endswith("byte 2: expected 0, board 1; and 97 more")
    assert "more" not in listed(differences[:3], of=3)
