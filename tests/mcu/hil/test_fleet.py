"""Several boards at once: what each answers stays its own, what fails is named, and none is left at work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import mcu
from keras_tiny.data.sample import Dataset
from mcu.bundle import Bundle
from mcu.cli import app
from mcu.errors import BadInput, ExitCode
from mcu.hil import FleetRun, HilRun, validate_fleet
from mcu.hil.plan import make_plan
from mcu.transport import open_port
from tests.mcu.protocol.mlperf_client import MlperfClient

LIMIT = 30


def _map(folder: Path, *boards: tuple[str, str, str | None]) -> Path:
    """A hardware map of (id, platform, port)."""
    path = folder / "map.yml"
    entries = [
        {"connected": True, "id": id, "platform": platform, **({"serial": port} if port else {})}
        for id, platform, port in boards
    ]
    path.write_text(json.dumps(entries))  # which is YAML too
    return path


@pytest.fixture(scope="module")
def alone(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> HilRun:
    """One board with all samples."""
    return mcu.validate(bundle, "digits", limit=LIMIT, out_dir=tmp_path_factory.mktemp("alone"))


def test_every_board_gets_all_samples_and_one_that_fails_is_named_and_stops_nobody(
    bundle: Bundle, alone: HilRun, tmp_path: Path
):
    boards = _map(
        tmp_path,
        ("left", "virtual", None),
        ("gone", "nucleo_f446re", "/no/such/port"),
        ("right", "virtual", f"virtual://{bundle.path}"),
        ("foreign", "nrf52840dk", "/dev/ttyACM9"),
    )
    out = tmp_path / "out"
    seen: list[tuple[int, int]] = []
    run = validate_fleet(
        bundle,
        "digits",
        hardware_map=boards,
        limit=LIMIT,
        out_dir=out,
        wait_s=0,
        progress=lambda done, total: seen.append((done, total)),
    )
    left, gone, right = run.boards
    for board in (left, right):
        assert board.run is not None
        assert board.run["bit_exact"]
        assert board.run["metrics"] == alone.metrics
        assert HilRun.read(board.folder).samples == LIMIT
        assert (Path(board.folder) / "report.html").is_file()
    assert gone.run is None
    assert gone.error == "There is no port /no/such/port."
    assert (run.samples, run.mismatched_samples, run.bit_exact) == (2 * LIMIT, 0, False)
    assert run.exit_code == ExitCode.BOARD
    assert run.left_out == {"foreign": "no board of `mcu boards` is called nrf52840dk"}
    assert FleetRun.read(out) == run
    page = (out / "report.html").read_text()
    assert all(text in page for text in ("1 of 3 boards failed", "/no/such/port", 'href="left/report.html"'))
    assert seen[-1] == (2 * LIMIT, 3 * LIMIT)


def test_boards_that_share_the_samples_find_together_what_one_finds_alone(
    bundle: Bundle, alone: HilRun, tmp_path: Path
):
    boards = _map(tmp_path, *((f"b{i}", "virtual", None) for i in range(3)))
    run = validate_fleet(
        bundle, "digits", hardware_map=boards, split=True, limit=LIMIT, out_dir=tmp_path / "out"
    )
    assert run.bit_exact
    assert run.exit_code == ExitCode.DONE
    together = run.platforms["virtual"]
    assert (together.boards, together.samples, together.metrics) == (3, LIMIT, alone.metrics)
    records = [HilRun.read(board.folder) for board in run.boards]
    ids = [[sample.id for sample in record.per_sample] for record in records]
    everything = [sample.id for sample in alone.per_sample]
    assert ids == [everything[k::3] for k in range(3)]
    # No cross-talk: each board's bytes are those of its own samples.
    whole = np.load(Path(alone.outputs or ""))
    for k, board in enumerate(run.boards):
        assert np.array_equal(np.load(Path(board.folder) / "outputs.npy"), whole[k::3])
    assert records[1].command.endswith("--part 2/3")


def test_parts_are_disjoint_and_together_everything(bundle: Bundle):
    plans = [make_plan(bundle, "digits", limit=25, part=(k, 4)).indices for k in range(4)]
    assert sorted(index for part in plans for index in part) == list(
        make_plan(bundle, "digits", limit=25).indices
    )


@pytest.mark.parametrize(("part", "says"), [((4, 4), "no part 5 of 4"), ((3, 4), "of 3 samples has none")])
def test_a_part_without_samples_is_refused_before_any_port_opens(
    bundle: Bundle, part: tuple[int, int], says: str
):
    with pytest.raises(BadInput, match=says):
        make_plan(bundle, "digits", limit=3, part=part)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--hardware-map", "MAP", "--port", "/dev/x"], "--port is for one board"),
        (["--hardware-map", "MAP", "--board", "nucleo_f446re"], "--board is for one board"),
        (["--split"], "--split is for several boards"),
        (["--part", "two"], "'two' is no part"),
    ],
)
def test_options_that_exclude_each_other_are_named(
    bundle: Bundle, tmp_path: Path, options: list[str], says: str
):
    boards = str(_map(tmp_path, ("a", "virtual", None)))
    given = [boards if option == "MAP" else option for option in options]
    done = CliRunner().invoke(app, ["validate", str(bundle.path), *given])
    assert isinstance(done.exception, BadInput)
    assert says in str(done.exception)


@pytest.fixture
def lasting_ports(bundle: Bundle) -> Iterator[list[str]]:
    """Ports of two boards that live on when nobody has them open."""
    with ExitStack() as stack:
        ports = []
        for _ in range(2):
            board = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "mcu.virtual", "--child", str(bundle.path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            stack.callback(board.kill)
            assert board.stdout is not None
            ports.append(json.loads(board.stdout.readline())["port"])
        yield ports


def test_ctrl_c_leaves_every_board_idle_and_keeps_what_was_done(
    bundle: Bundle, data: Dataset, lasting_ports: list[str], tmp_path: Path
):
    slow = "?faults=baud:4800"  # more than a minute for all samples: they must not end before the signal
    boards = _map(tmp_path, *((f"b{i}", "virtual", port + slow) for i, port in enumerate(lasting_ports)))
    out = tmp_path / "out"
    command = ["validate", str(bundle.path), "--hardware-map", str(boards), "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", "from mcu.cli import main; main()", *command],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    journals = [out / f"b{i}" for i in range(2)]
    while process.poll() is None and not all(_lines(folder) > 3 for folder in journals):
        time.sleep(0.1)
    assert process.poll() is None, process.communicate()
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == ExitCode.INTERRUPTED, said
    for i, port in enumerate(lasting_ports):
        record = json.loads((out / f"b{i}" / "hil_run.incomplete.json").read_text())
        assert 0 < record["samples"] < len(data.test)
        assert record["stopped_by"].startswith("KeyboardInterrupt")
        assert _lines(out / f"b{i}") > 3
        with open_port(port) as opened:  # only a board that nobody is connected to answers text
            assert MlperfClient(opened).command("name") == ["m-name-dut-[keras-tiny]", "m-ready"]
    fast = _map(tmp_path, *((f"b{i}", "virtual", port) for i, port in enumerate(lasting_ports)))
    seen: list[int] = []
    run = validate_fleet(
        bundle,
        "digits",
        hardware_map=fast,
        out_dir=out,
        resume=True,
        progress=lambda done, total: seen.append(done),
    )
    assert run.bit_exact
    assert seen[0] > 1  # what was answered before is not sent again
    for board in run.boards:
        record = HilRun.read(board.folder)
        assert len({sample.id for sample in record.per_sample}) == record.samples == len(data.test)


def _lines(folder: Path) -> int:
    """Of the journal that a run keeps."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl")) if folder.is_dir() else 0
