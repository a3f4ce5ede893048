"""Validation end to end on the virtual board: a process, a pty, the protocol and the real interpreter."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import mcu
from keras_tiny.data.sample import Dataset
from mcu.boards import get_board
from mcu.bundle import Bundle
from mcu.errors import BadInput, BoardError, LinkError, PortError, WrongModel
from mcu.hil.connection import connect_board, port_of
from mcu.hil.plan import make_plan
from mcu.hil.record import HilRun
from mcu.hil.runner import Run
from mcu.protocol.session import Session
from mcu.tflm import TflmInterpreter
from mcu.transport import open_port
from mcu.transport.urls.protocol_virtual import virtual_url
from tests.mcu.hil.digits_bundle import GOLDEN, write_digits_bundle
from tests.mcu.hil.lying_session import LyingSession

LIMIT = 40


@pytest.fixture(scope="module")
def whole(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[HilRun, Path]:
    """One validation over the whole test set, and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    return mcu.validate(bundle, "digits", out_dir=folder), folder


@pytest.fixture
def session(bundle: Bundle) -> Iterator[Session]:
    board = get_board("virtual")
    with connect_board(bundle, board=board, port=port_of(bundle, board, None)) as session:
        yield session


def run_over(session: object, bundle: Bundle, data: Dataset) -> Run:
    desk = TflmInterpreter(bundle.model_bytes)
    plan = make_plan(bundle, data, limit=LIMIT)
    return Run(bundle, plan, desk, session, port="virtual://x", command="mcu validate x")  # type: ignore[arg-type]


def test_the_virtual_board_is_the_desk_on_every_byte(whole: tuple[HilRun, Path], data: Dataset):
    run, _ = whole
    assert run.samples == len(data.test)
    assert run.output_bytes == 10 * len(data.test)
    assert (run.mismatched_samples, run.mismatched_bytes, run.bit_exact) == (0, 0, True)
    assert run.golden.samples == GOLDEN
    assert run.metrics == run.desk_metrics
    assert run.error_steps == {0: run.output_bytes}


def test_the_accuracy_is_that_of_the_bytes_kept_in_outputs_npy(whole: tuple[HilRun, Path], data: Dataset):
    run, folder = whole
    outputs = np.load(folder / "outputs.npy")
    assert outputs.dtype == np.int8
    assert outputs.shape == (len(data.test), 10)
    assert run.accuracy == np.mean(outputs.argmax(1) == data.test.labels)
    # A linear classifier of the digits reaches well above 90 %; a board that answers noise reaches 10 %.
    assert run.accuracy > 0.9


@pytest.mark.parametrize("engine", ["tflm", "c"])
def test_hashes_and_uploads_ahead_find_the_same(
    whole: tuple[HilRun, Path], bundle: Bundle, data: Dataset, tmp_path: Path, engine: str
):
    port = f"{virtual_url(bundle.path)}?engine={engine}"
    run = mcu.validate(bundle, data, port=port, out_dir=tmp_path, hash_only=True, overlap=True)
    assert np.array_equal(np.load(tmp_path / "outputs.npy"), np.load(whole[1] / "outputs.npy"))
    assert run.bit_exact
    assert run.metrics == whole[0].metrics
    assert run.samples_by_crc == run.samples
    assert run.overlap
    assert run.command.endswith(" --hash-only --overlap")
    assert run.board_link is not None
    assert run.board_link["invocations"] == run.samples + GOLDEN
    assert run.board_link["frames_received"] == run.link["frames_sent"]
    assert run.link["bytes_received"] < whole[0].link["bytes_received"]


def test_the_record_holds_every_sample_in_order(whole: tuple[HilRun, Path], data: Dataset):
    run, folder = whole
    assert [sample.id for sample in run.per_sample] == list(data.test.ids)
    assert [sample.truth for sample in run.per_sample] == data.test.labels.tolist()
    assert HilRun.read(folder) == run
    assert run.latency_us.min >= 0
    assert run.round_trip_us.median > run.latency_us.median
    assert run.goodput_bytes_per_s > 0
    assert run.link["inferences"] == run.samples + GOLDEN


def test_the_report_lies_beside_the_record(whole: tuple[HilRun, Path]):
    run, folder = whole
    assert sorted(p.name for p in folder.iterdir()) == ["hil_run.json", "outputs.npy", "report.html"]
    html = Path(run.report).read_text()
    assert "Bit-exact, 300 of 300 samples" in html
    assert "mcu validate" in html
    assert run.model_sha256 in html
    mistakes = min(24, sum(s.board != s.truth for s in run.per_sample))
    right = len({s.truth for s in run.per_sample if s.board == s.truth})  # one of each class
    assert html.count("data:image/png;base64,") == mistakes + right


def test_a_softmax_model_reports_probabilities(tmp_path: Path, data: Dataset):
    bundle = write_digits_bundle(tmp_path / "soft", data=data, softmax=True)
    run = mcu.validate(bundle.path, data.test, limit=LIMIT)
    assert run.bit_exact
    assert run.data == ""
    assert Path(run.report).parent == tmp_path / "soft-hil-virtual"


def test_progress_counts_every_sample(bundle: Bundle, data: Dataset, tmp_path: Path):
    seen: list[tuple[int, int]] = []
    mcu.validate(
        bundle, data, limit=5, out_dir=tmp_path, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_wrong_bytes_are_found_with_their_sample_and_offset(
    session: Session, bundle: Bundle, data: Dataset, tmp_path: Path
):
    lies = {GOLDEN + 3: {7: 1}, GOLDEN + 11: {0: 2, 9: 128}}
    run = run_over(LyingSession(session, lies=lies), bundle, data).validate(tmp_path)
    assert not run.bit_exact
    assert (run.mismatched_samples, run.mismatched_bytes) == (2, 3)
    found = {i: [d.offset for d in s.differences] for i, s in enumerate(run.per_sample) if s.mismatched_bytes}
    assert found == {3: [7], 11: [0, 9]}
    assert sum(run.error_steps.values()) == run.output_bytes
    assert run.error_steps[-1] == 1
    html = (tmp_path / "report.html").read_text()
    assert "Not bit-exact, 2 of 40 samples differ" in html
    assert "byte 7: expected " in html
    assert html.index(run.per_sample[11].id) < html.index(run.per_sample[3].id), (
        "the largest difference comes first"
    )


def test_golden_inputs_answered_otherwise_than_at_export_are_not_bit_exact(tmp_path: Path, data: Dataset):
    bundle = write_digits_bundle(tmp_path / "edited", data=data, wrong_golden=True)
    run = mcu.validate(bundle, data, limit=3)
    assert run.mismatched_bytes == 0
    assert [(i, d.offset) for i, found in run.golden.differences.items() for d in found] == [(2, 7)]
    assert not run.golden.desk_agrees
    assert not run.bit_exact
    assert "exported with another one, or was edited" in Path(run.report).read_text()


def test_another_models_board_is_refused_before_any_data_is_sent(
    bundle: Bundle, data: Dataset, tmp_path: Path
):
    other = write_digits_bundle(tmp_path / "other", data=data, ridge=100.0)
    with pytest.raises(WrongModel, match=bundle.manifest.model_sha256[:12]):
        mcu.validate(bundle, data, port=virtual_url(other.path), out_dir=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_another_board_than_asked_for_is_refused(bundle: Bundle, data: Dataset, tmp_path: Path):
    with pytest.raises(
        BoardError, match=r"answers as 'virtual', 'nucleo_f446re' was asked for.*--board virtual"
    ):
        mcu.validate(bundle, data, board="nucleo_f446re", port=virtual_url(bundle.path), out_dir=tmp_path)


def test_a_board_of_silicon_needs_a_port(bundle: Bundle, data: Dataset):
    with pytest.raises(BadInput, match=r"'nucleo_f446re' needs a port.*--port"):
        mcu.validate(bundle, data, board="nucleo_f446re")


def test_a_port_that_does_not_exist_is_a_port_error(bundle: Bundle, data: Dataset, tmp_path: Path):
    with pytest.raises(PortError, match="nowhere"):
        mcu.validate(bundle, data, board="nucleo_f446re", port=str(tmp_path / "nowhere"), out_dir=tmp_path)


def test_a_board_killed_in_the_middle_keeps_what_was_done_and_what_was_there(
    bundle: Bundle, data: Dataset, tmp_path: Path
):
    before = mcu.validate(bundle, data, limit=2, out_dir=tmp_path)
    port = open_port(virtual_url(bundle.path))

    def kill_at_5(done: int, total: int) -> None:
        if done == 5:
            os.kill(port.board_pid, signal.SIGKILL)

    with (
        Session.connect(port) as session,
        pytest.raises((PortError, LinkError), match="5 of 40 samples are kept"),
    ):
        run_over(session, bundle, data).validate(tmp_path, progress=kill_at_5)
    assert HilRun.read(tmp_path) == before
    kept = HilRun.read(tmp_path / "hil_run.incomplete.json")
    assert (kept.complete, kept.samples, kept.bit_exact) == (False, 5, False)
    assert "SIGKILL" in kept.stopped_by


def test_ctrl_c_keeps_what_was_done_and_the_next_whole_run_clears_it(
    bundle: Bundle, data: Dataset, tmp_path: Path
):
    def interrupt_at_3(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mcu.validate(bundle, data, out_dir=tmp_path, progress=interrupt_at_3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hil_run.incomplete.json", "hil_run.journal.jsonl"]
    kept = HilRun.read(tmp_path / "hil_run.incomplete.json")
    assert (kept.samples, kept.stopped_by) == (3, "KeyboardInterrupt")
    mcu.validate(bundle, data, limit=3, out_dir=tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hil_run.json", "outputs.npy", "report.html"]


def test_a_run_that_stops_before_the_first_answer_writes_nothing(
    session: Session, bundle: Bundle, data: Dataset, tmp_path: Path
):
    broken = LyingSession(session, breaks_at=GOLDEN, error=LinkError("silent"))
    with pytest.raises(LinkError, match="silent"):
        run_over(broken, bundle, data).validate(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_last_run_whole(
    bundle: Bundle, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mcu.validate(bundle, data, limit=2, out_dir=tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    calls = 0
    fsync = os.fsync

    def full_after_one(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr("mcu.hil.files.os.fsync", full_after_one)
    with pytest.raises(BadInput, match=r"Cannot write into .*No space left on device"):
        mcu.validate(bundle, data, limit=3, out_dir=tmp_path)
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert {name: after.get(name) for name in before} == before
    assert after.keys() - before.keys() == {"hil_run.journal.jsonl"}, "what the unfinished run can go on from"


def test_an_output_folder_that_cannot_be_made_fails_before_the_board_is_asked(
    bundle: Bundle, data: Dataset, tmp_path: Path
):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="Cannot write into"):
        mcu.validate(bundle, data, port="virtual://no-such-bundle", out_dir=tmp_path / "file")


def test_the_command_in_the_record_is_what_a_person_types(bundle: Bundle, tmp_path: Path):
    run = mcu.validate(bundle, "digits", limit=2, seed=5, out_dir=tmp_path)
    assert run.command == f"mcu validate {bundle.path} --board virtual --data digits --limit 2 --seed 5"
    assert json.loads((tmp_path / "hil_run.json").read_text())["command"] == run.command
