"""The journal of a run: a line per answered sample, written before the next one is asked (docs/reference/hil_run.md).

It survives a killed process; a line that was cut in the middle is as if the sample had not been asked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from mcu.bundle import Bundle
from mcu.errors import BadInput
from mcu.hil.plan import Plan
from mcu.hil.record import GoldenCheck
from mcu.hil.stream import Streamed
from mcu.protocol.stats import LinkStats

JOURNAL_NAME = "hil_run.journal.jsonl"
FORMAT_VERSION = 1
_OTHERWISE = "Start anew without --resume, or name the folder of the other run."


@dataclass(frozen=True)
class Job:
    """What a run is about: only a run about the same can go on with it.

    Attributes:
        samples_sha256: of the ids of the samples, in their order.
    """

    board: str
    model_sha256: str
    data: str
    split: str
    samples: int
    samples_sha256: str

    @classmethod
    def of(cls, bundle: Bundle, plan: Plan, *, board_id: str) -> Job:
        ids = "\n".join(f"{index} {plan.split.ids[index]}" for index in plan.indices)
        return cls(
            board=board_id,
            model_sha256=bundle.manifest.model_sha256,
            data=plan.source,
            split=plan.split.name,
            samples=len(plan.indices),
            samples_sha256=hashlib.sha256(ids.encode()).hexdigest(),
        )


@dataclass(frozen=True)
class Kept:
    """What a journal holds.

    Attributes:
        created: when the run began, UTC, ISO 8601.
        engine, firmware: of the board then.
        golden: None if the run stopped before they were all answered.
        streamed: the samples that were answered, in their order.
        stats: of the link until then.
        whole_bytes: of the file, without a line that was cut.
    """

    created: str
    engine: str
    firmware: str
    golden: GoldenCheck | None
    streamed: tuple[Streamed, ...]
    stats: LinkStats
    whole_bytes: int


class Journal:
    """A journal that is being written; `begin` or `resume` makes one.

    Args:
        path: of its file, which is there.
    """

    def __init__(self, path: Path):
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))

    @classmethod
    def begin(cls, path: Path, job: Job, *, created: str, engine: str, firmware: str) -> Journal:
        """A new journal in the place of an older one."""
        head = {"format_version": FORMAT_VERSION, "created": created, "engine": engine, "firmware": firmware}
        path.write_bytes(_line({**head, "job": asdict(job)}))
        return cls(path)

    @classmethod
    def resume(cls, path: Path, kept: Kept) -> Journal:
        """Go on behind what `read_journal` found."""
        os.truncate(path, kept.whole_bytes)
        return cls(path)

    def add_golden(self, check: GoldenCheck) -> None:
        """The golden inputs are all answered."""
        self._append({"golden": check.model_dump(mode="json")})

    def add(self, answer: Streamed, stats: LinkStats) -> None:
        """A sample is answered; `stats` of the link until here."""
        same = np.array_equal(answer.desk, answer.board)
        fields_ = {
            "index": answer.index,
            "board": _text(answer.board),
            "desk": None if same else _text(answer.desk),
            "latency_us": answer.latency_us,
            "round_trip_us": answer.round_trip_us,
            "instructions": answer.instructions,
            "by_crc": answer.by_crc,
        }
        self._append({**fields_, "link": asdict(stats)})

    def close(self) -> None:
        """May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """The run is written elsewhere, or nothing was answered."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _append(self, fields_: dict[str, Any]) -> None:
        line = _line(fields_)
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            raise BadInput(
                f"Cannot write {self._path}: {error.strerror}.",
                hint="Free some space; then go on with --resume.",
            ) from error


def read_journal(path: Path, job: Job) -> Kept:
    """What a run about `job` has left when it stopped.

    Raises:
        BadInput: no journal there, not a journal, or one of another job.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"There is no run to go on with: {path} cannot be read ({error.strerror}).",
            hint="A run that was finished leaves no journal. Start one without --resume.",
        ) from error
    whole_bytes = content.rfind(b"\n") + 1
    lines = content[:whole_bytes].splitlines()
    try:
        head, *rest = (json.loads(line) for line in lines)
        if head["format_version"] != FORMAT_VERSION:
            raise BadInput(
                f"{path} has format version {head['format_version']}, not {FORMAT_VERSION}.", hint=_OTHERWISE
            )
        theirs = Job(**head["job"])
        _require_same(path, theirs, job)
        samples = [each for each in rest if "golden" not in each]
        golden = [GoldenCheck.model_validate(each["golden"]) for each in rest if "golden" in each]
        return Kept(
            created=head["created"],
            engine=head["engine"],
            firmware=head["firmware"],
            golden=golden[-1] if golden else None,
            streamed=tuple(map(_streamed, _unique(samples))),
            stats=_stats(samples[-1]["link"]) if samples else LinkStats(),
            whole_bytes=whole_bytes,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is not the journal of a run: {error}.", hint=_OTHERWISE) from error


def _require_same(path: Path, theirs: Job, ours: Job) -> None:
    for field in fields(Job):
        a, b = getattr(theirs, field.name), getattr(ours, field.name)
        if a != b:
            raise BadInput(
                f"{path} is of another run: its {field.name} is '{a}', this one's is '{b}'.", hint=_OTHERWISE
            )


def _unique(samples: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    by_index = {each["index"]: each for each in samples}
    return [by_index[index] for index in sorted(by_index)]


def _streamed(fields_: dict[str, Any]) -> Streamed:
    board = _array(fields_["board"])
    return Streamed(
        index=fields_["index"],
        desk=board if fields_["desk"] is None else _array(fields_["desk"]),
        board=board,
        latency_us=fields_["latency_us"],
        round_trip_us=fields_["round_trip_us"],
        instructions=fields_["instructions"],
        by_crc=fields_.get("by_crc", False),
    )


def _stats(counted: dict[str, Any]) -> LinkStats:
    known = {field.name for field in fields(LinkStats)}
    return LinkStats(**{name: value for name, value in counted.items() if name in known})


def _line(fields_: dict[str, Any]) -> bytes:
    return json.dumps(fields_, separators=(",", ":")).encode() + b"\n"


def _text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _array(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), np.int8)
