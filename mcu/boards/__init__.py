"""Boards as data: one TOML each, found by name."""

from mcu.boards.board import (
    BOARDS_VARIABLE,
    Board,
    FlashPlan,
    Method,
    SectorRun,
    UsbId,
)
from mcu.boards.load import board_problems, get_board, load_boards, packaged_boards

__all__ = [
    "BOARDS_VARIABLE",
    "Board",
    "FlashPlan",
    "Method",
    "SectorRun",
    "UsbId",
    "board_problems",
    "get_board",
    "load_boards",
    "packaged_boards",
]
