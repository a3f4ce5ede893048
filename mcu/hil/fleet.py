"""Validate a bundle on several boards at once: a process per board, one record, one page."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from keras_tiny.report.fleet import FleetPage, FleetRow, render_fleet
from mcu.bundle import Bundle
from mcu.hil.connection import port_of
from mcu.hil.files import default_folder, write_together
from mcu.hil.fleet_record import FLEET_RECORD_NAME, FleetBoard, FleetRun, PlatformResult
from mcu.hil.hardware_map import HardwareMap, MappedBoard, read_hardware_map
from mcu.hil.plan import Plan, make_plan
from mcu.hil.record import OUTPUTS_NAME, REPORT_NAME
from mcu.hil.runner import DEFAULT_WAIT_S, Progress
from mcu.hil.tasks import task_of
from mcu.hil.worker import Job
from mcu.hil.workers import Heard, run_workers


def validate_fleet(
    bundle: Bundle | str | Path,
    data: str,
    *,
    hardware_map: str | Path,
    split: bool = False,
    limit: int | None = None,
    out_dir: str | Path | None = None,
    progress: Progress | None = None,
    seed: int | None = None,
    resume: bool = False,
    wait_s: float = DEFAULT_WAIT_S,
    notice: Callable[[str], None] | None = None,
    hash_only: bool = False,
    overlap: bool = False,
) -> FleetRun:
    """Run `mcu.validate` on every connected board of a hardware map, all at the same time.

    A board that fails is in the record with its reason and does not stop the others. Ctrl-C stops them all, each at the
    end of the answer under way, and leaves them idle.

    Args:
        data: a source's name; its test split is taken.
        hardware_map: see `mcu.hil.hardware_map`.
        split: share the samples out among boards of the same platform, for speed; False: each board gets them all,
            so that each is validated.
        limit, seed, resume, wait_s, hash_only, overlap: as for one board.
        out_dir: where `hil_fleet.json` and `report.html` go, and a folder per board with its own; by default
            `BUNDLE-hil-fleet` beside the bundle.
        progress: called with (done, total) of all boards together.
        notice: called with a sentence, the board's id before it.

    Raises:
        BadInput: a map or data that cannot be used; a folder that cannot be written.
        BundleError, DataError: a damaged bundle; data that cannot be read.
    """
    bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
    found = read_hardware_map(hardware_map)
    parts = _parts(found.boards) if split else dict.fromkeys(board.id for board in found.boards)
    # What would fail on every board fails here, once.
    plans = {id: make_plan(bundle, data, limit=limit, seed=seed, part=part) for id, part in parts.items()}
    folder = default_folder(bundle.path, board_id="fleet") if out_dir is None else Path(out_dir)
    write_together(folder, {})
    jobs = {
        board.id: Job(
            bundle=str(bundle.path),
            data=data,
            board=board.board.id,
            port=board.port,
            baud=board.board.serial_baud,
            part=parts[board.id],
            limit=limit,
            seed=seed,
            resume=resume,
            wait_s=wait_s,
            out_dir=str(folder / board.folder),
            hash_only=hash_only,
            overlap=overlap,
        )
        for board in found.boards
    }
    totals = {id: len(plan.indices) for id, plan in plans.items()}
    done = dict.fromkeys(totals, 0)

    def heard(id: str, said: Heard) -> None:
        done[id] = said.done
        if progress is not None:
            progress(sum(done.values()), sum(totals.values()))

    results = run_workers(
        jobs, heard=heard, notice=lambda id, said: notice(f"{id}: {said}") if notice is not None else None
    )
    command = ["mcu", "validate", str(bundle.path), "--hardware-map", str(hardware_map), "--data", data]
    command += ["--split"] if split else []
    command += ["--limit", str(limit)] if limit is not None else []
    command += ["--seed", str(seed)] if seed is not None else []
    command += ["--hash-only"] if hash_only else []
    command += ["--overlap"] if overlap else []
    run = _record(
        bundle, found, plans, jobs, results, folder=folder, command=shlex.join(command), split=split
    )
    page = render_fleet(_page(run, bundle))
    write_together(folder, {REPORT_NAME: page.encode(), FLEET_RECORD_NAME: run.to_json()})
    return run


def _parts(boards: Sequence[MappedBoard]) -> dict[str, tuple[int, int] | None]:
    """Boards of one platform take every n-th sample each."""
    counts = Counter(board.board.id for board in boards)
    taken: Counter[str] = Counter()
    parts: dict[str, tuple[int, int] | None] = {}
    for board in boards:
        platform = board.board.id
        parts[board.id] = (taken[platform], counts[platform])
        taken[platform] += 1
    return parts


def _record(
    bundle: Bundle,
    found: HardwareMap,
    plans: Mapping[str, Plan],
    jobs: Mapping[str, Job],
    results: Mapping[str, Heard],
    *,
    folder: Path,
    command: str,
    split: bool,
) -> FleetRun:
    boards = []
    for mapped in found.boards:
        said = results[mapped.id]
        boards.append(
            FleetBoard(
                id=mapped.id,
                platform=mapped.board.id,
                product=mapped.product,
                port=mapped.port or port_of(bundle, mapped.board, None),
                part=jobs[mapped.id].part,
                seconds=round(said.seconds, 3),
                error=said.end.get("error", ""),
                hint=said.end.get("hint", ""),
                exit_code=said.end.get("exit_code", 0),
                folder=jobs[mapped.id].out_dir,
                run=said.end.get("run"),
            )
        )
    finished = [board.run for board in boards if board.run is not None]
    answered = [said for said in results.values() if said.answers]
    seconds = max((s.last_s for s in answered), default=0.0) - min((s.first_s for s in answered), default=0.0)
    return FleetRun(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        command=command,
        bundle=bundle.manifest.name,
        model_sha256=bundle.manifest.model_sha256,
        data=next(iter(plans.values())).source,
        hardware_map=str(found.path),
        share="split" if split else "every",
        boards=tuple(boards),
        left_out=found.left_out,
        samples=sum(said.done for said in results.values()),
        mismatched_samples=sum(run["mismatched_samples"] for run in finished),
        mismatched_bytes=sum(run["mismatched_bytes"] for run in finished),
        samples_per_s=(sum(said.answers for said in answered) - 1) / seconds if seconds > 0 else None,
        platforms=_platforms(bundle, boards, plans) if split else {},
        report=str(folder / REPORT_NAME),
    )


def _platforms(
    bundle: Bundle, boards: Sequence[FleetBoard], plans: Mapping[str, Plan]
) -> dict[str, PlatformResult]:
    platforms: dict[str, list[FleetBoard]] = {}
    for board in boards:
        platforms.setdefault(board.platform, []).append(board)
    together = {}
    for platform, its in platforms.items():
        runs = [board.run for board in its if board.run is not None]
        together[platform] = PlatformResult(
            boards=len(its),
            samples=sum(run["samples"] for run in runs),
            mismatched_samples=sum(run["mismatched_samples"] for run in runs),
            mismatched_bytes=sum(run["mismatched_bytes"] for run in runs),
            metrics=_metrics(bundle, its, plans) if len(runs) == len(its) else None,
        )
    return together


def _metrics(bundle: Bundle, boards: Sequence[FleetBoard], plans: Mapping[str, Plan]) -> dict[str, float]:
    """Of all samples of boards that shared them, in the order of one board that has them all."""
    task = task_of(bundle.manifest)
    plan = plans[boards[0].id]
    outputs = np.concatenate([np.load(Path(b.folder) / OUTPUTS_NAME, allow_pickle=False) for b in boards])
    indices = np.array([index for board in boards for index in plans[board.id].indices])
    order = np.argsort(indices)
    return task.metrics(outputs[order], task.truths(plan.split, indices[order].tolist()))


def _page(run: FleetRun, bundle: Bundle) -> FleetPage:
    first = next((name for board in run.boards if board.run for name in board.run["metrics"]), "")
    rows = []
    for board in run.boards:
        found = board.run or {}
        rows.append(
            FleetRow(
                id=board.id,
                platform=board.platform,
                port=board.port,
                error=f"{board.error} {board.hint}".strip(),
                samples=found.get("samples"),
                mismatched_samples=found.get("mismatched_samples"),
                score=found.get("metrics", {}).get(first),
                latency_us=(found.get("latency_us") or {}).get("median"),
                goodput_bytes_per_s=found.get("goodput_bytes_per_s"),
                retransmits=found.get("retransmits"),
                report=f"{Path(board.folder).name}/{REPORT_NAME}" if board.run else "",
            )
        )
    together = {
        name: result.metrics.get(first) if result.metrics else None for name, result in run.platforms.items()
    }
    return FleetPage(
        name=bundle.manifest.name,
        data=run.data,
        share=run.share,
        bit_exact=run.bit_exact,
        failed=len(run.failed),
        metric=first.replace("_", " "),
        rows=tuple(rows),
        together=together,
        left_out=run.left_out,
        made={
            "command": run.command,
            "created": run.created,
            "model": run.model_sha256,
            "hardware map": run.hardware_map,
        },
    )
