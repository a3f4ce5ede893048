"""Boards: every packaged TOML keeps the contract; bad files and names get one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcu.boards import BOARDS_VARIABLE, Board, UsbId, get_board, load_boards
from mcu.boards.board import PACKAGED_BOARDS
from mcu.errors import BadInput

SMALL = 'name = "my board"\nchip = "STM32F446RET6"\ncore = "cortex-m4f"\nreset = "stlink"\n'
FLASH = '[flash]\nmethod = "stlink"\n'


def get_packaged() -> set[str]:
    return {path.stem for path in PACKAGED_BOARDS.glob("*.toml")}


@pytest.fixture(params=sorted(load_boards()))
def board(request: pytest.FixtureRequest) -> Board:
    return get_board(request.param)


def test_the_boards_of_the_table_are_there():
    assert set(load_boards()) >= {
        *("esp32_devkitc", "esp32_cam", "esp32_s3_devkitc", "esp32_s3_eye", "xiao_esp32_s3_sense"),
        *("esp32_c3_devkitm", "esp32_c6_devkitc"),
        *(
            "nucleo_f401re",
            "nucleo_f411re",
            "nucleo_f446re",
            "nucleo_f746zg",
            "nucleo_f767zi",
            "nucleo_h743zi2",
        ),
        *("nucleo_l476rg", "nucleo_l4r5zi", "blackpill_f411ce", "stm32f4discovery", "b_l475e_iot01a"),
        *("qemu_stm32f405", "virtual"),
    }


def test_a_board_that_holds_an_image_says_where_it_goes_and_how_much_fits(board: Board):
    if board.flash.method == "virtual":
        assert (board.flash_bytes, board.ram_bytes, board.clock_hz) == (None, None, None)
        return
    assert "app" in board.flash.addresses
    assert board.flash_bytes
    assert board.ram_bytes
    if board.chip.startswith(("MPS2", "QEMU")):
        return  # machines that are no chip: nobody flashes them
    assert board.clock_hz
    assert board.flash.rom_id is not None


def test_sectors_cover_the_flash_without_gaps(board: Board):
    starts = list(board.sector_starts())
    assert len(starts) == sum(run.count for run in board.flash.sectors)
    assert starts == sorted(set(starts))
    if starts:
        assert starts[0] == 0
        assert starts[-1] + board.flash.sectors[-1].bytes == board.flash_bytes


def test_every_number_of_a_packaged_board_has_a_source_beside_it(board: Board):
    text = (Path(__file__).parents[3] / "mcu" / "boards" / f"{board.id}.toml").read_text()
    lines = text.splitlines()
    for key in ("clock_hz", "flash_bytes", "ram_bytes", "rom_id", "size_register", "mbed_code"):
        for at, line in enumerate(lines):
            if line.startswith(f"{key} ="):
                assert "#" in line or lines[at - 1].startswith("#"), f"{key} has no source"


def test_a_board_with_an_emulator_names_the_machine_and_no_other_does(board: Board):
    assert bool(board.qemu_machine) == (board.flash.method == "qemu")


def test_a_board_cannot_be_changed(board: Board):
    with pytest.raises(ValueError, match="frozen"):
        board.ram_bytes = 1  # type: ignore[misc]


def test_sector_starts_of_the_f446_are_those_of_the_reference_manual():
    assert list(get_board("nucleo_f446re").sector_starts()) == [
        0,
        0x4000,
        0x8000,
        0xC000,
        0x1_0000,
        0x2_0000,
        0x4_0000,
        0x6_0000,
    ]


STM32 = [board for board in load_boards().values() if board.chip.startswith("STM32")]


@pytest.mark.parametrize("board", STM32, ids=lambda board: board.id)
def test_an_stm32_has_what_its_rom_is_checked_by(board: Board):
    assert "stm32_uart" in (board.flash.method, *board.flash.also)
    assert board.flash.sectors
    assert board.flash.size_register


def test_chips_whose_roms_answer_alike_are_those_of_the_application_note():
    named: dict[int, set[str]] = {}
    for board in STM32:
        assert board.flash.rom_id is not None
        named.setdefault(board.flash.rom_id, set()).add(board.chip[:9])
    shared = {rom_id: chips for rom_id, chips in named.items() if len(chips) > 1}
    assert shared == {0x413: {"STM32F405", "STM32F407"}, 0x415: {"STM32L475", "STM32L476"}}  # ST AN2606


def test_a_typing_error_in_a_name_gets_near_names():
    with pytest.raises(BadInput, match=r"no board named 'nucleo_f44re'.*Did you mean nucleo_f446re"):
        get_board("nucleo_f44re")


def test_a_name_like_no_other_gets_the_list():
    with pytest.raises(BadInput, match=r"Known: .*esp32_c3_devkitm, .*virtual"):
        get_board("zzz")


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_folder_of_the_users_own_adds_boards(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_board.toml").write_text(SMALL + 'usb = ["10C4:EA60"]\n' + FLASH)
    folder = None
    if how == "argument":
        folder = tmp_path
    else:
        monkeypatch.setenv(BOARDS_VARIABLE, str(tmp_path))
    mine = get_board("my_board", folder=folder)
    assert mine.id == "my_board"
    assert mine.usb == (UsbId(0x10C4, 0xEA60),)
    assert str(mine.usb[0]) == "10c4:ea60"
    assert set(load_boards(folder=folder)) == {*get_packaged(), "my_board"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SMALL + "flash_byts = 1\n" + FLASH, "key 'flash_byts'.*Did you mean 'flash_bytes'"),
        (SMALL + 'flash_bytes = "512k"\n' + FLASH, "key 'flash_bytes'.*integer"),
        (SMALL, "key 'flash'.*required"),
        (SMALL + '[flash]\nmethod = "telepathy"\n', "key 'flash.method'.*'esptool'"),
        (SMALL + 'usb = ["3:4"]\n' + FLASH, "key 'usb'.*'3:4' is not a USB identity"),
        (
            SMALL + "flash_bytes = 10\n" + FLASH + "sectors = [{ count = 1, bytes = 4 }]\n",
            "add up to 4 bytes, flash_bytes is 10",
        ),
        ("name = ", "cannot be read"),
    ],
)
def test_a_bad_board_file_is_named_with_its_key(text: str, says: str, tmp_path: Path):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(BadInput, match=f"mine.toml.*{says}"):
        get_board("mine", folder=tmp_path)


def test_two_boards_of_one_name_are_an_error_not_a_choice(tmp_path: Path):
    (tmp_path / "virtual.toml").write_text(SMALL + FLASH)
    with pytest.raises(BadInput, match="'virtual' is described twice"):
        get_board("virtual", folder=tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(BadInput, match=r"folder of boards .*nowhere"):
        load_boards(folder=tmp_path / "nowhere")
