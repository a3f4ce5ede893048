"""Sectors are those of the reference manuals, and exactly those that the image covers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.boards import Board, get_board, load_boards
from mcu.errors import BadInput
from mcu.flash.image import Image, Segment
from mcu.flash.plan import ALIGNMENT, BLOCK_BYTES, STM32_FLASH_BASE, plan_sectors

KIB = 1024
STM32 = [board for board in load_boards().values() if board.chip.startswith("STM32")]


@pytest.mark.parametrize(
    ("board", "image_kib", "numbers", "sizes_kib"),
    [
        ("nucleo_f446re", 100, [0, 1, 2, 3, 4], [16, 16, 16, 16, 64]),  # RM0390
        ("qemu_stm32f405", 300, [0, 1, 2, 3, 4, 5, 6], [16, 16, 16, 16, 64, 128, 128]),  # RM0090
        ("nucleo_f746zg", 300, [0, 1, 2, 3, 4, 5], [32, 32, 32, 32, 128, 256]),  # RM0385
        ("nucleo_f767zi", 300, [0, 1, 2, 3, 4, 5], [32, 32, 32, 32, 128, 256]),  # RM0410
        ("nucleo_h743zi2", 300, [0, 1, 2], [128, 128, 128]),  # RM0433
        ("nucleo_l476rg", 5, [0, 1, 2], [2, 2, 2]),  # RM0351
        ("nucleo_l4r5zi", 9, [0, 1, 2], [4, 4, 4]),  # RM0432
    ],
)
def test_an_image_covers_the_sectors_of_the_reference_manual(
    board: str, image_kib: int, numbers: list[int], sizes_kib: list[int]
):
    sectors = plan_sectors(Image((Segment(STM32_FLASH_BASE, bytes(image_kib * KIB)),)), get_board(board))
    assert [sector.number for sector in sectors] == numbers
    assert [sector.size // KIB for sector in sectors] == sizes_kib


@given(
    board=st.sampled_from(STM32),
    at=st.integers(0, 60_000).map(lambda n: n * ALIGNMENT),
    size=st.integers(1, 40_000),
)
def test_the_blocks_are_the_image_and_lie_in_their_sectors(board: Board, at: int, size: int):
    assert board.flash_bytes
    at = min(at, (board.flash_bytes - size) // ALIGNMENT * ALIGNMENT)
    data = bytes(i * 7 % 251 for i in range(size))
    sectors = plan_sectors(Image((Segment(STM32_FLASH_BASE + at, data),)), board)
    blocks = [block for sector in sectors for block in sector.blocks]
    assert b"".join(block.data for block in blocks)[:size] == data
    assert sum(sector.image_bytes for sector in sectors) == size
    expected = STM32_FLASH_BASE + at
    for sector in sectors:
        assert sector.blocks
        for block in sector.blocks:
            assert block.address == expected
            assert block.address % ALIGNMENT == len(block.data) % ALIGNMENT == 0
            assert len(block.data) <= BLOCK_BYTES
            assert sector.address <= block.address
            assert block.address + len(block.data) <= sector.address + sector.size
            expected += len(block.data)


def test_an_image_that_does_not_fit_says_by_how_much():
    image = Image((Segment(STM32_FLASH_BASE, bytes(512 * KIB + 100)),))
    with pytest.raises(BadInput, match="does not fit: 'app' ends 100 bytes behind"):
        plan_sectors(image, get_board("nucleo_f446re"))


@pytest.mark.parametrize(
    ("address", "says"),
    [(0x2000_0000, "is for address 0x20000000"), (STM32_FLASH_BASE + 4, "not a multiple of 32")],
)
def test_a_segment_at_a_wrong_place_is_named(address: int, says: str):
    with pytest.raises(BadInput, match=says):
        plan_sectors(Image((Segment(address, b"x"),)), get_board("nucleo_f446re"))


def test_segments_that_overlap_or_are_empty_make_no_image():
    with pytest.raises(BadInput, match="overlap"):
        Image((Segment(0, bytes(10)), Segment(5, bytes(10), "model")))
    with pytest.raises(BadInput, match="empty"):
        Image((Segment(0, b""),))


def test_the_hash_of_an_image_knows_where_its_bytes_go():
    one, two = Image((Segment(0, b"ab"), Segment(2, b"c"))), Image((Segment(0, b"a"), Segment(1, b"bc")))
    assert one.sha256 != two.sha256
    assert one.sha256 == Image((Segment(0, b"ab", "x"), Segment(2, b"c", "y"))).sha256
