"""One variant of the table: built, and counted."""

from __future__ import annotations

import json
from typing import Any

from keras_tiny import models
from keras_tiny.models.table import TableRow
from keras_tiny.models.variants import Variant
from keras_tiny.profile.keras_macs import count_batch_norm_statistics, count_macs, count_params


def build_variant(variant: Variant) -> Any:
    """The variant's model or backbone."""
    arguments = dict(variant.arguments)
    if variant.num_classes is None:
        return models.features(variant.model)(variant.input_shape, **arguments)
    return models.build(
        variant.model, input_shape=variant.input_shape, num_classes=variant.num_classes, **arguments
    )


def count(variant: Variant, model: Any) -> TableRow:
    """The variant's row, as far as counting its model goes."""
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
        tflite_bytes=None,
        arena_bytes=None,
        arena_bytes_32bit=None,
    )
