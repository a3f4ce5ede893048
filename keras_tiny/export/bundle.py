"""`kt.export`: a model becomes a bundle, or nothing at all if the audit does not pass (docs/reference/bundle.md)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_tiny import quantization
from keras_tiny.boxes import AnchorSpec
from keras_tiny.data.sample import Dataset
from keras_tiny.errors import AuditFailed, BadInput
from keras_tiny.export.audit import audit
from keras_tiny.export.c_array import write_tflm_files
from keras_tiny.export.convert import convert
from keras_tiny.export.golden import make_golden
from keras_tiny.keras_api import require_keras2_model
from keras_tiny.preprocessing.to_int8 import to_int8
from keras_tiny.profile.macs import total_macs
from keras_tiny.tasks import TASKS, task_for
from keras_tiny.versions import tool_versions
from mcu.bundle import GOLDEN_INPUTS_NAME, GOLDEN_OUTPUTS_NAME, MODEL_NAME, Bundle, npy_bytes, write_bundle
from mcu.tflm import TflmInterpreter, measure_arena

GOLDEN_PICTURES = 12


def export(
    model: Any,
    path: str | Path,
    *,
    data: Dataset,
    name: str | None = None,
    metrics: Mapping[str, float | None] | None = None,
) -> Bundle:
    """Convert a quantized model to int8, audit the file, and write the bundle.

    Args:
        model: what `keras_tiny.quantize` returned, trained.
        path: the bundle's folder; an older bundle there is replaced only when the new one is complete.
        data: gives the preprocessing, the labels and the pictures of the golden vectors (from its test split).
        name: of the model on the board; the folder's name by default.
        metrics: the task's metric on the test split of the "float", "ptq" and "qat" model, as far as known.

    Raises:
        AuditFailed: the file would not run as int8 in TensorFlow Lite Micro; says which operator and tensor.
        BundleError: it cannot be written; what was there before is unchanged.
    """
    require_keras2_model(model, verb="export")
    if not quantization.is_quantized(model):
        raise BadInput(
            "This model is not quantization-aware, so it has no int8 ranges to export.",
            hint="Call keras_tiny.quantize(model) first, then train it or keras_tiny.calibrate it.",
        )
    task = task_for(model, data)
    return export_file(
        convert(model),
        path,
        data=data,
        name=name,
        metrics=metrics,
        params=count_params(model),
        anchors=task.anchors,
    )


def export_file(
    model_bytes: bytes,
    path: str | Path,
    *,
    data: Dataset,
    name: str | None = None,
    metrics: Mapping[str, float | None] | None = None,
    params: int | None = None,
    anchors: AnchorSpec | None = None,
) -> Bundle:
    """The same for an int8 .tflite file that exists already, e.g. made by post-training quantization.

    Args:
        anchors: of a detector, as `Task.anchors` of the float model gives them.
    """
    report = audit(model_bytes)
    if not report.ok:
        lines = "; ".join(f"{p.operator} '{p.tensor}': {p.reason}" for p in report.problems[:5])
        more = f" and {len(report.problems) - 5} more" if len(report.problems) > 5 else ""
        raise AuditFailed(f"The file fails the audit, nothing was exported: {lines}{more}.")
    interpreter = TflmInterpreter(model_bytes)
    arena = measure_arena(model_bytes)
    pictures = golden_pictures(data, interpreter)
    golden_inputs, golden_outputs = make_golden(model_bytes, pictures)
    label = name or Path(path).name
    files = {
        MODEL_NAME: model_bytes,
        GOLDEN_INPUTS_NAME: npy_bytes(golden_inputs),
        GOLDEN_OUTPUTS_NAME: npy_bytes(golden_outputs),
        **_tflm_files(model_bytes, name=label, arena_bytes=arena.total_bytes),
    }
    known = {kind: (metrics or {}).get(kind) for kind in ("float", "ptq", "qat")}
    fields = {
        "name": label,
        "task": data.task,
        "labels": data.labels,
        "inputs": interpreter.inputs,
        "outputs": interpreter.outputs,
        "preprocessing": data.preprocessing,
        "anchors": anchors,
        "operators": report.operators,
        "arena_bytes": arena.total_bytes,
        "arena_bytes_32bit": arena.total_bytes_32bit,
        "macs": total_macs(model_bytes),
        "params": params,
        "metrics": {TASKS.load(data.task).metric: known},
        "data": {
            "source": data.source,
            "seed": data.seed,
            "train": len(data.train),
            "val": len(data.val),
            "test": len(data.test),
            "licence": data.licence,
        },
        "tool_versions": tool_versions(),
    }
    return write_bundle(path, files=files, manifest_fields=fields)


def golden_pictures(data: Dataset, interpreter: TflmInterpreter) -> np.ndarray:
    """The first test pictures as the board receives them, int8 (n, height, width, channels)."""
    tensor = interpreter.inputs[0]
    spec = data.preprocessing
    chosen = data.test[: min(GOLDEN_PICTURES, len(data.test))]
    return np.concatenate([to_int8(sample.image, spec, tensor) for sample in chosen])


def count_params(model: Any) -> int:
    """Trainable parameters of the network itself; the ranges that quantization adds do not count."""
    quantizer_marks = ("_min", "_max", "optimizer_step", "quantizer")
    return sum(
        int(np.prod(v.shape))
        for v in model.trainable_variables
        if not any(m in v.name for m in quantizer_marks)
    )


def _tflm_files(model_bytes: bytes, *, name: str, arena_bytes: int) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write_tflm_files(model_bytes, Path(folder), name=name, arena_bytes=arena_bytes)
        return {f"tflm/{path.name}": path.read_bytes() for path in sorted(Path(folder).iterdir())}
