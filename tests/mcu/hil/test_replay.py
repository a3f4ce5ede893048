"""A recorded wire, played again without a board, gives the same files to the last byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import mcu
from keras_tiny.data.sample import Dataset
from mcu.bundle import Bundle
from mcu.doubles.usb_cable import UsbCable
from mcu.errors import BadInput, PortError
from mcu.transport.replay import ReplayDiverged
from mcu.virtual.process import board_maker
from tests.mcu.hil.test_resume import plug_in_again

LIMIT = 12
FILES = ("hil_run.json", "outputs.npy", "report.html")


@pytest.fixture
def cable(bundle: Bundle, tmp_path: Path) -> Iterator[UsbCable]:
    with UsbCable(board_maker(bundle.path), link=tmp_path / "board") as cable:
        yield cable


@pytest.fixture
def wire(bundle: Bundle, data: Dataset, tmp_path: Path, cable: UsbCable) -> Path:
    """A recording of a clean run."""
    path = tmp_path / "wire.jsonl"
    mcu.validate(bundle, data, port=cable.port, limit=LIMIT, out_dir=tmp_path / "out", record=path)
    return path


@pytest.mark.parametrize(
    "faults",
    [
        "",
        "?faults=flip:3e-4,drop:3e-4,insert:3e-4,seed:2",
        "?faults=delay:0.01,split:40",
        "?faults=unplug:1500",
    ],
    ids=["clean", "noise", "late", "unplugged"],
)
def test_the_replay_gives_the_same_files_to_the_last_byte(
    bundle: Bundle, data: Dataset, tmp_path: Path, cable: UsbCable, faults: str
):
    out, wire = tmp_path / "out", tmp_path / "wire.jsonl"
    run = mcu.validate(bundle, data, port=cable.port + faults, limit=LIMIT, out_dir=out, record=wire)
    assert run.bit_exact
    assert bool(run.interruptions) == ("unplug" in faults)
    files = {name: (out / name).read_bytes() for name in FILES}
    for name in FILES:
        (out / name).unlink()
    for _ in range(2):
        again = mcu.validate(bundle, data, port=f"replay://{wire}", limit=LIMIT, out_dir=out)
        assert {name: (out / name).read_bytes() for name in FILES} == files
    assert again.port == cable.port + faults
    assert again.round_trip_us == run.round_trip_us


def test_a_run_over_a_cable_that_was_pulled_is_replayed_with_its_interruption(
    bundle: Bundle, data: Dataset, tmp_path: Path, cable: UsbCable
):
    out, wire = tmp_path / "out", tmp_path / "wire.jsonl"
    thread = plug_in_again(cable, cuts=[1500])
    run = mcu.validate(bundle, data, port=cable.port, limit=LIMIT, out_dir=out, record=wire)
    thread.join()
    first = (out / "hil_run.json").read_bytes()
    said: list[str] = []
    again = mcu.validate(bundle, data, port=f"replay://{wire}", limit=LIMIT, out_dir=out, notice=said.append)
    assert len(run.interruptions) == len(said) == 1
    assert again == run
    assert (out / "hil_run.json").read_bytes() == first


def test_a_run_that_failed_fails_again_in_the_same_words(
    bundle: Bundle, data: Dataset, tmp_path: Path, cable: UsbCable
):
    wire = tmp_path / "wire.jsonl"
    said = []
    for port, record in ((f"{cable.port}?faults=unplug:1500", wire), (f"replay://{wire}", None)):
        with pytest.raises(PortError) as caught:
            mcu.validate(
                bundle, data, port=port, limit=LIMIT, out_dir=tmp_path / "out", record=record, wait_s=0
            )
        said.append(str(caught.value))
    assert "unplugged it at byte 1500" in said[0]
    assert said[0] == said[1]


def test_another_run_than_the_recorded_one_is_told_where_it_leaves(
    bundle: Bundle, data: Dataset, tmp_path: Path, wire: Path
):
    with pytest.raises(
        ReplayDiverged, match=r"leaves the recording at line \d+ of .*the host wrote .* now"
    ) as caught:
        mcu.validate(bundle, data, port=f"replay://{wire}", limit=LIMIT, seed=9, out_dir=tmp_path / "out")
    assert "same bundle, data" in caught.value.hint


def test_a_recording_that_ends_early_is_named(bundle: Bundle, data: Dataset, tmp_path: Path, wire: Path):
    lines = wire.read_text().splitlines(keepends=True)
    wire.write_text("".join(lines[: len(lines) // 2]))
    with pytest.raises(ReplayDiverged, match="comes no more, the host wants to"):
        mcu.validate(bundle, data, port=f"replay://{wire}", limit=LIMIT, out_dir=tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("", "Line 1 of .* is none of a recording"),
        ("[1]\n", "Line 1 of .* is none of a recording"),
        ('{"format_version":2}\n', "not a recording of format version 1"),
        ('{"format_version":1}\nnoise\n', "Line 2 of .* is none of a recording"),
    ],
)
def test_a_file_that_is_no_recording_is_named(
    bundle: Bundle, data: Dataset, tmp_path: Path, content: str | None, says: str
):
    path = tmp_path / "wire.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=says):
        mcu.validate(bundle, data, port=f"replay://{path}", limit=LIMIT, out_dir=tmp_path / "out")


def test_a_recording_that_cannot_be_written_fails_before_the_port_opens(
    bundle: Bundle, data: Dataset, tmp_path: Path
):
    with pytest.raises(BadInput, match=r"recording .* cannot be written"):
        mcu.validate(bundle, data, port=str(tmp_path / "none"), out_dir=tmp_path / "out", record=tmp_path)


def test_a_recording_is_lines_of_json_with_the_bytes_of_the_wire(wire: Path):
    head, *events = [json.loads(line) for line in wire.read_text().splitlines()]
    assert head["format_version"] == 1
    assert head["command"].startswith("mcu validate ")
    assert {event[0] for event in events} == {"open", "clock", "nonce", "write", "read"}
