"""A board that the host resets starts again, on every kind of board, behind the same port."""

from __future__ import annotations

from pathlib import Path

from mcu.protocol.session import Session
from mcu.transport import open_port
from tests.mcu.firmware.conftest import url_of


def test_a_board_starts_again_when_the_host_says_so(board: str, models: dict[str, Path]):
    inputs = [bytes(range(192))]
    with Session.connect(open_port(url_of(board, models["classifier"]))) as before:
        expected = before.infer(inputs).outputs
        assert before.device_stats().invocations == 1
        before.reset()
        again = Session.connect(before._link.port, timeout_s=20)
        assert again._link.session != before._link.session
        assert again.device_stats().invocations == 0
        if board != "virtual_c":  # a process remembers nothing
            assert again.identity.boot_count == before.identity.boot_count + 1  # type: ignore[operator]
        assert again.infer(inputs).outputs == expected
