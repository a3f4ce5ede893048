"""Nobody answers: what else is on the line is found out and named."""

from __future__ import annotations

from pathlib import Path

import pytest

import mcu
from keras_tiny.data.sample import Dataset
from mcu.boards import get_board
from mcu.bundle import Bundle
from mcu.doubles.serve import OnPty
from mcu.doubles.stm32_rom import Stm32Rom
from mcu.doubles.usb_cable import UsbCable
from mcu.hil.connection import connect_board
from mcu.hil.silence import explain_silence
from mcu.protocol.diagnosis import Cause, NoAnswer
from mcu.virtual.baud import BaudRate
from mcu.virtual.board import BoardLink
from mcu.virtual.process import board_maker
from tests.mcu.protocol.loop import Invert, make_board


def _nobody(cause: Cause) -> NoAnswer:
    return NoAnswer("no answer to HELLO in 5.0 s.", hint="", cause=cause)


@pytest.mark.parametrize("baud", [921_600, 9_600])
def test_a_board_at_another_baud_rate_is_found_and_the_rate_named(tmp_path: Path, baud: int, bundle: Bundle):
    board = get_board("nucleo_f446re")
    with (
        UsbCable(lambda: make_board(Invert()), link=tmp_path / "board", baud=baud) as cable,
        pytest.raises(NoAnswer, match=f"At {baud} baud the board answers; 115200 was tried") as caught,
    ):
        connect_board(bundle, board=board, port=cable.port, timeout_s=0.5)
    assert "Reset it" in caught.value.hint


def test_a_rom_is_asked_only_if_that_is_allowed():
    for allowed in (False, True):
        rom = Stm32Rom(get_board("nucleo_f446re"))
        with OnPty(rom) as served:
            error = explain_silence(_nobody(Cause.BUSY), port=served.port, baud=115_200, ask_roms=allowed)
        assert ("An STM32 ROM answers, id 0x421" in error.message) == allowed


def test_nobody_at_any_rate_leaves_the_error_as_it_was(tmp_path: Path):
    class Deaf:
        def feed(self, data: bytes) -> bytes:
            return b""

    with UsbCable(Deaf, link=tmp_path / "board") as cable:
        error = explain_silence(_nobody(Cause.SILENCE), port=cable.port, baud=115_200)
    assert error.message == "no answer to HELLO in 5.0 s."


def _rated(bundle: Bundle) -> BoardLink:
    """The bundle's board on a line whose rate it raises when asked to."""
    board = board_maker(bundle.path)()
    link = getattr(board, "_link", board)
    link.baud = BaudRate(115_200, most=921_600)
    return link


def test_a_board_that_a_killed_host_left_at_a_raised_rate_is_led_back_and_validated(
    bundle: Bundle, data: Dataset, tmp_path: Path
):
    board = _rated(bundle)
    with UsbCable(lambda: board, link=tmp_path / "board") as cable:
        session = connect_board(bundle, board=get_board("virtual"), port=cable.port)
        assert board.baud is not None
        assert board.baud.rate == 921_600
        session._link.port.close()  # without a goodbye
        run = mcu.validate(bundle, data, port=cable.port, limit=5, out_dir=tmp_path / "out")
        assert run.bit_exact
        assert board.baud.rate == 115_200


@pytest.mark.slow  # ten seconds of silence
def test_a_board_that_starts_again_while_the_rate_is_raised_is_found_at_its_first_rate(
    bundle: Bundle, data: Dataset, tmp_path: Path
):
    class Restarting:
        """Its supply fails for a moment, behind its 30th run."""

        def __init__(self) -> None:
            self.link = _rated(bundle)
            self.baud = self.link.baud
            self.failed = False

        def feed(self, heard: bytes) -> bytes:
            said = self.link.feed(heard)
            if self.link.invocations == 30 and not self.failed:
                self.failed = True
                self.link = _rated(bundle)
                self.baud = self.link.baud
            return said

    board = Restarting()
    with UsbCable(lambda: board, link=tmp_path / "board") as cable:
        run = mcu.validate(bundle, data, port=cable.port, limit=40, out_dir=tmp_path / "out")
    assert board.failed
    assert run.bit_exact
    assert len(run.per_sample) == 40
    assert len(run.interruptions) == 1
