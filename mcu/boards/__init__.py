"""Boards as data: one TOML each, found by name."""

from mcu.boards.board import (
    BOARDS_VARIABLE,
    Board,
    FlashPlan,
    Method,
    SectorRun,
    UsbId,
    get_board,
    load_boards,
)

__all__ = [
    "BOARDS_VARIABLE",
    "Board",
    "FlashPlan",
    "Method",
    "SectorRun",
    "UsbId",
    "get_board",
    "load_boards",
]
