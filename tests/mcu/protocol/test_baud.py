"""Raising the rate of a line: as far as it carries, back where it does not, and never for longer than two seconds."""

from __future__ import annotations

import pytest

from mcu.protocol.baud import LADDER
from mcu.protocol.messages import Feature
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.line import Line
from tests.mcu.protocol.loop import Invert, Loop, make_board

FIRMWARE = LinkLimits(max_payload_bytes=768, window_bytes=2 * 760)
TINY = LinkLimits(max_payload_bytes=64, window_bytes=112)


def _line(**changes: object) -> Line:
    return Line(Invert(inputs=(300,)), **{"limits": FIRMWARE, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("limits", [FIRMWARE, TINY], ids=["768", "64"])
def test_a_good_line_gets_the_highest_rate(limits: LinkLimits):
    line = _line(limits=limits)
    with line.connect() as session:
        assert session.raise_baud() == 2_000_000 == line.baud == line.board_baud
        assert session.infer([bytes(300)]).outputs == line.engine.expected([bytes(300)])
        line.now_s += 60  # confirmed: nothing goes back by itself
        assert session.infer([bytes(300)]).outputs == line.engine.expected([bytes(300)])
        assert session.stats.crc_errors == 0


@pytest.mark.parametrize(
    ("garble_above", "rate"), [(1_700_000, 1_500_000), (1_000_000, 921_600), (500_000, 460_800)]
)
def test_a_line_that_garbles_high_rates_gets_the_next_lower_one_within_two_seconds(
    garble_above: int, rate: int
):
    line = _line(garble_above=garble_above, delay_s=0.001)
    with line.connect() as session:
        begin_s = line.now_s
        assert session.raise_baud() == rate == line.baud == line.board_baud
        assert line.now_s - begin_s < 2.0
        assert session.infer([bytes(300)]).outputs == line.engine.expected([bytes(300)])


def test_a_line_that_garbles_every_higher_rate_stays_alive_at_its_own_within_two_seconds():
    line = _line(garble_above=115_200, delay_s=0.001)
    with line.connect() as session:
        begin_s = line.now_s
        assert session.raise_baud() == 115_200 == line.baud == line.board_baud
        assert line.now_s - begin_s < 2.0
        assert session.infer([bytes(300)]).outputs == line.engine.expected([bytes(300)])


def test_rates_that_the_board_has_not_are_refused_and_left_out():
    line = _line(most_baud=1_000_000)
    with line.connect() as session:
        begin_s = line.now_s
        assert session.raise_baud() == 921_600 == line.board_baud
        assert line.now_s - begin_s < 1.0
        assert session.device_stats().refused == 2


def test_rates_below_the_lines_own_are_not_tried():
    line = _line(baud=921_600, most_baud=921_600)
    with line.connect() as session:
        assert session.raise_baud() == 921_600
        assert session.device_stats().refused == 2


def test_a_board_that_never_hears_of_the_new_rate_is_back_within_half_a_second():
    line = _line()
    with line.connect() as session:
        change, line.set_baud = line.set_baud, lambda baud: None  # type: ignore[method-assign]
        assert session.raise_baud((921_600,)) == 115_200
        line.set_baud = change  # type: ignore[method-assign]
        assert line.board_baud == 115_200


def test_the_rate_is_the_first_one_again_after_the_session():
    line = _line()
    with line.connect() as session:
        session.raise_baud()
    line.now_s += 1
    assert line.board_baud == 115_200


def test_where_the_rate_is_of_no_importance_none_is_tried():
    with Loop(make_board(Invert())).connect() as session:
        assert not session.terms.features & Feature.SET_BAUD
        assert session.raise_baud() is None


def test_the_ladder_is_climbed_from_above():
    assert list(LADDER) == sorted(LADDER, reverse=True)
