"""A slow line and a slow board cost time, not repetitions."""

from __future__ import annotations

import pytest

from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.line import Line
from tests.mcu.protocol.loop import Invert

FIRMWARE = LinkLimits(max_payload_bytes=512, window_bytes=4 * 504)


@pytest.mark.parametrize("baud", [1200, 9600, 115_200])
def test_nothing_is_sent_twice_on_a_slow_line(baud: int):
    line = Line(Invert(inputs=(5000,)), baud=baud, limits=FIRMWARE, delay_s=0.02)
    with line.connect(silence_s=60) as session:
        for _ in range(2):
            assert session.infer([bytes(5000)]).outputs == line.engine.expected([bytes(5000)])
        assert session.stats.retransmits == 0


def test_a_board_whose_clock_is_slower_than_ours_is_asked_for_its_result_once_from_the_second_inference_on():
    line = Line(Invert(inputs=(300,)), baud=921_600, limits=FIRMWARE, model_s=3.0)
    line.board._clock_ns = lambda: 0  # what an emulator's does while the computer does something else
    with line.connect() as session:
        assert session.infer([bytes(300)]).latency_us == 0
        before = session.stats.retransmits
        assert before > 0
        for _ in range(3):
            assert session.infer([bytes(300)]).outputs == line.engine.expected([bytes(300)])
        assert session.stats.retransmits == before
    assert line.engine.runs == 4


def test_chunks_that_arrive_behind_a_hole_are_progress():
    from mcu.protocol.messages import Ack
    from mcu.protocol.upload import Upload

    upload = Upload(request=1, inputs=[bytes(500)], chunk_bytes=100, window_bytes=500)
    upload.take(0)
    before = upload.confirmed
    upload.confirm(Ack(1, 0, next_offset=0, sack=0b11, window_bytes=500, last_seq=2))
    assert upload.confirmed == before + 2
