"""A latency is measured where a run record says so, else estimated, and never without its error bar."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from mcu.boards import get_board, load_boards
from mcu.compiler import compile_model
from mcu.errors import BadInput
from mcu.firmware.fits import fits
from mcu.firmware.instructions import estimate
from mcu.firmware.latency import CORES, estimate_latency
from tests.tflite_networks import residual_network, segmenter

BOARD = "nucleo_f446re"


def file_of(folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(residual_network())
    return path


def record(folder: Path, *, median_us: float, **changed: object) -> Path:
    """A run record, as far as it matters here."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "complete": True,
        "created": "2025-01-01T00:00:00Z",
        "model_sha256": hashlib.sha256(residual_network()).hexdigest(),
        "board": BOARD,
        "engine": "c",
        "latency_us": {"min": median_us - 1, "median": median_us, "p99": median_us, "max": median_us + 1},
        "instructions_per_inference": None,
        **changed,
    }
    path = folder / "hil_run.json"
    path.write_text(json.dumps(content))
    return path


def test_every_core_of_every_board_is_known_or_a_process():
    for board in load_boards().values():
        assert board.core == "host" or (board.core, "portable") in CORES, board.id


@pytest.mark.parametrize("cycles", CORES.values(), ids=[" ".join(core) for core in CORES])
def test_a_range_of_cycles_holds_its_likely_value_and_names_its_source(cycles):
    assert 0 < cycles.low < cycles.likely < cycles.high
    assert cycles.source


def test_an_estimate_is_instructions_times_cycles_over_the_clock_and_both_errors_widen_it():
    compiled = compile_model(residual_network(), kernels="dsp")
    counted = estimate(compiled, target="cortex_m")
    latency = estimate_latency(compiled, get_board(BOARD), clock_hz=100_000_000)
    assert latency is not None
    cycles = CORES["cortex-m4f", "dsp"]
    assert latency.kind == "estimated"
    assert latency.us == pytest.approx(counted.count * cycles.likely / 100, abs=0.1)
    assert latency.low_us == pytest.approx(counted.count * (1 - counted.error) * cycles.low / 100, abs=0.1)
    assert latency.high_us == pytest.approx(counted.count * (1 + counted.error) * cycles.high / 100, abs=0.1)


def test_the_parts_of_a_count_add_up_and_more_work_takes_more():
    small, large = (
        estimate(compile_model(network()), target="rv32") for network in (residual_network, segmenter)
    )
    for counted in (small, large):
        assert sum(counted.by_operator.values()) == counted.count
        assert all(count > 0 for count in counted.by_operator.values())


def test_an_emulated_board_has_instructions_and_no_time_a_process_has_neither(tmp_path: Path):
    path = file_of(tmp_path)
    (emulated,), (process,) = (fits(path, board=board) for board in ("qemu_stm32f405", "virtual"))
    assert emulated.latency is not None
    assert emulated.latency.instructions
    assert emulated.latency.us is None
    assert process.latency is None


def test_a_measured_latency_wins_and_names_its_record(tmp_path: Path):
    path = file_of(tmp_path)
    (before,) = fits(path, board=BOARD)
    assert before.latency is not None
    assert before.latency.kind == "estimated"
    written = record(tmp_path / "model-hil-nucleo", median_us=1234.0)
    (after,) = fits(path, board=BOARD)
    assert after.latency is not None
    assert (after.latency.kind, after.latency.us) == ("measured", 1234.0)
    assert after.latency.source == str(written.resolve())


@pytest.mark.parametrize(
    "changed",
    [
        {"model_sha256": "0" * 64},
        {"board": "nucleo_f401re"},
        {"engine": "tflm"},
        {"complete": False},
        {"latency_us": None},
    ],
    ids=["another model", "another board", "another engine", "stopped", "no latency"],
)
def test_a_record_of_something_else_says_nothing(changed: dict[str, object], tmp_path: Path):
    record(tmp_path / "run", median_us=1234.0, **changed)
    (verdict,) = fits(file_of(tmp_path), board=BOARD)
    assert verdict.latency is not None
    assert verdict.latency.kind == "estimated"


def test_the_newest_of_several_records_counts_wherever_it_lies(tmp_path: Path):
    path = file_of(tmp_path)
    record(tmp_path / "old", median_us=1000.0)
    far = tmp_path / "archive" / "2025" / "run"
    record(far, median_us=2000.0, created="2025-06-01T00:00:00Z")
    (verdict,) = fits(path, board=BOARD, runs=tmp_path / "archive")
    assert verdict.latency is not None
    assert verdict.latency.us == 2000.0


def test_a_file_of_that_name_that_is_no_record_is_passed_over_and_a_missing_folder_is_refused(tmp_path: Path):
    path = file_of(tmp_path)
    (tmp_path / "hil_run.json").write_text("[1, 2")
    (verdict,) = fits(path, board=BOARD)
    assert verdict.latency is not None
    assert verdict.latency.kind == "estimated"
    with pytest.raises(BadInput, match="no folder"):
        fits(path, board=BOARD, runs=tmp_path / "nowhere")
