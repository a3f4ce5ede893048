"""Bytes of code before anything is compiled: the table code_bytes.csv, measured on real builds.

Rows of a kernel: its C file compiled for a target, flash. Rows of a port: everything of a firmware that is not the
model: start-up, link, C library, stacks; flash and RAM. `python -m tests.benchmarks.code_bytes` writes the table.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_suffix(".csv")


class CodeBytes(NamedTuple):
    """One row: `of` is a target of `mcu.firmware.gcc.TARGETS` or a port, `part` a C file or "firmware"."""

    of: str
    part: str
    flash_bytes: int
    ram_bytes: int


@cache
def code_bytes() -> dict[tuple[str, str], CodeBytes]:
    """(of, part) → row."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = [
            CodeBytes(row["of"], row["part"], int(row["flash_bytes"]), int(row["ram_bytes"]))
            for row in csv.DictReader(file)
        ]
    return {(row.of, row.part): row for row in rows}


def kernel_bytes(target: str, source: str) -> int:
    """Flash of a kernel's C file on a target."""
    return code_bytes()[target, source].flash_bytes


def port_bytes(port: str) -> CodeBytes:
    """Flash and RAM of a port's firmware without its model."""
    return code_bytes()[port, "firmware"]
