"""A run goes on where it was: after the cable, after a reset, after its own process was killed."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import mcu
from keras_tiny.data.sample import Dataset
from mcu.bundle import Bundle
from mcu.doubles.usb_cable import UsbCable
from mcu.errors import BadInput, BoardError, PortError, WrongModel
from mcu.hil.journal import JOURNAL_NAME, Job, Journal, read_journal
from mcu.hil.lasting import LastingSession
from mcu.hil.plan import make_plan
from mcu.hil.record import HilRun
from mcu.hil.stream import Streamed
from mcu.protocol.errors import BoardReset
from mcu.protocol.stats import LinkStats
from mcu.transport import PortOpener
from mcu.transport.urls.protocol_virtual import virtual_url
from mcu.virtual.process import board_maker
from tests.mcu.hil.digits_bundle import GOLDEN, write_digits_bundle

LIMIT = 40


@pytest.fixture
def cable(bundle: Bundle, tmp_path: Path) -> Iterator[UsbCable]:
    """A board with the bundle's model, at a port that can be pulled."""
    with UsbCable(board_maker(bundle.path), link=tmp_path / "board") as cable:
        yield cable


def whole_and_exact(run: HilRun, data: Dataset, *, limit: int) -> bool:
    """Every sample of the plan once, in its order, and right to the last byte."""
    plan = make_plan_of(run, data, limit)
    return [sample.id for sample in run.per_sample] == plan and run.bit_exact


def make_plan_of(run: HilRun, data: Dataset, limit: int) -> list[str]:
    from mcu.hil.plan import choose

    return [data.test.ids[i] for i in choose(data.test, limit=limit, seed=0)]


def plug_in_again(
    cable: UsbCable, *, cuts: list[int], plugged: Callable[[], None] = lambda: None
) -> threading.Thread:
    """Pull the cable after so many bytes, plug it in again, for each of `cuts`."""

    def work() -> None:
        for nth, _ in enumerate(cuts):
            assert cable.wait_until_unplugged(timeout_s=60)
            plugged()
            if nth + 1 < len(cuts):
                cable.unplug_after(cuts[nth + 1])
            cable.plug_in()

    cable.unplug_after(cuts[0])
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("own_supply", [False, True], ids=["powered by USB", "own supply"])
def test_a_run_goes_on_after_every_unplug_under_another_name(
    bundle: Bundle, data: Dataset, tmp_path: Path, own_supply: bool
):
    rng = random.Random(own_supply)
    cuts = [rng.randrange(1, 1200) for _ in range(8)]
    said: list[str] = []
    with UsbCable(board_maker(bundle.path), link=tmp_path / "board", own_supply=own_supply) as cable:
        thread = plug_in_again(cable, cuts=cuts)
        run = mcu.validate(
            bundle, data, port=cable.port, limit=LIMIT, out_dir=tmp_path / "out", notice=said.append
        )
        thread.join()
        ports = cable.ports
    assert whole_and_exact(run, data, limit=LIMIT)
    assert len(ports) == len(cuts) + 1
    assert all(a != b for a, b in itertools.pairwise(ports))
    assert len(run.interruptions) == len(said) > 0
    assert all("went away" in each.why for each in run.interruptions)
    assert run.link["inferences"] == LIMIT + GOLDEN
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "hil_run.json",
        "outputs.npy",
        "report.html",
    ]


def test_a_cable_that_is_pulled_in_the_middle_of_the_first_greeting_is_waited_for(
    bundle: Bundle, data: Dataset, tmp_path: Path
):
    with UsbCable(board_maker(bundle.path), link=tmp_path / "board") as cable:
        thread = plug_in_again(cable, cuts=[60])
        run = mcu.validate(bundle, data, port=cable.port, limit=3, out_dir=tmp_path / "out")
        thread.join()
    assert whole_and_exact(run, data, limit=3)
    assert [each.after for each in run.interruptions] == [0]


def test_a_run_goes_on_after_every_reset_and_with_another_process_after_an_unplug(
    bundle: Bundle, data: Dataset, tmp_path: Path
):
    url = f"{virtual_url(bundle.path)}?faults=reset:700+1900+2500+4000,unplug:5000"
    run = mcu.validate(bundle, data, port=url, limit=LIMIT, out_dir=tmp_path)
    assert whole_and_exact(run, data, limit=LIMIT)
    assert len(run.interruptions) >= 4  # two resets may strike the same greeting
    assert any("started again" in each.why for each in run.interruptions)
    assert "unplugged it at byte 5000" in run.interruptions[-1].why


def test_without_waiting_an_unplug_ends_the_run_and_resume_goes_on(
    bundle: Bundle, data: Dataset, tmp_path: Path, cable: UsbCable
):
    out = tmp_path / "out"
    cable.unplug_after(3000)
    with pytest.raises(PortError, match=r"went away.*samples are kept in .*; go on with --resume"):
        mcu.validate(bundle, data, port=cable.port, limit=LIMIT, out_dir=out, wait_s=0)
    assert cable.wait_until_unplugged(timeout_s=60)
    cable.plug_in()
    kept = HilRun.read(out / "hil_run.incomplete.json")
    assert 0 < kept.samples < LIMIT
    asked: list[int] = []
    run = mcu.validate(
        bundle,
        data,
        port=cable.port,
        limit=LIMIT,
        out_dir=out,
        resume=True,
        progress=lambda done, total: asked.append(done),
    )
    assert whole_and_exact(run, data, limit=LIMIT)
    assert asked == list(range(kept.samples + 1, LIMIT + 1))
    assert run.created == kept.created
    assert run.link["inferences"] == LIMIT + GOLDEN
    assert [(each.after, each.why) for each in run.interruptions] == [
        (kept.samples + GOLDEN, "The run was stopped, and resumed.")
    ]


def test_a_killed_process_leaves_every_answered_sample_and_the_next_goes_on(
    bundle: Bundle, data: Dataset, tmp_path: Path, cable: UsbCable
):
    out = tmp_path / "out"
    journal = out / JOURNAL_NAME
    slow = f"{cable.port}?faults=baud:57600"
    program = "import sys, mcu\nmcu.validate(sys.argv[1], 'digits', port=sys.argv[2], out_dir=sys.argv[3], limit=40)"
    host = subprocess.Popen([sys.executable, "-c", program, str(bundle.path), slow, str(out)])
    while not journal.exists() or journal.read_bytes().count(b"\n") < 8:
        assert host.poll() is None
        time.sleep(0.005)
    host.send_signal(signal.SIGKILL)
    host.wait()
    lines = journal.read_bytes().count(b"\n")
    assert not (out / "hil_run.json").exists()
    asked: list[int] = []
    run = mcu.validate(
        bundle,
        "digits",
        port=cable.port,
        limit=LIMIT,
        out_dir=out,
        resume=True,
        progress=lambda done, total: asked.append(done),
    )
    assert [s.id for s in run.per_sample] == make_plan_of(run, data, LIMIT)
    assert run.bit_exact
    # Two lines are the head and the golden inputs.
    assert asked == list(range(lines - 2 + 1, LIMIT + 1))
    assert not journal.exists()


@pytest.fixture
def stopped(bundle: Bundle, data: Dataset, tmp_path: Path, cable: UsbCable) -> Path:
    """The folder of a run that was stopped after five samples."""
    folder = tmp_path / "stopped"

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mcu.validate(bundle, data, port=cable.port, limit=LIMIT, out_dir=folder, progress=stop)
    return folder


def test_a_line_that_was_cut_is_asked_again(bundle: Bundle, data: Dataset, stopped: Path, cable: UsbCable):
    journal = stopped / JOURNAL_NAME
    journal.write_bytes(journal.read_bytes()[:-40])
    asked: list[int] = []
    run = mcu.validate(
        bundle,
        data,
        port=cable.port,
        limit=LIMIT,
        out_dir=stopped,
        resume=True,
        progress=lambda done, total: asked.append(done),
    )
    assert asked[0] == 5
    assert whole_and_exact(run, data, limit=LIMIT)


def test_a_run_about_something_else_is_not_gone_on_with(
    bundle: Bundle, data: Dataset, stopped: Path, tmp_path: Path
):
    before = (stopped / JOURNAL_NAME).read_bytes()
    with pytest.raises(BadInput, match="of another run: its samples is '40', this one's is '41'"):
        mcu.validate(bundle, data, limit=LIMIT + 1, out_dir=stopped, resume=True)
    with pytest.raises(BadInput, match="samples_sha256"):
        mcu.validate(bundle, data, limit=LIMIT, seed=9, out_dir=stopped, resume=True)
    other = write_digits_bundle(tmp_path / "other", data=data, ridge=100.0)
    with pytest.raises(BadInput, match="model_sha256"):
        mcu.validate(other, data, limit=LIMIT, out_dir=stopped, resume=True)
    assert (stopped / JOURNAL_NAME).read_bytes() == before


def test_other_firmware_does_not_go_on_with_a_run(
    bundle: Bundle, data: Dataset, stopped: Path, cable: UsbCable
):
    journal = stopped / JOURNAL_NAME
    head, rest = journal.read_bytes().split(b"\n", 1)
    fields = json.loads(head) | {"firmware": "0.0.9"}
    journal.write_bytes(json.dumps(fields).encode() + b"\n" + rest)
    with pytest.raises(BadInput, match=r"began with the firmware 0\.0\.9 \(tflm\)"):
        mcu.validate(bundle, data, port=cable.port, limit=LIMIT, out_dir=stopped, resume=True)


@pytest.mark.parametrize("content", [b"", b"\n", b"[]\n", b'{"format_version": 1}\n', b"\xff\xfe\n"])
def test_a_file_that_is_no_journal_is_named(bundle: Bundle, data: Dataset, tmp_path: Path, content: bytes):
    (tmp_path / JOURNAL_NAME).write_bytes(content)
    with pytest.raises(BadInput, match="is not the journal of a run"):
        mcu.validate(bundle, data, limit=LIMIT, out_dir=tmp_path, resume=True)


def test_there_must_be_a_run_to_go_on_with(bundle: Bundle, data: Dataset, tmp_path: Path):
    with pytest.raises(BadInput, match=r"no run to go on with.*A run that was finished leaves no journal"):
        mcu.validate(bundle, data, limit=LIMIT, out_dir=tmp_path, resume=True)


def test_another_model_that_comes_back_ends_the_run(bundle: Bundle, data: Dataset, tmp_path: Path):
    other = write_digits_bundle(tmp_path / "other", data=data, ridge=100.0)
    makers = iter([board_maker(bundle.path), *[board_maker(other.path)] * 3])
    with UsbCable(lambda: next(makers)(), link=tmp_path / "board") as cable:
        thread = plug_in_again(cable, cuts=[3000])
        with pytest.raises(WrongModel, match="virtual runs the model"):
            mcu.validate(bundle, data, port=cable.port, limit=LIMIT, out_dir=tmp_path / "out")
        thread.join()


def test_other_firmware_that_comes_back_ends_the_run(bundle: Bundle, data: Dataset, tmp_path: Path):
    make = board_maker(bundle.path)
    count = iter(range(9))

    def power_on():  # type: ignore[no-untyped-def]
        board = make()
        if next(count):
            link = getattr(board, "_link", board)
            link._identity = link._identity.replace(b"tflm", b"other"[:4])
        return board

    with UsbCable(power_on, link=tmp_path / "board") as cable:
        thread = plug_in_again(cable, cuts=[3000])
        with pytest.raises(BoardError, match="came back with the firmware"):
            mcu.validate(bundle, data, port=cable.port, limit=LIMIT, out_dir=tmp_path / "out")
        thread.join()


def test_a_board_that_stays_away_ends_the_run_with_the_first_error(
    bundle: Bundle, data: Dataset, tmp_path: Path, cable: UsbCable
):
    cable.unplug_after(3000)
    with pytest.raises(
        PortError, match=r"went away.*did not come back in 0\.3 s: There is no port .*are kept in"
    ):
        mcu.validate(bundle, data, port=cable.port, limit=LIMIT, out_dir=tmp_path / "out", wait_s=0.3)


class Rebooting:
    """A session whose board starts again at every inference."""

    identity = SimpleNamespace(engine="tflm", firmware="1")
    stats = LinkStats()
    asked = 0

    def infer(self, inputs: object, **how: object) -> None:
        Rebooting.asked += 1
        raise BoardReset("started again.", hint="Look at its supply.")

    def close(self) -> None: ...


def test_a_board_that_starts_again_at_the_same_inputs_every_time_ends_the_run(cable: UsbCable):
    said: list[str] = []
    with (
        LastingSession(
            PortOpener(cable.port),
            lambda port: Rebooting(),  # type: ignore[arg-type,return-value]
            wait_s=9,
            notice=said.append,
        ) as session,
        pytest.raises(BoardReset) as caught,
    ):
        session.infer([b""])
    assert caught.value.hint == "It was the 6th time in a row at the same inputs. Look at its supply."
    assert said == ["started again. Waiting up to 9 s for the board."] * 5
    assert Rebooting.asked == 6


def test_the_journal_keeps_what_the_board_said_byte_for_byte(bundle: Bundle, data: Dataset, tmp_path: Path):
    job = Job.of(bundle, make_plan(bundle, data, limit=3), board_id="virtual")
    path = tmp_path / JOURNAL_NAME
    same, other = np.arange(10, dtype=np.int8), np.arange(10, 20, dtype=np.int8)
    answers = [
        Streamed(index=4, desk=same, board=same, latency_us=1, round_trip_us=2, instructions=None),
        Streamed(index=9, desk=same, board=other, latency_us=3, round_trip_us=4, instructions=5),
    ]
    journal = Journal.begin(path, job, created="2026-01-01T00:00:00+00:00", engine="tflm", firmware="1")
    for count, answer in enumerate(answers, start=1):
        journal.add(answer, LinkStats(inferences=count, link_s=0.1 * count))
    journal.close()
    kept = read_journal(path, job)
    assert kept.stats == LinkStats(inferences=2, link_s=0.2)
    assert kept.golden is None
    assert kept.whole_bytes == path.stat().st_size
    for answer, read in zip(answers, kept.streamed, strict=True):
        assert np.array_equal(answer.desk, read.desk)
        assert np.array_equal(answer.board, read.board)
        assert replace(read, desk=answer.desk, board=answer.board) == answer


def test_a_full_disk_is_named(bundle: Bundle, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    job = Job.of(bundle, make_plan(bundle, data, limit=3), board_id="virtual")
    journal = Journal.begin(tmp_path / JOURNAL_NAME, job, created="", engine="tflm", firmware="1")
    os.close(journal._descriptor)
    journal._descriptor = os.open("/dev/full", os.O_WRONLY)
    answer = Streamed(
        index=0,
        desk=np.zeros(1, np.int8),
        board=np.zeros(1, np.int8),
        latency_us=0,
        round_trip_us=0,
        instructions=None,
    )
    with pytest.raises(BadInput, match=r"No space left on device.*go on with --resume"):
        journal.add(answer, LinkStats())
    journal.close()
