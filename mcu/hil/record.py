"""The run record: what one validation found, as `hil_run.json` (docs/reference/hil_run.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcu.errors import BadInput
from mcu.hil.files import write_together

FORMAT_VERSION = 1
RECORD_NAME = "hil_run.json"
# A run that did not finish goes beside, never over, the record of one that did.
INCOMPLETE_NAME = "hil_run.incomplete.json"
OUTPUTS_NAME = "outputs.npy"
REPORT_NAME = "report.html"

# What scripts rely on in `mcu validate --json`; null where unknown.
SUMMARY_KEYS = (
    "board",
    "engine",
    "samples",
    "mismatched_samples",
    "mismatched_bytes",
    "bit_exact",
    "metrics",
    "latency_us",
    "instructions_per_inference",
    "goodput_bytes_per_s",
    "retransmits",
    "ram_bytes",
    "flash_bytes",
    "model_sha256",
    "report",
)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(_Frozen):
    """How a figure is spread over the samples."""

    min: float
    median: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: np.ndarray) -> Spread:
        """Of (n,) values, n >= 1."""
        low, median, p99, high = np.percentile(np.asarray(values, np.float64), [0, 50, 99, 100])
        return cls(min=float(low), median=float(median), p99=float(p99), max=float(high))

    def __str__(self) -> str:
        return f"min {self.min:g}, median {self.median:g}, p99 {self.p99:g}, max {self.max:g}"


class ByteDifference(_Frozen):
    """One output byte that is not what it should be: at `offset`, `expected` (int8), and what the `board` gave."""

    offset: int
    expected: int
    board: int

    def __str__(self) -> str:
        return f"byte {self.offset}: expected {self.expected}, board {self.board}"


# Of one sample; a mask that differs everywhere would fill the record with thousands.
_DIFFERENCES_KEPT = 8


def byte_differences(expected: np.ndarray, board: np.ndarray) -> tuple[ByteDifference, ...]:
    """The first differences of two answers, int8 (bytes,)."""
    return tuple(
        ByteDifference(offset=int(at), expected=int(expected[at]), board=int(board[at]))
        for at in np.flatnonzero(expected != board)[:_DIFFERENCES_KEPT]
    )


class SampleRecord(_Frozen):
    """One sample.

    Attributes:
        id: as in the data set.
        truth, desk, board: class index; None where the task has none.
        latency_us: of the inference, by the board.
        round_trip_us: from the first byte sent to the last received, by the host.
        mismatched_bytes: output bytes in which the board is not the desk; 0 is bit-exact.
        differences: the first of them.
    """

    id: str
    truth: int | None = None
    desk: int | None = None
    board: int | None = None
    latency_us: int = Field(ge=0)
    round_trip_us: int = Field(ge=0)
    mismatched_bytes: int = 0
    differences: tuple[ByteDifference, ...] = ()


class GoldenCheck(_Frozen):
    """The bundle's golden inputs, run on the board: are its answers those of the export?

    Attributes:
        mismatched_bytes: output bytes that are not as at export.
        differences: index of a golden input → its first differences; bit-exact ones are left out.
        desk_agrees: False if the interpreter on this desk does not reproduce the golden outputs either.
        masks: of a segmenter, how many masks the board has made of these answers; 0 where it makes none.
        mismatched_masks: how many of them are not what the desk makes of the same bytes.
    """

    samples: int
    mismatched_bytes: int = 0
    differences: dict[int, tuple[ByteDifference, ...]] = Field(default_factory=dict)
    desk_agrees: bool = True
    masks: int = 0
    mismatched_masks: int = 0


class InterruptionRecord(_Frozen):
    """The board went away or started again, and the run went on.

    Attributes:
        after: inferences answered until then, golden inputs included.
        why: the error.
    """

    after: int
    why: str


class HilRun(_Frozen):
    """One validation of one bundle on one board.

    Attributes:
        complete: False for a run that stopped; `stopped_by` says why, and the figures are of what was done.
        created: UTC, ISO 8601.
        command: what a person types to get this record again.
        versions: name → version of what took part on the host.
        data, split: the samples' source as the user named it, and which split.
        output_bytes: of all samples together, compared one by one.
        metrics: name → value of the board's answers, e.g. {"accuracy": 0.983}, the task's own first; empty for a
            task without.
        desk_metrics: the same, of the interpreter on the desk, on the same bytes.
        training_metrics: metric → {"float", "ptq", "qat"} as the bundle's manifest has them.
        agreement: name of the comparison → its ST-style columns.
        error_steps: desk minus board in integer steps → output elements.
        latency_us: inference by the board's clock; round_trip_us: with the transfer, by the host's.
        instructions_per_inference: median; None where the board does not count.
        samples_by_crc: of how many samples the board has only sent the CRC-32 of its outputs, which is the desk's.
        overlap: whether the next sample was uploaded while the model ran, which its latency may include.
        goodput_bytes_per_s: tensor bytes over the time spent on the link.
        board_link: what the board has counted since it started (STATS of the protocol); None where it does not say.
        ram_bytes: what the model takes of working memory on the board (arena); flash_bytes: of its .tflite.
        interruptions: after which the run went on.
        outputs, report: files of this run.
    """

    format_version: int = FORMAT_VERSION
    complete: bool = True
    stopped_by: str = ""
    created: str
    command: str
    versions: dict[str, str]

    bundle: str
    task: str
    labels: tuple[str, ...]
    model_sha256: str
    model_crc32: int
    data: str
    split: str
    seed: int | None = None
    limit: int | None = None

    board: str
    engine: str
    firmware: str
    port: str

    samples: int
    mismatched_samples: int
    mismatched_bytes: int
    output_bytes: int
    samples_by_crc: int = 0
    overlap: bool = False
    golden: GoldenCheck | None = None
    metrics: dict[str, float]
    desk_metrics: dict[str, float]
    training_metrics: dict[str, dict[str, float | None]]
    agreement: dict[str, dict[str, float | None]]
    error_steps: dict[int, int]
    latency_us: Spread | None
    round_trip_us: Spread | None
    instructions_per_inference: int | None
    goodput_bytes_per_s: float | None
    retransmits: int | None
    link: dict[str, float | int | None]
    board_link: dict[str, int] | None = None
    ram_bytes: int | None
    flash_bytes: int | None
    interruptions: tuple[InterruptionRecord, ...] = ()
    outputs: str | None = None
    report: str | None = None
    per_sample: tuple[SampleRecord, ...]

    @property
    def bit_exact(self) -> bool:
        """Every byte of every sample is the desk's, and every golden output the export's."""
        golden = self.golden.mismatched_bytes if self.golden else 0
        return self.complete and self.mismatched_bytes == 0 and golden == 0

    @property
    def masks_agree(self) -> bool | None:
        """Whether the board's masks are what the desk makes of its bytes; None without masks. Not in `bit_exact`."""
        if self.golden is None or not self.golden.masks:
            return None
        return self.golden.mismatched_masks == 0

    @property
    def accuracy(self) -> float | None:
        """Of the board's answers, 0..1; None for a task without. `metrics` has those of every task."""
        return self.metrics.get("accuracy")

    def __repr__(self) -> str:
        # The whole record would bury the assertion that it stands in.
        first = next(iter(self.metrics.items()), None)
        score = "" if first is None else f", {first[0].replace('_', ' ')} {first[1]:.4f}"
        exact = "bit-exact" if self.bit_exact else "not bit-exact"
        return f"<HilRun {self.bundle} on {self.board}: {self.samples} samples{score}, {exact}>"

    __str__ = __repr__

    def summary(self) -> dict[str, Any]:
        """The keys of `mcu validate --json`."""
        fields = {**self.model_dump(exclude={"per_sample"}), "bit_exact": self.bit_exact}
        return {key: fields[key] for key in SUMMARY_KEYS}

    def to_json(self) -> bytes:
        """The content of `hil_run.json`, `bit_exact` spelt out for readers of the file."""
        fields = {**self.model_dump(mode="json"), "bit_exact": self.bit_exact}
        return (json.dumps(fields, indent=2, allow_nan=False) + "\n").encode()

    def write(self, folder: str | Path) -> Path:
        """Write the record into `folder`, whole or not at all; returns its path.

        An incomplete run is written beside the record of a complete one, not over it.
        """
        name = RECORD_NAME if self.complete else INCOMPLETE_NAME
        write_together(Path(folder), {name: self.to_json()})
        return Path(folder) / name

    @classmethod
    def read(cls, path: str | Path) -> HilRun:
        """Read a record from its file or its folder.

        Raises:
            BadInput: no file there, not a record, or one of a newer format.
        """
        path = Path(path)
        if path.is_dir():
            path = path / RECORD_NAME
        try:
            fields = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise BadInput(
                f"The run record {path} cannot be read: {error}.", hint="Run `mcu validate` again."
            ) from error
        version = fields.get("format_version") if isinstance(fields, dict) else None
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise BadInput(
                f"{path} has format version {version}; this keras-tiny reads up to {FORMAT_VERSION}.",
                hint="Update with: pip install -U keras-tiny",
            )
        try:
            if isinstance(fields, dict):
                fields.pop("bit_exact", None)  # derived
            return cls.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the top level"
            raise BadInput(f"{path} is not a run record: {where}: {first['msg']}.") from error
