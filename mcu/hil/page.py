"""The record and its samples → the page of `keras_tiny.report`."""

from __future__ import annotations

import numpy as np

from keras_tiny.metrics import Agreement, confusion_matrix, per_class
from keras_tiny.report import Example, ValidationPage
from keras_tiny.report.page import count, percent, size
from keras_tiny.report.validation import ClassificationPart
from mcu.bundle import Manifest
from mcu.hil.compare import probabilities
from mcu.hil.explain import golden_problem, listed
from mcu.hil.plan import Plan
from mcu.hil.record import HilRun

_SHOWN = 24  # pictures of a kind; the rest is in the record


def validation_page(
    run: HilRun, *, manifest: Manifest, plan: Plan, desk: np.ndarray, board: np.ndarray
) -> ValidationPage:
    """Everything that the page shows.

    Args:
        desk, board: output bytes int8 (samples, bytes), in the order of `plan.indices` and `run.per_sample`.
    """
    differing = [i for i, sample in enumerate(run.per_sample) if sample.mismatched_bytes]
    differing.sort(key=lambda i: -int(np.abs(desk[i].astype(int) - board[i]).max()))
    part, mistakes, sureness = None, [], None
    if run.task == "classification":
        sureness = probabilities(board, manifest.outputs[0])
        part = _classification(run)
        mistakes = [i for i, sample in enumerate(run.per_sample) if sample.board != sample.truth]
        mistakes.sort(key=lambda i: -float(sureness[i].max()))

    def example(i: int, detail: str) -> Example:
        sample = run.per_sample[i]
        return Example(
            id=sample.id,
            image=plan.split[plan.indices[i]].image,
            truth=_label(run, sample.truth),
            desk=_label(run, sample.desk),
            board=_label(run, sample.board),
            detail=detail,
        )

    def bytes_of(i: int) -> str:
        return listed(run.per_sample[i].differences, of=run.per_sample[i].mismatched_bytes)

    def sure(i: int) -> str:
        assert sureness is not None
        return f"{sureness[i].max():.0%} sure, truth {sureness[i][run.per_sample[i].truth]:.0%}"

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
        model=_model(run, manifest),
        made=_made(run),
        classification=part,
        disagreements=tuple(
            example(i, listed(run.per_sample[i].differences, of=run.per_sample[i].mismatched_bytes))
            for i in differing[:_SHOWN]
        ),
        disagreements_left_off=max(0, len(differing) - _SHOWN),
        mistakes=tuple(example(i, sure(i)) for i in mistakes[:_SHOWN]),
        mistakes_left_off=max(0, len(mistakes) - _SHOWN),
        tiles=_tiles(run),
    )


def _classification(run: HilRun) -> ClassificationPart:
    truth, desk, board = (
        np.array([getattr(sample, who) for sample in run.per_sample]) for who in ("truth", "desk", "board")
    )
    trained = run.training_metrics.get("accuracy", {})
    classes = len(run.labels)
    confusion = confusion_matrix(truth, board, num_classes=classes)
    return ClassificationPart(
        labels=run.labels,
        accuracies={
            "float": trained.get("float"),
            "PTQ, int8": trained.get("ptq"),
            "QAT, int8": trained.get("qat"),
            "desk, int8": run.desk_metrics.get("accuracy"),
            "board, int8": run.accuracy,
        },
        confusion_board=confusion,
        confusion_desk=confusion_matrix(truth, desk, num_classes=classes),
        per_class=per_class(confusion),
    )


def _tiles(run: HilRun) -> dict[str, str]:
    tiles = {}
    if run.accuracy is not None:
        tiles["board accuracy"] = percent(run.accuracy)
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


def _label(run: HilRun, index: int | None) -> str:
    return "–" if index is None else run.labels[index]
