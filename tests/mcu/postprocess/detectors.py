"""Outputs of detectors, made up: noise with some sure objects in it."""

from __future__ import annotations

import numpy as np

from keras_tiny.boxes import AnchorSpec, anchor_spec
from mcu.postprocess.detect import DetectorTables
from mcu.tensor import TensorSpec

SMALL = anchor_spec([(12, 12), (6, 6), (3, 3), (2, 2), (1, 1), (1, 1)])  # at 96 pixels
LARGE = anchor_spec([(32, 32), (16, 16), (8, 8), (4, 4), (2, 2), (1, 1)])  # at 256: 6,132 anchors


def output_specs(spec: AnchorSpec, *, classes: int) -> tuple[TensorSpec, TensorSpec]:
    return (
        TensorSpec(name="classes", shape=(1, spec.count, classes), scale=0.0907, zero_point=11),
        TensorSpec(name="boxes", shape=(1, spec.count, 4), scale=0.0613, zero_point=-3),
    )


def tables(spec: AnchorSpec = SMALL, *, classes: int = 4) -> DetectorTables:
    class_spec, box_spec = output_specs(spec, classes=classes)
    return DetectorTables.of(spec, classes=class_spec, boxes=box_spec)


def outputs(
    seed: int, *, spec: AnchorSpec = SMALL, classes: int = 4, sure: int = 30
) -> tuple[np.ndarray, np.ndarray]:
    """int8 (count, classes) and (count, 4): background almost everywhere, `sure` anchors on an object."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-40, 20, (spec.count, classes))
    logits[:, 0] += 130
    chosen = rng.integers(0, spec.count, sure)
    logits[chosen, rng.integers(1, classes, sure)] += rng.uniform(90, 200, sure)
    boxes = rng.normal(0, 25, (spec.count, 4))
    return tuple(np.clip(np.rint(part), -128, 127).astype(np.int8) for part in (logits, boxes))
