"""What is known of a result on disk: a bundle, a .tflite file, a run record, or what `mcu bench --json` printed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_tiny.errors import BadInput, MissingExtra
from keras_tiny.export.golden import pictures_of
from keras_tiny.profile.macs import total_macs
from mcu.bundle import MANIFEST_NAME, Bundle
from mcu.hil.record import RECORD_NAME, HilRun
from mcu.model_file import read_tflite
from mcu.tflite import read_model
from mcu.tflm import measure_arena

_BENCH_KEYS = {"board", "engine", "operators", "macs"}


@dataclass(frozen=True)
class Subject:
    """One result; a figure is None where this kind of file does not tell it.

    Attributes:
        kind: "bundle", "file", "run record" or "bench".
        metric: the task's, e.g. "accuracy"; "" where there is none. The four scores are its values, 0 to 1.
        score_float, score_ptq, score_qat: on the desk, on the test split; score_board: of the board's answers.
        tflite_bytes: the int8 file, as it lies in flash.
        arena_bytes: of TensorFlow Lite Micro on a 64-bit host; arena_bytes_32bit: on a microcontroller, estimated;
            ram_bytes: as the board told it.
        instructions: of one inference; latency_us: its median.
        bit_exact: whether the board answered every byte as the desk.
        operators: name → how many.
        model_bytes, images: to run it; images int8 (n, *input shape without batch).
    """

    path: str
    kind: str
    name: str
    model_sha256: str | None = None
    task: str | None = None
    metric: str = ""
    score_float: float | None = None
    score_ptq: float | None = None
    score_qat: float | None = None
    score_board: float | None = None
    tflite_bytes: int | None = None
    arena_bytes: int | None = None
    arena_bytes_32bit: int | None = None
    ram_bytes: int | None = None
    macs: int | None = None
    params: int | None = None
    board: str | None = None
    engine: str | None = None
    instructions: int | None = None
    latency_us: float | None = None
    bit_exact: bool | None = None
    operators: Mapping[str, int] = field(default_factory=dict)
    model_bytes: bytes | None = field(default=None, repr=False)
    images: np.ndarray | None = field(default=None, repr=False)


def read_subject(path: str | Path) -> Subject:
    """Read whatever is there.

    Args:
        path: folder of a bundle, folder or file of a run record, a .tflite file, or a file that `mcu bench --json`
            was written to.

    Raises:
        BadInput: none of them.
        BundleError, ModelFileError: damaged.
    """
    path = Path(path)
    if path.is_dir():
        if (path / MANIFEST_NAME).is_file():
            return _bundle(path)
        if (path / RECORD_NAME).is_file():
            return _record(path / RECORD_NAME)
        raise BadInput(
            f"{path} is neither a bundle nor the folder of a run record: it has no {MANIFEST_NAME}, no {RECORD_NAME}.",
            hint="Pass what `keras-tiny export` or `mcu validate` wrote, or a .tflite file.",
        )
    if path.suffix == ".json":
        return _json(path)
    return _file(path)


def _bundle(path: Path) -> Subject:
    bundle = Bundle.open(path)
    manifest = bundle.manifest
    metric, scores = next(iter(manifest.metrics.items()), ("", {}))
    return Subject(
        path=str(path),
        kind="bundle",
        name=manifest.name,
        model_sha256=manifest.model_sha256,
        task=manifest.task,
        metric=metric,
        score_float=scores.get("float"),
        score_ptq=scores.get("ptq"),
        score_qat=scores.get("qat"),
        tflite_bytes=manifest.tflite_bytes,
        arena_bytes=manifest.arena_bytes,
        arena_bytes_32bit=manifest.arena_bytes_32bit,
        macs=manifest.macs,
        params=manifest.params,
        operators=manifest.operators,
        model_bytes=bundle.model_bytes,
        images=pictures_of(bundle.golden_inputs),
    )


def _file(path: Path) -> Subject:
    model_bytes = read_tflite(path)
    model = read_model(model_bytes)
    try:
        arena = measure_arena(model_bytes)
    except MissingExtra:
        arena = None
    return Subject(
        path=str(path),
        kind="file",
        name=path.stem,
        model_sha256=hashlib.sha256(model_bytes).hexdigest(),
        tflite_bytes=len(model_bytes),
        arena_bytes=arena.total_bytes if arena else None,
        arena_bytes_32bit=arena.total_bytes_32bit if arena else None,
        macs=total_macs(model_bytes),
        operators=model.operator_counts,
        model_bytes=model_bytes,
    )


def _json(path: Path) -> Subject:
    try:
        fields = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} cannot be read: {error}.") from None
    if isinstance(fields, dict) and fields.keys() >= _BENCH_KEYS:
        return _bench(path, fields)
    return _record(path)


def _record(path: Path) -> Subject:
    run = HilRun.read(path)
    metric = next(iter(run.training_metrics), next(iter(run.metrics), ""))
    scores = run.training_metrics.get(metric, {})
    return Subject(
        path=str(path),
        kind="run record",
        name=run.bundle,
        model_sha256=run.model_sha256,
        task=run.task,
        metric=metric,
        score_float=scores.get("float"),
        score_ptq=scores.get("ptq"),
        score_qat=scores.get("qat"),
        score_board=run.metrics.get(metric),
        tflite_bytes=run.flash_bytes,
        ram_bytes=run.ram_bytes,
        board=run.board,
        engine=run.engine,
        instructions=run.instructions_per_inference,
        latency_us=run.latency_us.median if run.latency_us else None,
        bit_exact=run.bit_exact,
    )


def _bench(path: Path, fields: Mapping[str, Any]) -> Subject:
    return Subject(
        path=str(path),
        kind="bench",
        name=path.stem,
        ram_bytes=fields.get("ram_bytes"),
        macs=fields.get("macs"),
        board=fields.get("board"),
        engine=fields.get("engine"),
        instructions=fields.get("instructions"),
        latency_us=fields.get("latency_us"),
    )
