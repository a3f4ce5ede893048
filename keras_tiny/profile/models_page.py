"""Which model fits which board, as Markdown: `python -m keras_tiny.profile.models_page > docs/reference/models.md`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from keras_tiny.models import MODELS
from keras_tiny.models.table import TableRow, read_table
from mcu.boards import Board, packaged_boards

# What the firmware around the model takes, in round figures: in flash the interpreter with the kernels of one model,
# the link and the C library; in RAM the link's buffers, stack and heap.
FIRMWARE_FLASH_BYTES = 128 << 10
FIRMWARE_RAM_BYTES = 32 << 10

_HEAD = f"""\
# Models

Written by `python -m keras_tiny.profile.models_page > docs/reference/models.md` from `keras_tiny/models/table.csv`.
That table is written by `python -m keras_tiny.export.make_table`, which builds every variant, and exports those for
boards as int8 with random weights to measure them in TensorFlow Lite Micro. `keras-tiny models` prints the same
numbers, and `keras-tiny profile NAME width=0.5` measures what is not listed. To add a model, see
[how to add a model](../how_to/add_a_model.md).

- **int8 file** lies in flash. **Arena** is TensorFlow Lite Micro's RAM, estimated for 32-bit pointers from what was
  measured on a 64-bit host.
- **Fits** means: file and {FIRMWARE_FLASH_BYTES >> 10} KiB of firmware in flash, arena and
  {FIRMWARE_RAM_BYTES >> 10} KiB for link, stack and heap in RAM. External RAM is not counted; flash is counted whole,
  without a second slot for updates.
- MACs are multiply-accumulates of one image, without bias and BatchNorm. Parameters do not count BatchNorm's
  statistics.
- The last table has the published variants and backbones, which are counted to be compared with the papers and not
  measured: most are too large for any board.

## int8 against the model that was trained

On the board at least 99 % of the outputs are within 2 steps of the fake-quantized model's, for every model below, and
every single layer is within 1 step on at least 99 % of its outputs: a test holds each of them to it, on random weights
and BatchNorm statistics. The first holds for networks that do not amplify noise, as trained ones do not. TensorFlow
Lite Micro rounds twice where an accumulator becomes an int8, so that one value in a thousand falls the other way, and a
deep network of wholly random weights makes more of it from layer to layer.

## Boards

Boards with the same memory share a column; names and sources are in [boards](boards.md).
"""
_FIT = """
## What fits where

● fits; **R** the arena is too large for its RAM; **F** the file is too large for its flash.
"""
_REST = """
## Published variants and backbones

| variant | input | outputs | params | MACs |
|---|---|---:|---:|---:|
"""


@dataclass(frozen=True)
class Memory:
    """A kind of board, as far as fitting goes."""

    flash_bytes: int
    ram_bytes: int
    boards: tuple[Board, ...]

    @property
    def title(self) -> str:
        return f"{_kib(self.ram_bytes)} / {_kib(self.flash_bytes)}"


def memories() -> list[Memory]:
    """The boards whose memory has a limit, grouped by it, from small to large."""

    def size(board: Board) -> tuple[int, int]:
        assert board.ram_bytes is not None
        assert board.flash_bytes is not None
        return board.ram_bytes, board.flash_bytes

    limited = [board for board in packaged_boards().values() if board.ram_bytes and board.flash_bytes]
    return [
        Memory(flash, ram, tuple(group))
        for (ram, flash), group in groupby(sorted(limited, key=size), key=size)
    ]


def lacks(row: TableRow, memory: Memory) -> str:
    """What is missing for the variant on that kind of board: "", "R", "F" or "RF"."""
    assert row.arena_bytes_32bit is not None
    assert row.tflite_bytes is not None
    ram = row.arena_bytes_32bit + FIRMWARE_RAM_BYTES > memory.ram_bytes
    flash = row.tflite_bytes + FIRMWARE_FLASH_BYTES > memory.flash_bytes
    return "R" * ram + "F" * flash


def markdown() -> str:
    """The page."""
    kinds = memories()
    measured = [row for row in read_table() if row.arena_bytes is not None]
    boards = ["| RAM / flash | boards |\n|---|---|\n"]
    for kind in kinds:
        boards.append(f"| {kind.title} | {', '.join(f'`{board.id}`' for board in kind.boards)} |\n")
    parts = [_HEAD, "\n", *boards, _FIT]
    for model, entry in MODELS.own.items():
        rows = [row for row in measured if row.model == model]
        parts.append(f"\n### {model}\n\n{entry.paper} ({entry.task})\n\n")
        parts.append(_fit_table(rows, kinds) if rows else "No variant was measured.\n")
    parts.append(_REST)
    parts += [_rest_row(row) for row in read_table() if row.arena_bytes is None]
    return "".join(parts)


def _fit_table(rows: list[TableRow], kinds: list[Memory]) -> str:
    titles = ["width and the like", "input", "outputs", "params", "MACs", "int8 file", "arena"]
    head = "| " + " | ".join([*titles, *(kind.title for kind in kinds)]) + " |\n"
    line = "|---|---|" + "---:|" * 5 + ":-:|" * len(kinds) + "\n"
    return head + line + "".join(_fit_row(row, kinds) for row in rows)


def _fit_row(row: TableRow, kinds: list[Memory]) -> str:
    assert row.tflite_bytes is not None
    assert row.arena_bytes_32bit is not None
    arguments = ", ".join(f"{name}={_value(value)}" for name, value in row.arguments.items()) or "defaults"
    cells = [
        arguments,
        _shape(row),
        str(row.num_classes),
        f"{row.params:,}",
        f"{row.macs:,}",
        _kib(row.tflite_bytes),
        _kib(row.arena_bytes_32bit),
    ]
    fits = [lacks(row, kind) for kind in kinds]
    return "| " + " | ".join([*cells, *(f"**{lack}**" if lack else "●" for lack in fits)]) + " |\n"


def _rest_row(row: TableRow) -> str:
    outputs = "features" if row.num_classes is None else str(row.num_classes)
    return f"| {row.name} | {_shape(row)} | {outputs} | {row.params:,} | {row.macs:,} |\n"


def _value(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else str(value)


def _shape(row: TableRow) -> str:
    return "×".join(map(str, row.input_shape))


def _kib(size: int) -> str:
    return f"{-(-size // 1024):,} KiB"


if __name__ == "__main__":
    print(markdown(), end="")
