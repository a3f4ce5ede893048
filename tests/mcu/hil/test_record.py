"""The record: what was found reads back as it was written; a damaged one gets one clear error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mcu.errors import BadInput
from mcu.hil.record import (
    SUMMARY_KEYS,
    ByteDifference,
    GoldenCheck,
    HilRun,
    SampleRecord,
    Spread,
    byte_differences,
)

GOLDEN_DIFFERS = GoldenCheck(
    samples=4, mismatched_bytes=1, differences={2: (ByteDifference(offset=7, expected=-12, board=-11),)}
)


def a_run(**changes: object) -> HilRun:
    fields: dict[str, object] = {
        "created": "2026-01-02T03:04:05+00:00",
        "command": "mcu validate build/x --board virtual --data digits",
        "versions": {"keras-tiny": "0.1.0"},
        "bundle": "x",
        "task": "classification",
        "labels": ("no", "yes"),
        "model_sha256": "ab" * 32,
        "model_crc32": 7,
        "data": "digits",
        "split": "test",
        "board": "virtual",
        "engine": "tflm",
        "firmware": "0.1.0",
        "port": "virtual://build/x",
        "samples": 1,
        "mismatched_samples": 0,
        "mismatched_bytes": 0,
        "output_bytes": 2,
        "metrics": {"accuracy": 1.0},
        "desk_metrics": {"accuracy": 1.0},
        "training_metrics": {"accuracy": {"float": 1.0, "ptq": None}},
        "agreement": {},
        "error_steps": {0: 2},
        "latency_us": Spread(min=1, median=1, p99=1, max=1),
        "round_trip_us": None,
        "instructions_per_inference": None,
        "goodput_bytes_per_s": 1e5,
        "retransmits": 0,
        "link": {"frames_sent": 3},
        "ram_bytes": None,
        "flash_bytes": 10,
        "per_sample": (SampleRecord(id="s", truth=1, desk=1, board=1, latency_us=1, round_trip_us=2),),
    }
    return HilRun(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_record_reads_back_as_it_was_written(tmp_path: Path):
    run = a_run(golden=GOLDEN_DIFFERS)
    path = run.write(tmp_path)
    assert path == tmp_path / "hil_run.json"
    assert HilRun.read(path) == HilRun.read(tmp_path) == run
    assert [p.name for p in tmp_path.iterdir()] == ["hil_run.json"]


def test_differences_name_the_byte_and_both_values_and_only_the_first_are_kept():
    desk, board = np.array([1, 2, -128], np.int8), np.array([1, 0, 127], np.int8)
    assert list(map(str, byte_differences(desk, board))) == [
        "byte 1: expected 2, board 0",
        "byte 2: expected -128, board 127",
    ]
    assert byte_differences(desk, desk) == ()
    assert len(byte_differences(np.zeros(1000, np.int8), np.ones(1000, np.int8))) == 8


def test_a_record_prints_as_one_line():
    assert str(a_run()) == repr(a_run()) == "<HilRun x on virtual: 1 samples, accuracy 1.0000, bit-exact>"


def test_the_questions_of_the_api_have_answers():
    run = a_run()
    assert (run.accuracy, run.bit_exact) == (1.0, True)
    assert str(run.latency_us) == "min 1, median 1, p99 1, max 1"
    assert a_run(metrics={}).accuracy is None


@pytest.mark.parametrize(
    "changes",
    [
        {"mismatched_bytes": 1, "mismatched_samples": 1},
        {"golden": GOLDEN_DIFFERS},
        {"complete": False},
    ],
)
def test_bit_exact_means_every_sample_every_golden_input_and_to_the_end(changes: dict):
    assert not a_run(**changes).bit_exact


def test_the_summary_has_every_key_that_scripts_rely_on():
    summary = a_run().summary()
    assert tuple(summary) == SUMMARY_KEYS
    assert summary["latency_us"] == {"min": 1, "median": 1, "p99": 1, "max": 1}
    json.dumps(summary, allow_nan=False)


def test_readers_of_the_file_find_bit_exact_in_it(tmp_path: Path):
    assert json.loads(a_run().write(tmp_path).read_text())["bit_exact"] is True


def test_a_run_that_stopped_is_kept_beside_the_last_whole_one(tmp_path: Path):
    a_run().write(tmp_path)
    stopped = a_run(complete=False, stopped_by="PortError: gone")
    assert stopped.write(tmp_path).name == "hil_run.incomplete.json"
    assert HilRun.read(tmp_path).complete
    assert HilRun.read(tmp_path / "hil_run.incomplete.json") == stopped


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "cannot be read"),
        ("[]", "is not a run record: the top level"),
        ('{"format_version": 2}', "format version 2; this keras-tiny reads up to 1.*pip install -U"),
        ('{"format_version": 1}', "is not a run record: created: Field required"),
    ],
)
def test_a_damaged_record_gets_one_clear_error(content: str, says: str, tmp_path: Path):
    (tmp_path / "hil_run.json").write_text(content)
    with pytest.raises(BadInput, match=says):
        HilRun.read(tmp_path)


def test_a_folder_without_a_record_says_what_to_run(tmp_path: Path):
    with pytest.raises(BadInput, match=r"hil_run.json cannot be read.*Run `mcu validate`"):
        HilRun.read(tmp_path)


def test_a_spread_is_over_all_values():
    assert Spread.of(np.arange(101)) == Spread(min=0, median=50, p99=99, max=100)
