"""The record of several boards: what each of them found, as `hil_fleet.json` (docs/reference/hil_run.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mcu.errors import ExitCode
from mcu.hil.record import SUMMARY_KEYS

FLEET_FORMAT_VERSION = 1
FLEET_RECORD_NAME = "hil_fleet.json"
Share = Literal["every", "split"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FleetBoard(_Frozen):
    """One board of the run.

    Attributes:
        id, product: of the hardware map; platform: the board's id in `mcu boards`.
        part: (k, n): which samples it was given, every n-th beginning with the k-th; None: all.
        seconds: from the first to the last of its answers.
        error, hint, exit_code: of a board that failed; empty and 0 for one that did not.
        folder: of its own record and report.
        run: the keys of `mcu validate --json`; None for a board that failed.
    """

    id: str
    platform: str
    product: str
    port: str
    part: tuple[int, int] | None
    seconds: float
    error: str = ""
    hint: str = ""
    exit_code: int = 0
    folder: str
    run: dict[str, Any] | None


class PlatformResult(_Frozen):
    """What the boards of one platform found together, of samples that were split over them.

    Attributes:
        metrics: name → value over all their samples, as one board would have it; None if a board failed.
    """

    boards: int
    samples: int
    mismatched_samples: int
    mismatched_bytes: int
    metrics: dict[str, float] | None


class FleetRun(_Frozen):
    """One validation on several boards at once.

    Attributes:
        share: "every": each board was given every sample. "split": the boards of a platform shared them.
        left_out: id → why, of boards that the map lists and that could not be used.
        samples: that were answered, by all boards together.
        samples_per_s: of all boards together, from the first answer of any to the last of any; None for one answer.
        platforms: of boards that shared the samples; empty for "every".
    """

    format_version: int = FLEET_FORMAT_VERSION
    created: str
    command: str
    bundle: str
    model_sha256: str
    data: str
    hardware_map: str
    share: Share
    boards: tuple[FleetBoard, ...]
    left_out: dict[str, str] = Field(default_factory=dict)
    samples: int
    mismatched_samples: int
    mismatched_bytes: int
    samples_per_s: float | None
    platforms: dict[str, PlatformResult]
    report: str

    @property
    def failed(self) -> tuple[FleetBoard, ...]:
        """The boards that did not finish."""
        return tuple(board for board in self.boards if board.run is None)

    @property
    def bit_exact(self) -> bool:
        """Every board finished, and every byte of each is the desk's."""
        return all(board.run is not None and board.run["bit_exact"] for board in self.boards)

    @property
    def exit_code(self) -> ExitCode:
        """Of `mcu validate`: a board that failed comes before one that answered wrongly."""
        if self.failed:
            codes = {board.exit_code for board in self.failed}
            return ExitCode(codes.pop()) if len(codes) == 1 else ExitCode.BOARD
        return ExitCode.DONE if self.bit_exact else ExitCode.NO

    def summary(self) -> dict[str, Any]:
        """The object of `mcu validate --hardware-map --json`: per board the keys of one board's, null if it failed."""
        nothing = dict.fromkeys(SUMMARY_KEYS)
        boards = [
            {
                "id": b.id,
                "platform": b.platform,
                "port": b.port,
                "error": b.error or None,
                **(b.run or nothing),
            }
            for b in self.boards
        ]
        fields = self.model_dump(mode="json", include={"share", "samples", "mismatched_samples", "report"})
        more = {"mismatched_bytes", "samples_per_s", "left_out", "platforms"}
        fields |= self.model_dump(mode="json", include=more)
        return {"bit_exact": self.bit_exact, **fields, "boards": boards}

    def to_json(self) -> bytes:
        """The content of `hil_fleet.json`, `bit_exact` spelt out for readers of the file."""
        fields = {**self.model_dump(mode="json"), "bit_exact": self.bit_exact}
        return (json.dumps(fields, indent=2, allow_nan=False) + "\n").encode()

    @classmethod
    def read(cls, path: str | Path) -> FleetRun:
        """Read a record that this version wrote, from its file or its folder."""
        path = Path(path)
        path = path / FLEET_RECORD_NAME if path.is_dir() else path
        fields = json.loads(path.read_text("utf-8"))
        fields.pop("bit_exact", None)
        return cls.model_validate(fields)
