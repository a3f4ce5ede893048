"""table.csv: what each variant of each model costs, readable without TensorFlow.

`python -m keras_tiny.export.make_table` writes it. The first row of each model is the one to start with.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any

from keras_tiny.models import MODELS

TABLE_PATH = Path(__file__).with_name("table.csv")


@dataclass(frozen=True)
class TableRow:
    """One variant.

    Attributes:
        name: of the variant.
        task: "classification", "detection" or "segmentation"; a backbone has its classifier's.
        model: name in the table of models.
        builder: function in keras_tiny.models; ends in "_features" for a backbone.
        arguments: the builder's, without input_shape and num_classes.
        input_shape: (height, width, channels).
        num_classes: None for a backbone.
        params: trainable parameters.
        params_with_bn_statistics: those and BatchNorm's running means and variances.
        macs: multiply-accumulates of one image, biases and BatchNorm excluded.
        macs_thop: the same in the convention of the tool thop.
        bytes_fp32, bytes_fp16, bytes_int8: `params` at 4, 2 and 1 bytes.
        tflite_bytes: the int8 file, which lies in flash; beside weights it holds scales, int32 biases and the graph.
        arena_bytes: what TensorFlow Lite Micro needs in RAM, measured on a 64-bit host.
        arena_bytes_32bit: estimate for a microcontroller. These three are None for the published variants, which are
            counted to be compared with the papers: most are too large for any board, and a backbone is no network.
    """

    name: str
    task: str
    model: str
    builder: str
    arguments: dict[str, Any]
    input_shape: tuple[int, int, int]
    num_classes: int | None
    params: int
    params_with_bn_statistics: int
    macs: int
    macs_thop: int
    bytes_fp32: int
    bytes_fp16: int
    bytes_int8: int
    tflite_bytes: int | None
    arena_bytes: int | None
    arena_bytes_32bit: int | None


COLUMNS = tuple(field.name for field in fields(TableRow))


def read_table(path: Path = TABLE_PATH) -> tuple[TableRow, ...]:
    """The rows, in the order of the file."""
    with path.open(newline="") as file:
        return tuple(_parse(row) for row in csv.DictReader(file))


def first_arguments(model: str) -> dict[str, Any]:
    """The builder's arguments of the model's first variant, the one to start with; empty if it has no row yet.

    Raises:
        UnknownName: no such model; with near names.
    """
    MODELS[model]
    for row in read_table():
        if row.model == model:
            return {"input_shape": row.input_shape, "num_classes": row.num_classes, **row.arguments}
    return {}


def to_csv(rows: Iterable[TableRow]) -> str:
    """The file's text; arguments as JSON, the shape as 224x224x3, None as nothing."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(_cell(getattr(row, column)) for column in COLUMNS)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return "" if value is None else value


def _parse(row: dict[str, str]) -> TableRow:
    height, width, channels = map(int, row["input_shape"].split("x"))

    def number(column: str) -> int | None:
        return int(row[column]) if row[column] else None

    return TableRow(
        name=row["name"],
        task=row["task"],
        model=row["model"],
        builder=row["builder"],
        arguments=json.loads(row["arguments"]),
        input_shape=(height, width, channels),
        num_classes=number("num_classes"),
        params=int(row["params"]),
        params_with_bn_statistics=int(row["params_with_bn_statistics"]),
        macs=int(row["macs"]),
        macs_thop=int(row["macs_thop"]),
        bytes_fp32=int(row["bytes_fp32"]),
        bytes_fp16=int(row["bytes_fp16"]),
        bytes_int8=int(row["bytes_int8"]),
        tflite_bytes=number("tflite_bytes"),
        arena_bytes=number("arena_bytes"),
        arena_bytes_32bit=number("arena_bytes_32bit"),
    )
