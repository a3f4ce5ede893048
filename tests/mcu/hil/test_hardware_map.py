"""The hardware map: what Zephyr's twister writes is read, and what cannot be right is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcu.errors import BadInput
from mcu.hil.hardware_map import HardwareMap, read_hardware_map

# As twister's documentation has it, with a board of ours and one that is not.
TWISTERS = """
- connected: true
  id: '000683290670'
  notes: An nrf5340dk is detected as an nrf52840dk with no serial port
  platform: nrf52840dk/nrf52840
  product: J-Link
  runner: nrfjprog
  serial: null
- connected: true
  fixtures: [gpio_loopback]
  id: 0671FF494956805087144312
  platform: nucleo_f446re/stm32f446xx
  product: STM32 STLink
  runner: openocd
  runner_params: [--cmd-pre-init, x]
  serial: /dev/ttyACM0
  baud: 921600
- connected: false
  id: OSHW000032254e4500128002ab98002784d1000097969900
  platform: unknown
  product: DAPLink CMSIS-DAP
  runner: pyocd
"""


def _read(tmp_path: Path, text: str) -> HardwareMap:
    path = tmp_path / "map.yml"
    path.write_text(text)
    return read_hardware_map(path)


def test_a_map_that_twister_wrote_gives_our_boards_and_says_which_are_not(tmp_path: Path):
    found = _read(tmp_path, TWISTERS)
    (board,) = found.boards
    assert (board.id, board.board.id, board.port) == (
        "0671FF494956805087144312",
        "nucleo_f446re",
        "/dev/ttyACM0",
    )
    assert (board.board.serial_baud, board.product) == (921600, "STM32 STLink")
    assert found.left_out == {"000683290670": "no board of `mcu boards` is called nrf52840dk/nrf52840"}


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("nucleo_f401re", "nucleo_f401re"),
        ("native_sim nucleo_f401re", "nucleo_f401re"),
        ("[native_sim, nucleo_f401re@C/stm32f401xe]", "nucleo_f401re"),
    ],
)
def test_a_platform_may_be_one_name_or_several_with_revision_and_chip(
    tmp_path: Path, platform: str, expected: str
):
    text = f"- {{connected: true, id: x, platform: {_quoted(platform)}, serial: /dev/ttyS0}}"
    assert _read(tmp_path, text).boards[0].board.id == expected


def _quoted(platform: str) -> str:
    return platform if platform.startswith("[") else f"'{platform}'"


def test_boards_that_need_no_port_may_have_none_and_one_url_makes_many(tmp_path: Path):
    text = "- {connected: true, id: a, platform: virtual}\n"
    text += "- {connected: true, id: b, platform: virtual, serial: virtual://x, serial_baud: 9600}\n"
    text += "- {connected: true, id: c, platform: virtual, serial: virtual://x}\n"
    assert [board.port for board in _read(tmp_path, text).boards] == [None, "virtual://x", "virtual://x"]


ONE = "- {connected: true, id: a, platform: virtual, serial: /dev/ttyS0}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a list"),
        ("connected: true", "not a list"),
        ("- [", "not YAML"),
        ("- {id: a, platform: virtual}", "entry 1 has no 'connected'"),
        (ONE + "- {connected: true, platform: virtual}", "entry 2 has no 'id'"),
        ("- {connected: true, id: a, platform: virtual, seral: x}", "unknown field 'seral'"),
        ("- {connected: maybe, id: a, platform: virtual}", "connected is 'maybe'"),
        ("- {connected: true, id: a, platform: virtual, baud: fast}", "baud is 'fast'"),
        ("- {connected: true, id: a, platform: virtual, baud: 0}", "baud is 0"),
        ("- {connected: true, id: a, platform: virtual, serial: 3}", "serial is 3"),
        (ONE + ONE, "the id 'a', which entry 1 has too"),
        (ONE + ONE.replace("id: a", "id: b"), "the port /dev/ttyS0, which entry 1 has too"),
        ("- {connected: false, id: a, platform: virtual}", "no connected board"),
        ("- {connected: true, id: a, platform: nucleo_f446re}", "a: it has no 'serial'"),
        ("- {connected: true, id: 0123, platform: virtual}", "id is 83"),
        (
            ONE.replace("id: a", "id: a/b") + ONE.replace("id: a", "id: a+b").replace("S0", "S1"),
            "punctuation",
        ),
    ],
)
def test_what_cannot_be_right_is_named_with_its_place(tmp_path: Path, text: str, says: str):
    with pytest.raises(BadInput) as caught:
        _read(tmp_path, text)
    assert says in str(caught.value)


def test_a_map_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(BadInput, match=r"Cannot read the hardware map .*nowhere\.yml"):
        read_hardware_map(tmp_path / "nowhere.yml")
