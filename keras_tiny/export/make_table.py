"""Build every variant, count it, export it, measure it, and write table.csv.

`python -m keras_tiny.export.make_table` writes all rows; with names of models or of variants after it, only theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import replace

from keras_tiny import models
from keras_tiny.errors import KerasTinyError, UnknownName
from keras_tiny.export.untrained import untrained_file
from keras_tiny.keras_api import keras
from keras_tiny.models.table import TABLE_PATH, TableRow, read_table, to_csv
from keras_tiny.models.variants import Variant, variants
from keras_tiny.profile.count_variant import build_variant, count
from mcu.tflm import measure_arena


def measure(variant: Variant) -> TableRow:
    """The variant's row; of a deployable one with what its int8 file takes in flash and RAM."""
    keras.utils.set_random_seed(0)
    model = build_variant(variant)
    row = count(variant, model)
    if not variant.deployable:
        return row
    model_bytes = untrained_file(model)
    arena = measure_arena(model_bytes)
    return replace(
        row,
        tflite_bytes=len(model_bytes),
        arena_bytes=arena.total_bytes,
        arena_bytes_32bit=arena.total_bytes_32bit,
    )


def make_table(chosen: Collection[str] = ()) -> None:
    """Write the rows of the chosen models and variants anew and leave the others; none chosen: all of them.

    The file is written after every row, so that an interruption loses one at most.

    Raises:
        UnknownName: neither a model nor a variant.
    """
    every = variants()
    known = {*models.MODELS.own, *(variant.name for variant in every)}
    for name in chosen:
        if name not in known:
            raise UnknownName("model or variant", name, known)
    rows = {row.name: row for row in read_table()}
    for variant in every:
        if chosen and not {variant.name, variant.model} & set(chosen):
            continue
        row = rows[variant.name] = measure(variant)
        keras.backend.clear_session()  # so many models in one process slow each other down
        print(f"{row.name}: {row.macs} MACs, arena {row.arena_bytes} bytes", file=sys.stderr, flush=True)
        TABLE_PATH.write_text(to_csv(rows[each.name] for each in every if each.name in rows))


if __name__ == "__main__":
    try:
        make_table(sys.argv[1:])
    except KerasTinyError as error:
        sys.exit(f"error: {error}")
