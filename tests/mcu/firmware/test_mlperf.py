"""MLPerf Tiny's client against every kind of board: the whole table of commands, and results that are the desk's."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mcu.cli import app
from mcu.errors import BadInput
from mcu.protocol.mlperf_model import MlperfModel
from mcu.protocol.mlperf_tiny import MlperfTiny
from mcu.protocol.session import Session
from mcu.tflm import TflmInterpreter
from mcu.transport import open_port
from tests.mcu.firmware.conftest import TOOLS, url_of
from tests.mcu.protocol.mlperf import lines_of
from tests.mcu.protocol.mlperf_client import BYTES_PER_LINE, LAP, NAME, PROFILE, RESULTS, MlperfClient
from tests.support import require

BOARDS = ("virtual_tflm", "virtual_c", "qemu_stm32f405")
SAMPLES = 4
TABLE = [
    *("name", "timestamp", "profile", "help", "results", "db print", "infer", "results"),
    *(
        "db",
        "db load",
        "db load 0",
        "db load 193",
        "db 00",
        "db load 8",
        "db 0001020304050607",
        "db 08",
        "db print",
    ),
    *(
        "db load 4",
        "db 001",
        "db 00zz",
        "db 00010203ff",
        "infer 1 0",
        "db load 192",
        *["db " + "5a" * 31] * 6,
    ),
    *("infer 1 0", "db 5a5a5a5a5a5a", "infer 3 2", "infer 0", "infer 1 -1", "results", "frobnicate", ""),
    *(" ", "x" * 80, "x" * 81, "name" + " " * 400, "name"),
]


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest) -> str:
    for tool in (*TOOLS[request.param], "module:tflite_micro"):
        require(tool)
    return str(request.param)


@pytest.fixture
def url(board: str, models: dict[str, Path]) -> str:
    url = url_of(board, models["classifier"])
    return f"{url}{'&' if '?' in url else '?'}mlperf=ic01"


@pytest.fixture
def client(url: str) -> Iterator[MlperfClient]:
    with open_port(url) as port:
        client = MlperfClient(port)
        unasked = client.wait_for_board().replace(b"m-ready\r\n", b"")
        assert not unasked, "text after opening would answer the first command"
        yield client


@pytest.fixture
def desk(models: dict[str, Path]) -> TflmInterpreter:
    return TflmInterpreter(models["classifier"].read_bytes())


def _results(desk: TflmInterpreter, sample: bytes) -> tuple[str, ...]:
    """The desk's answer to a picture of these bytes, as the runner reads it."""
    (image,), (scores,) = desk.inputs, desk.outputs
    pixels = (np.frombuffer(sample, np.uint8).astype(np.int16) - 128).astype(np.int8)
    (answer,) = desk.invoke([pixels.reshape(image.shape)])
    return tuple(f"{real:.3f}" for real in scores.dequantize(answer).ravel().tolist())


def test_a_board_says_nothing_unasked(client: MlperfClient):
    assert client.command("name") == ["m-name-dut-[keras-tiny]", "m-ready"]
    assert client.drain() == b""


def test_the_runner_learns_who_it_is_and_runs_samples_whose_results_are_the_desks(
    client: MlperfClient, desk: TflmInterpreter
):
    assert client.one(NAME, client.command("name")) == "keras-tiny"
    profile = client.command("profile")
    assert [match[2] for line in profile if (match := PROFILE.match(line))] == [
        "ULPMark for tinyML Firmware V0.0.1",
        "ic01",
    ]
    rng = np.random.default_rng(9)
    for warmup in range(SAMPLES):
        sample = rng.bytes(desk.inputs[0].nbytes)
        answers = client.load(sample)
        assert answers[-2:] == ["m-load-done", "m-ready"]
        assert not [line for line in answers if line.startswith("e-")]
        inferred = client.infer(2, warmup)
        assert inferred.results == _results(desk, sample)
        assert inferred.us > 0
        assert tuple(client.one(RESULTS, client.command("results")).split(",")) == inferred.results


def test_the_whole_table_is_answered_as_by_the_definition(client: MlperfClient, desk: TflmInterpreter):
    definition = MlperfTiny(desk, model=MlperfModel("ic01"), clock_ns=itertools.count().__next__)
    for command in TABLE:
        expected = lines_of(definition.feed(f"{command}%".encode()))
        assert [re.sub(LAP, "m-lap-us-*", line) for line in client.command(command)] == expected, command


@pytest.mark.parametrize("board", ["qemu_stm32f405"], indirect=True)
def test_laps_tell_the_time_of_the_runs_between_them(client: MlperfClient, desk: TflmInterpreter):
    client.load(bytes(desk.inputs[0].nbytes))
    few, many = client.infer(20, 1).us, client.infer(400, 1).us
    assert many == pytest.approx(20 * few, rel=0.01)  # an instruction takes as long as any other there


def test_a_session_and_the_runner_take_turns_on_one_port(
    url: str, board: str, desk: TflmInterpreter, monkeypatch: pytest.MonkeyPatch
):
    sample = bytes(range(192))
    expected = desk.invoke([np.frombuffer(sample, np.int8).reshape(desk.inputs[0].shape)])[0].tobytes()
    with open_port(url) as port:
        monkeypatch.setattr(port, "close", lambda: None)  # a session ends with its port; this one lives on
        client = MlperfClient(port)
        client.wait_for_board()
        for _ in range(2):
            assert client.one(NAME, client.command("name")) == "keras-tiny"
            client.load(sample)
            assert client.infer(1, 0).results == _results(desk, sample)
            with Session.connect(port) as session:
                assert session.infer([sample]).outputs == (expected,)
        monkeypatch.undo()


def test_lines_of_data_are_as_short_as_the_protocol_wants():
    assert len("db " + "00" * BYTES_PER_LINE + "%") <= 80


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["build", "MODEL", "--mlperf", "ad01"], "neither pictures nor int8"),
        (["build", "MODEL", "--mlperf", "a]b"], "no model id"),
        (["build", "MODEL", "--mlperf", "ic01", "--emit", "x"], "for firmware, not for a sketch or C files"),
        (["flash", "MODEL", "--mlperf", "ic01", "--model-only"], "not for a model alone"),
    ],
)
def test_what_cannot_have_the_protocol_is_refused_by_name(
    models: dict[str, Path], options: list[str], says: str
):
    given = [str(models["classifier"]) if option == "MODEL" else option for option in options]
    done = CliRunner().invoke(app, given)
    assert isinstance(done.exception, BadInput)
    assert says in str(done.exception)


@pytest.mark.parametrize("scheme", ["virtual", "qemu"])
def test_an_id_that_the_runner_could_not_read_is_refused_in_a_ports_name(
    models: dict[str, Path], scheme: str
):
    with pytest.raises(BadInput, match="no model id"):
        open_port(f"{scheme}://{models['classifier']}?mlperf=a]b")
