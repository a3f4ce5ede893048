"""A misbehaving line around real ports: results stay exact, and what cannot be repaired has one error."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mcu.doubles.usb_cable import UsbCable
from mcu.errors import BadInput
from mcu.protocol import BoardReset, Session
from mcu.tflm import TflmInterpreter
from mcu.transport import PortGone, PortOpener, open_port
from mcu.transport.faults import Faults
from mcu.transport.faulty_port import FaultyLine, Unplugged
from tests.mcu.protocol.loop import Invert, make_board
from tests.mcu.transport.conftest import Pty

IMAGE = (1, 8, 8, 3)


NOISE = "flip:1e-4,drop:3e-4,insert:3e-4,duplicate:3e-4,seed:1"


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[UsbCable]:
    """A board of this process, with a model of known answers, at a port."""
    with UsbCable(lambda: make_board(Invert()), link=tmp_path / "board") as cable:
        yield cable


def test_every_answer_is_exact_on_a_virtual_boards_bad_line(model_path: Path, desk: TflmInterpreter):
    rng = np.random.default_rng(0)
    with Session.connect(open_port(f"virtual://{model_path}?faults={NOISE}"), timeout_s=20) as session:
        for _ in range(60):
            image = rng.integers(-128, 128, IMAGE, np.int8)
            assert session.infer([image.tobytes()]).outputs == (desk.invoke([image])[0].tobytes(),)
        assert session.stats.retransmits > 0


@pytest.mark.parametrize(
    "faults",
    [
        NOISE,
        "burst:2e-5,only:down,seed:2",
        "truncate:0.02,seed:3",
        "delay:0.002,split:700",
        "coalesce:0.003",
        "baud:921600",
        "stall:0.3@5000",
    ],
)
def test_every_answer_is_exact_on_a_bad_line(faults: str, cable: UsbCable):
    rng = np.random.default_rng(0)
    engine = Invert()
    with Session.connect(open_port(f"{cable.port}?faults={faults}"), timeout_s=20) as session:
        for _ in range(20):
            data = [rng.bytes(3000)]
            assert session.infer(data).outputs == engine.expected(data)
    assert cable.board.invocations == 20


def test_a_port_of_this_computer_misbehaves_just_as_a_url(line: Pty):
    with open_port(f"{line.path}?faults=duplicate:0.5,seed:4") as port:
        port.write(bytes(range(200)), timeout_s=1)
        up = os.read(line.board_fd, 1000)
        os.write(line.board_fd, bytes(range(200)))
        down = port.read(timeout_s=1)
        assert port.name == line.path
    for got in (up, down):
        assert 250 < len(got) < 350
        assert list(dict.fromkeys(got)) == list(range(200))


@pytest.mark.parametrize(("only", "harmed", "whole"), [("up", "up", "down"), ("down", "down", "up")])
def test_one_direction_can_be_spared(line: Pty, only: str, harmed: str, whole: str):
    with open_port(f"{line.path}?faults=drop:0.5,only:{only}") as port:
        port.write(bytes(200), timeout_s=1)
        os.write(line.board_fd, bytes(200))
        got = {"up": len(os.read(line.board_fd, 1000)), "down": len(port.read(timeout_s=1))}
    assert got[whole] == 200
    assert 50 < got[harmed] < 150


def test_a_split_line_hands_over_few_bytes_at_once(line: Pty):
    with open_port(f"{line.path}?faults=split:3") as port:
        os.write(line.board_fd, b"abcdefgh")
        assert [port.read(timeout_s=1) for _ in range(3)] == [b"abc", b"def", b"gh"]
        assert port.read(timeout_s=0) == b""


def test_a_coalescing_line_hands_over_several_writes_at_once(line: Pty):
    with open_port(f"{line.path}?faults=coalesce:0.2") as port:
        port.write(b"abc", timeout_s=1)
        port.write(b"def", timeout_s=1)
        os.write(line.board_fd, b"12")
        assert port.read(timeout_s=0.05) == b""
        assert os.read(line.board_fd, 100) == b"abcdef"
        os.write(line.board_fd, b"34")
        assert port.read(timeout_s=2) == b"1234"


def test_a_line_with_a_baud_rate_takes_its_time(line: Pty):
    with open_port(f"{line.path}?faults=baud:9600") as port:
        assert port.line_bytes_per_s == 960
        begin = time.monotonic()
        port.write(bytes(192), timeout_s=1)
        assert time.monotonic() - begin >= 0.19
        os.write(line.board_fd, bytes(192))
        begin, got = time.monotonic(), b""
        while len(got) < 192:
            got += port.read(timeout_s=1)
        assert time.monotonic() - begin >= 0.19


def test_an_unplugged_port_is_named_with_the_byte_and_comes_back(model_path: Path, desk: TflmInterpreter):
    opener = PortOpener(f"virtual://{model_path}?faults=unplug:3000,away:0.3")
    image = np.zeros(IMAGE, np.int8)
    first = opener.open()
    pid = first.board_pid

    def run(session: Session, inferences: int) -> None:
        for _ in range(inferences):
            assert session.infer([image.tobytes()]).outputs == (desk.invoke([image])[0].tobytes(),)

    with (
        pytest.raises(PortGone, match="its faults have unplugged it at byte 3000"),
        Session.connect(first) as s,
    ):
        run(s, 100)
    with Session.connect(opener.open(timeout_s=5)) as session:
        run(session, 30)
        assert session._link.port.board_pid != pid  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", ["tflm", pytest.param("c", marks=pytest.mark.slow)])
def test_a_reset_board_is_noticed_and_starts_afresh(model_path: Path, engine: str):
    with open_port(f"virtual://{model_path}?engine={engine}&faults=reset:3000") as port:

        def run() -> None:
            session = Session.connect(port)
            for _ in range(100):
                session.infer([bytes(192)])

        with pytest.raises(BoardReset, match="started again"):
            run()
        session = Session.connect(port)
        assert session.identity.reset_cause in ("reset button", "process start")
        session.infer([bytes(192)])


def test_a_board_that_has_no_button_here_is_refused(line: Pty):
    with pytest.raises(BadInput, match="cannot be reset from here"):
        open_port(f"{line.path}?faults=reset:100")
    with open_port(line.path):
        pass  # and given back


def test_faults_with_a_typing_error_are_refused_before_a_board_starts():
    with pytest.raises(BadInput, match="Did you mean flip"):
        open_port("virtual://no-such-bundle?faults=filp:1e-3")


def test_an_unplugged_port_is_away_for_the_time_asked_for():
    now_s = 0.0
    line = FaultyLine(Faults.parse("away:2"), clock=lambda: now_s)
    line.away_until = line.clock() + line.faults.away
    with pytest.raises(
        Unplugged, match=r"no port COM3: its faults have unplugged it\. It comes back in 2\.0 s"
    ):
        line.require_plugged("COM3")
    now_s = 2.0
    line.require_plugged("COM3")


def test_what_was_done_at_counted_places_is_kept():
    line = FaultyLine(Faults.parse("reset:10+40,unplug:25"))
    while line.carried < 60:
        line.carry(7)
    assert line.committed == ["reset at byte 10", "unplug at byte 25", "reset at byte 40"]
