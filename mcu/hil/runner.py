"""Validate a bundle on a board: every test sample, every output byte, one record, one page."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from keras_tiny.data.sample import Dataset, Split
from keras_tiny.metrics import integer_error_histogram
from keras_tiny.report import render_validation
from mcu.boards import Board
from mcu.bundle import Bundle, npy_bytes
from mcu.errors import BadInput, KerasTinyError
from mcu.hil.connection import board_named, lasting_session, port_of, wire_of
from mcu.hil.files import default_folder, write_together
from mcu.hil.journal import JOURNAL_NAME, Job, Journal, Kept, read_journal
from mcu.hil.lasting import LastingSession, Notice
from mcu.hil.page import validation_page
from mcu.hil.plan import Plan, make_plan
from mcu.hil.record import (
    INCOMPLETE_NAME,
    OUTPUTS_NAME,
    RECORD_NAME,
    REPORT_NAME,
    GoldenCheck,
    HilRun,
    InterruptionRecord,
    SampleRecord,
    Spread,
    byte_differences,
)
from mcu.hil.stream import Connected, Streamed, check_golden, stream
from mcu.hil.tasks import task_of
from mcu.hil.versions import host_versions
from mcu.tflm import TflmInterpreter

Progress = Callable[[int, int], None]
# A person needs a few seconds to plug a cable in again.
DEFAULT_WAIT_S = 10.0


def validate(
    bundle: Bundle | str | Path,
    data: Dataset | Split | str,
    *,
    board: str | Board = "virtual",
    port: str | None = None,
    limit: int | None = None,
    out_dir: str | Path | None = None,
    progress: Progress | None = None,
    seed: int | None = None,
    part: tuple[int, int] | None = None,
    resume: bool = False,
    wait_s: float = DEFAULT_WAIT_S,
    notice: Notice | None = None,
    ask_roms: bool = False,
    record: str | Path | None = None,
    hash_only: bool = False,
    overlap: bool = False,
) -> HilRun:
    """Stream a test set to the board and compare every output byte with TensorFlow Lite Micro on the desk.

    Args:
        data: a source's name ("digits", "folders:PATH"), a data set (its test split is taken), or a split.
        port: URL or device of the board's port; the virtual board needs none. `replay://FILE` plays a recording.
        limit: at most this many samples, the classes taking turns; None for all.
        out_dir: where `hil_run.json`, `outputs.npy` and `report.html` go; by default `BUNDLE-hil-BOARD` beside the
            bundle. A run that stops leaves what is there alone and adds `hil_run.incomplete.json` and a journal.
        progress: called with (done, total) after every sample.
        seed: of the choice under `limit`, and of a split that the source does not have itself.
        part: (k, n): of the samples every n-th, beginning with the k-th, counted from 0; for several boards.
        resume: go on with the run that left its journal in `out_dir`, behind its last answered sample.
        wait_s: how long to wait for a board that was unplugged or reset; 0: the run stops there.
        notice: called with a sentence whenever the run waits for the board.
        ask_roms: if nobody answers, ask the ROM bootloaders too, which resets ESP boards.
        record: a file for everything that goes over the port, for `replay://FILE`.
        hash_only: the board sends the CRC-32 of its outputs, and the outputs themselves only where it is not that of
            the desk's; two different outputs have the same one with a probability of 2^-32.
        overlap: the next sample is uploaded while the model runs, where the board has memory for that; the latency may
            include the interrupts of receiving.

    Returns:
        The record; `run.bit_exact` and `run.accuracy` answer the two questions.

    Raises:
        BadInput: data that is not the bundle's, an empty split, a folder that cannot be written; no run there to
            go on with, or one of other data, another model or another board.
        BundleError, DataError: a damaged bundle; data that cannot be read.
        PortError, LinkError, WrongModel: see `mcu.hil.connection.connect_board`; a board that goes away.
        MissingExtra: the interpreter on the desk is not installed.
    """
    bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
    board = board_named(board)
    # Everything that a person can get wrong fails here, before the port is opened.
    url = port_of(bundle, board, port)
    plan = make_plan(bundle, data, limit=limit, seed=seed, part=part)
    folder = default_folder(bundle.path, board_id=board.id) if out_dir is None else Path(out_dir)
    write_together(folder, {})
    command = ["mcu", "validate", str(bundle.path), "--board", board.id]
    command += ["--port", port] if port else []
    command += ["--data", plan.source] if plan.source else []
    command += ["--limit", str(limit)] if limit is not None else []
    command += ["--seed", str(seed)] if seed is not None else []
    command += ["--part", f"{part[0] + 1}/{part[1]}"] if part is not None else []
    command += ["--hash-only"] if hash_only else []
    command += ["--overlap"] if overlap else []
    job = Job.of(bundle, plan, board_id=board.id)
    kept = read_journal(folder / JOURNAL_NAME, job) if resume else None
    wire = wire_of(
        url,
        board=board,
        record=None if record is None else Path(record),
        command=shlex.join(command),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    desk = TflmInterpreter(bundle.model_bytes)
    before = kept.stats if kept else None
    with (
        closing(wire.opener),
        lasting_session(
            bundle,
            board=board,
            port=url,
            opener=wire.opener,
            wait_s=wait_s,
            notice=notice,
            before=before,
            ask_roms=ask_roms,
        ) as session,
    ):
        run = Run(
            bundle,
            plan,
            desk,
            session,
            port=wire.port,
            command=wire.command,
            limit=limit,
            seed=seed,
            created=wire.created,
            hash_only=hash_only,
            overlap=overlap,
            clock=wire.opener.clock,
        )
        run.keep_journal(folder / JOURNAL_NAME, job, kept=kept)
        return run.validate(folder, progress=progress)


class Run:
    """A validation over a session that is open; `validate` makes one, and so does the pytest plugin.

    Args:
        desk: the interpreter whose answers are the reference.
        session: greeted, and checked to run the bundle's model.
        port, command, limit, seed: for the record; created: likewise, None: now.
        hash_only, overlap: see `validate`.
        clock: seconds, of the round trips.
    """

    def __init__(
        self,
        bundle: Bundle,
        plan: Plan,
        desk: TflmInterpreter,
        session: Connected,
        *,
        port: str,
        command: str,
        limit: int | None = None,
        seed: int | None = None,
        created: str | None = None,
        hash_only: bool = False,
        overlap: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self._bundle, self._plan, self._desk, self._session = bundle, plan, desk, session
        self._task = task_of(bundle.manifest)
        self._hash_only, self._overlap = hash_only, overlap
        self._facts = {"port": port, "command": command, "limit": limit, "seed": seed}
        self._created = created or datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._clock = clock
        self._golden: GoldenCheck | None = None
        self._streamed: list[Streamed] = []
        self._journal: Journal | None = None
        self._earlier: tuple[InterruptionRecord, ...] = ()
        self._board_link: dict[str, int] | None = None

    def keep_journal(self, path: Path, job: Job, *, kept: Kept | None = None) -> None:
        """Write a line per sample from here on, behind those that an earlier run has kept.

        Raises:
            BadInput: the board has other firmware than in the earlier run.
        """
        engine, firmware = self._session.identity.engine, self._session.identity.firmware
        if kept is None:
            self._journal = Journal.begin(path, job, created=self._created, engine=engine, firmware=firmware)
            return
        if (kept.engine, kept.firmware) != (engine, firmware):
            raise BadInput(
                f"The run began with the firmware {kept.firmware} ({kept.engine}) on the board; "
                f"now it is {firmware} ({engine}).",
                hint="Start anew without --resume.",
            )
        self._created, self._golden, self._streamed = kept.created, kept.golden, list(kept.streamed)
        stop = InterruptionRecord(after=kept.stats.inferences, why="The run was stopped, and resumed.")
        self._earlier = (stop,)
        self._journal = Journal.resume(path, kept)

    def validate(self, folder: Path, *, progress: Progress | None = None) -> HilRun:
        """Stream, compare, write the three files; see `mcu.validate` for the errors."""
        total = len(self._plan.indices)
        try:
            if self._golden is None:
                self._golden = check_golden(self._session, self._bundle, desk=self._desk)
                if self._journal is not None:
                    self._journal.add_golden(self._golden)
            done = {answer.index for answer in self._streamed}
            rest = replace(self._plan, indices=tuple(i for i in self._plan.indices if i not in done))
            answers = stream(
                self._session,
                rest,
                bundle=self._bundle,
                desk=self._desk,
                hash_only=self._hash_only,
                overlap=self._overlap,
                clock=self._clock,
            )
            for answer in answers:
                self._streamed.append(answer)
                if self._journal is not None:
                    self._journal.add(answer, self._session.stats)
                if progress is not None:
                    progress(len(self._streamed), total)
        except BaseException as error:
            self._keep_what_was_done(folder, error)
            raise
        return self._finish(folder)

    def _finish(self, folder: Path) -> HilRun:
        desk, board = self._answers()
        self._board_link = self._counted_by_board()
        run = self._record(outputs=str(folder / OUTPUTS_NAME), report=str(folder / REPORT_NAME))
        page = validation_page(
            run,
            task=self._task,
            pictures=self._picture,
            desk=desk,
            board=board,
            truths=self._truths(),
        )
        write_together(
            folder,
            {
                OUTPUTS_NAME: npy_bytes(board),
                REPORT_NAME: render_validation(page).encode(),
                RECORD_NAME: run.to_json(),
            },
        )
        (folder / INCOMPLETE_NAME).unlink(missing_ok=True)
        if self._journal is not None:
            self._journal.remove()
        return run

    def _counted_by_board(self) -> dict[str, int] | None:
        # All samples are answered: a board that goes away now, or does not count, must not undo that.
        try:
            return asdict(self._session.device_stats())
        except KerasTinyError:
            return None

    def _keep_what_was_done(self, folder: Path, error: BaseException) -> None:
        if not self._streamed:
            if self._journal is not None:
                self._journal.remove()
            return
        if self._journal is not None:
            self._journal.close()
        why = f"{type(error).__name__}: {error}".rstrip(": ")
        # A second error here, a full disk for one, must not hide the first.
        with suppress(BadInput):
            path = self._record(stopped_by=why).write(folder)
            if isinstance(error, KerasTinyError):
                kept = (
                    f"The first {len(self._streamed)} of {len(self._plan.indices)} samples are kept in {path}"
                )
                kept += "; go on with --resume." if self._journal is not None else "."
                error.hint = f"{error.hint} {kept}".strip()

    def _answers(self) -> tuple[np.ndarray, np.ndarray]:
        """Output bytes int8 (samples, bytes) of desk and board."""
        return np.stack([s.desk for s in self._streamed]), np.stack([s.board for s in self._streamed])

    def _truths(self) -> Any:
        return self._task.truths(self._plan.split, [streamed.index for streamed in self._streamed])

    def _picture(self, at: int) -> np.ndarray:
        return self._plan.split[self._streamed[at].index].image

    def _record(
        self, *, stopped_by: str = "", outputs: str | None = None, report: str | None = None
    ) -> HilRun:
        manifest, identity, stats = self._bundle.manifest, self._session.identity, self._session.stats
        desk, board = self._answers()
        truths = self._truths()
        samples = self._samples(desk, board, truths)
        counted = [s.instructions for s in self._streamed if s.instructions is not None]
        return HilRun(
            complete=not stopped_by,
            stopped_by=stopped_by,
            created=self._created,
            versions=host_versions(),
            bundle=manifest.name,
            task=manifest.task,
            labels=manifest.labels,
            model_sha256=manifest.model_sha256,
            model_crc32=manifest.model_crc32,
            data=self._plan.source,
            split=self._plan.split.name,
            board=identity.board,
            engine=identity.engine,
            firmware=identity.firmware,
            samples=len(samples),
            mismatched_samples=sum(sample.mismatched_bytes > 0 for sample in samples),
            mismatched_bytes=sum(sample.mismatched_bytes for sample in samples),
            output_bytes=board.size,
            overlap=self._overlap,
            samples_by_crc=sum(answer.by_crc for answer in self._streamed),
            golden=self._golden,
            metrics=self._task.metrics(board, truths),
            desk_metrics=self._task.metrics(desk, truths),
            training_metrics=manifest.metrics,
            agreement=self._task.agreements(desk, board, truths),
            error_steps=integer_error_histogram(desk, board),
            latency_us=Spread.of(np.array([sample.latency_us for sample in samples])),
            round_trip_us=Spread.of(np.array([sample.round_trip_us for sample in samples])),
            instructions_per_inference=int(np.median(counted)) if counted else None,
            goodput_bytes_per_s=stats.goodput_bytes_per_s,
            retransmits=stats.retransmits,
            link=asdict(stats),
            board_link=self._board_link,
            ram_bytes=self._arena_bytes(),
            flash_bytes=identity.model_bytes,
            interruptions=self._interruptions(),
            outputs=outputs,
            report=report,
            per_sample=samples,
            **self._facts,
        )

    def _interruptions(self) -> tuple[InterruptionRecord, ...]:
        if not isinstance(self._session, LastingSession):
            return ()
        return self._earlier + tuple(
            InterruptionRecord(after=each.after, why=each.why) for each in self._session.interruptions
        )

    def _arena_bytes(self) -> int | None:
        """Working memory: what the board says, or of a virtual board, which has plenty, what export measured."""
        identity = self._session.identity
        if identity.arena_used_bytes is not None:
            return identity.arena_used_bytes
        return self._bundle.manifest.arena_bytes if identity.board == "virtual" else identity.arena_bytes

    def _samples(self, desk: np.ndarray, board: np.ndarray, truths: Any) -> tuple[SampleRecord, ...]:
        classes = zip(
            self._task.true_classes(truths, count=len(board)),
            self._task.classes(desk),
            self._task.classes(board),
            strict=True,
        )
        return tuple(
            SampleRecord(
                id=self._plan.split.ids[streamed.index],
                truth=truth,
                desk=on_desk,
                board=on_board,
                latency_us=streamed.latency_us,
                round_trip_us=streamed.round_trip_us,
                mismatched_bytes=int((streamed.desk != streamed.board).sum()),
                differences=byte_differences(streamed.desk, streamed.board),
            )
            for streamed, (truth, on_desk, on_board) in zip(self._streamed, classes, strict=True)
        )
