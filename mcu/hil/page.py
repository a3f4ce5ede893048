"""The record and its samples → the page of `keras_tiny.report`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_tiny.metrics import Agreement
from keras_tiny.report import Example, ValidationPage
from keras_tiny.report.page import count, percent, size
from mcu.bundle import Manifest
from mcu.hil.card import model_card, summary
from mcu.hil.explain import golden_problem, listed
from mcu.hil.record import HilRun
from mcu.hil.tasks.task import HilTask

_SHOWN = 24  # pictures of a kind; the rest is in the record
_RIGHT_SHOWN = {"classification": 10}
_RIGHT_STRIPS = 4  # where a picture is several beside each other


def validation_page(
    run: HilRun,
    *,
    task: HilTask,
    pictures: Callable[[int], np.ndarray],
    desk: np.ndarray,
    board: np.ndarray,
    truths: Any,
) -> ValidationPage:
    """Everything that the page shows.

    Args:
        pictures: position in the run → the picture, uint8 as the data set holds it; decoded when it is shown.
        desk, board: output bytes int8 (samples, bytes), in the order of `run.per_sample`.
        truths: of the task, in the same order.
    """
    differing = [i for i, sample in enumerate(run.per_sample) if sample.mismatched_bytes]
    differing.sort(key=lambda i: -int(np.abs(desk[i].astype(int) - board[i]).max()))
    mistakes = task.worst(board, truths)

    def example(i: int, detail: str) -> Example:
        return Example(
            id=run.per_sample[i].id,
            image=task.picture(pictures(i), desk, board, truths, i),
            truth=task.said_truth(truths, i),
            desk=task.said(desk[i]),
            board=task.said(board[i]),
            detail=detail,
        )

    def bytes_of(i: int) -> str:
        return listed(run.per_sample[i].differences, of=run.per_sample[i].mismatched_bytes)

    return ValidationPage(
        name=run.bundle,
        board=run.board,
        engine=run.engine,
        data=f"{run.data or 'a split of the caller'}, {run.split} split, {run.samples} samples",
        samples=run.samples,
        mismatched_samples=run.mismatched_samples,
        mismatched_bytes=run.mismatched_bytes,
        output_bytes=run.output_bytes,
        golden_samples=run.golden.samples if run.golden else 0,
        golden_problem=golden_problem(run),
        metrics=run.metrics,
        agreements={name: Agreement(**row) for name, row in run.agreement.items()},  # type: ignore[arg-type]
        error_steps=run.error_steps,
        latencies_us=np.array([sample.latency_us for sample in run.per_sample]),
        link=_link(run),
        model=_model(run, task.manifest),
        made=_made(run),
        scores=_scores(run, task.metric),
        metric=task.metric.replace("_", " "),
        part=task.part(desk, board, truths),
        disagreements=tuple(example(i, bytes_of(i)) for i in differing[:_SHOWN]),
        disagreements_left_off=max(0, len(differing) - _SHOWN),
        mistakes=tuple(example(i, task.remark(board, truths, i)) for i in mistakes[:_SHOWN]),
        mistakes_left_off=max(0, len(mistakes) - _SHOWN),
        tiles=_tiles(run, task.metric),
        summary=summary(run, task.manifest, task.metric),
        card=model_card(run, task.manifest, task.metric),
        right=tuple(example(i, task.remark(board, truths, i)) for i in _right(run, mistakes, task, truths)),
    )


def _right(run: HilRun, mistakes: Sequence[int], task: HilTask, truths: Any) -> list[int]:
    """A few samples that were answered correctly, as many different ones as there are."""
    if not task.metric:
        return []
    wrong = set(mistakes)
    first: dict[str, int] = {}
    for i in range(len(run.per_sample)):
        if i not in wrong:
            first.setdefault(task.said_truth(truths, i), i)
    return list(first.values())[: _RIGHT_SHOWN.get(run.task, _RIGHT_STRIPS)]


def _scores(run: HilRun, metric: str) -> dict[str, float | None]:
    """The task's metric from the float model to the board; empty for a task without."""
    if not metric:
        return {}
    trained = run.training_metrics.get(metric, {})
    return {
        "float": trained.get("float"),
        "PTQ, int8": trained.get("ptq"),
        "QAT, int8": trained.get("qat"),
        "desk, int8": run.desk_metrics.get(metric),
        "board, int8": run.metrics.get(metric),
    }


def _tiles(run: HilRun, metric: str) -> dict[str, str]:
    tiles = {}
    if metric in run.metrics:
        tiles[f"board {metric.replace('_', ' ')}"] = percent(run.metrics[metric])
    if run.latency_us is not None:
        tiles["latency, median"] = _duration(run.latency_us.median)
    if run.flash_bytes is not None:
        tiles["model"] = f"{run.flash_bytes / 1024:.1f} KiB"
    if run.ram_bytes is not None:
        tiles["arena"] = f"{run.ram_bytes / 1024:.1f} KiB"
    if run.goodput_bytes_per_s is not None:
        tiles["link"] = f"{run.goodput_bytes_per_s / 1e3:.0f} kB/s"
    return tiles


def _duration(us: float) -> str:
    return f"{us:.0f} µs" if us < 1000 else f"{us / 1000:.1f} ms" if us < 1e6 else f"{us / 1e6:.2f} s"


def _link(run: HilRun) -> dict[str, str]:
    rows = {"port": run.port}
    if run.goodput_bytes_per_s is not None:
        rows["goodput"] = f"{count(run.goodput_bytes_per_s)} tensor bytes per second of link time"
    if run.round_trip_us is not None:
        trip = run.round_trip_us
        rows["round trip"] = (
            f"median {_duration(trip.median)}, p99 {_duration(trip.p99)}, longest {_duration(trip.max)}"
        )
    if run.samples_by_crc:
        rows["outputs compared by CRC-32"] = f"{run.samples_by_crc} of {run.samples} samples"
    if run.overlap:
        rows["upload"] = "of the next sample while the model runs"
    for name in ("frames_damaged", "overruns", "invocations"):
        if run.board_link is not None:
            rows[f"{name.replace('_', ' ')}, counted by the board"] = count(run.board_link[name])
    return rows | {
        name.replace("_", " "): count(value) for name, value in run.link.items() if name != "link_s"
    }


def _model(run: HilRun, manifest: Manifest) -> dict[str, str]:
    (tensor,) = manifest.inputs
    shape = " × ".join(map(str, tensor.shape))
    return {
        "model.tflite": size(manifest.tflite_bytes),
        "SHA-256": manifest.model_sha256,
        "arena on the board": size(run.ram_bytes),
        "arena, 64-bit host": size(manifest.arena_bytes),
        "arena, 32-bit estimate": size(manifest.arena_bytes_32bit),
        "multiply-accumulates": count(manifest.macs),
        "parameters": count(manifest.params),
        "input": f"{tensor.dtype} {shape}, scale {tensor.scale:g}, zero point {tensor.zero_point}",
        "operators": ", ".join(f"{name}\u00a0×\u00a0{n}" for name, n in sorted(manifest.operators.items())),
        "exported with": ", ".join(f"{name} {version}" for name, version in manifest.tool_versions.items())
        or "–",
    }


def _made(run: HilRun) -> dict[str, str]:
    return {
        "command": run.command,
        "when": run.created,
        "board": f"{run.board}, firmware {run.firmware}, engine {run.engine}",
        "on the desk": ", ".join(f"{name} {version}" for name, version in run.versions.items()),
    }
