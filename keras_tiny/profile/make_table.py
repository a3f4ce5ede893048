"""Build every variant, count it, and write table.csv: `python -m keras_tiny.profile.make_table`."""

from __future__ import annotations

import json
import sys
from typing import Any

from keras_tiny import models
from keras_tiny.models.table import TABLE_PATH, TableRow, to_csv
from keras_tiny.models.variants import Variant, variants
from keras_tiny.profile.keras_macs import count_batch_norm_statistics, count_macs, count_params


def build_variant(variant: Variant) -> Any:
    """The variant's model or backbone."""
    arguments = dict(variant.arguments)
    if variant.num_classes is None:
        return models.features(variant.model)(variant.input_shape, **arguments)
    return models.build(
        variant.model, input_shape=variant.input_shape, num_classes=variant.num_classes, **arguments
    )


def count(variant: Variant) -> TableRow:
    """The variant's row; builds its model."""
    model = build_variant(variant)
    params = count_params(model)
    return TableRow(
        name=variant.name,
        task=models.MODELS[variant.model].task,
        model=variant.model,
        builder=variant.builder,
        # Through JSON, so that a counted row and one that was read are equal.
        arguments=json.loads(json.dumps(dict(variant.arguments))),
        input_shape=variant.input_shape,
        num_classes=variant.num_classes,
        params=params,
        params_with_bn_statistics=params + count_batch_norm_statistics(model),
        macs=count_macs(model),
        macs_thop=count_macs(model, convention="thop"),
        bytes_fp32=4 * params,
        bytes_fp16=2 * params,
        bytes_int8=params,
        arena_bytes=None,
    )


def main() -> None:
    """Write the table beside this file."""
    from keras_tiny.keras_api import keras

    rows = []
    for variant in variants():
        rows.append(count(variant))
        keras.backend.clear_session()  # so many models in one process slow each other down
        print(f"{variant.name}: {rows[-1].params} parameters, {rows[-1].macs} MACs", file=sys.stderr)
    TABLE_PATH.write_text(to_csv(rows))


if __name__ == "__main__":
    main()
