"""More bytes than the receive buffer of an emulated board holds: the line waits, the board goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcu.protocol.frame import Frame, FrameReader, encode_frame
from mcu.protocol.messages import Fetch, Object, Type
from mcu.protocol.session import Session
from mcu.transport import open_port
from tests.mcu.firmware.conftest import EMULATED, TOOLS, url_of
from tests.support import require

FETCHES = 300  # 8 KB at once, into a buffer of 2.6 KB


@pytest.mark.parametrize("board_id", EMULATED)
def test_a_board_that_is_asked_for_more_than_it_can_note_answers_everything(
    models: dict[str, Path], board_id: str
):
    for tool in TOOLS[board_id]:
        require(tool)
    with Session.connect(open_port(url_of(board_id, models["classifier"]))) as session:
        session.infer([bytes(spec.nbytes) for spec in session.identity.inputs])
        port = session._link.port
        fetch = Fetch(0, Object.IDENTITY, 0, session.terms.identity_bytes)
        wire = encode_frame(Frame(fetch.frame_type, fetch.pack(), 0, session._link.session))
        port.write(wire * FETCHES, timeout_s=10)
        reader, chunks = FrameReader(), 0
        while chunks < FETCHES and (data := port.read(timeout_s=10)):
            chunks += sum(frame is not None and frame.type == Type.CHUNK for frame in reader.feed(data))
        assert chunks == FETCHES
        counted = session.device_stats()
    assert (counted.frames_damaged, counted.overruns, counted.refused) == (0, 0, 0)
