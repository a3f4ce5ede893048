"""FAULT: a program that failed on the board ends the inference with its cause and its registers."""

from __future__ import annotations

import pytest

from mcu.protocol.fault import BoardFault, Fault, FaultCause
from mcu.protocol.frame import Frame, encode_frame
from tests.mcu.protocol.loop import SESSION, Invert, Loop, make_board


def _fault(cause: int, *, text: bytes = b"") -> Fault:
    return Fault(cause, 0, 1, 0x0800_1234, 0x0800_5678, 0x2000_0BE8, 0x82, 0x4000_0000, 0x2000_00E8, text)


@pytest.mark.parametrize("cause", [*FaultCause, 77])
def test_the_host_names_the_cause_and_the_registers(cause: int):
    fault = _fault(cause, text=b"why")
    loop = Loop(make_board(Invert(inputs=(4,))))
    session = loop.connect()
    loop.down = lambda data: encode_frame(Frame(fault.frame_type, fault.pack(), 9, SESSION))
    with pytest.raises(BoardFault) as caught:
        session.infer([b"abcd"])
    assert caught.value.cause == cause
    assert caught.value.fault == fault
    for part in (
        "pc 0x08001234",
        "lr 0x08005678",
        "sp 0x20000be8",
        "address 0x200000e8",
        "(why)",
        "request 1",
    ):
        assert part in caught.value.message


def test_every_cause_has_words_of_its_own():
    words = {BoardFault(_fault(cause)).message for cause in FaultCause}
    assert len(words) == len(FaultCause)
