"""Answers per second of several boards at once against one: virtual boards behind lines of one baud rate.

    python -m tests.benchmarks.bench_fleet [--boards 4] [--seconds 300] [--baud 19200]

The line is the limit: a sample of 48x48 takes 1.2 s at 19,200 baud, the model some microseconds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcu.bundle import Bundle
from mcu.hil import FleetRun, HilRun, validate_fleet
from mcu.hil.fleet_record import FleetBoard
from tests.mcu.hil.digits_bundle import digits, write_digits_bundle

REQUIRED_GAIN = 3.8  # of four boards
BOARDS, SECONDS, BAUD, SIDE = 4, 300.0, 19200, 48
_BITS_PER_BYTE = 10


@dataclass(frozen=True)
class Gain:
    """One board, then several.

    Attributes:
        single_per_s, together_per_s: answers per second, from the first to the last.
        samples: of each of the several.
        exact: every byte of every board is the desk's, and each board's record is of its own samples.
    """

    boards: int
    baud: int
    samples: int
    single_per_s: float
    together_per_s: float
    exact: bool

    @property
    def gain(self) -> float:
        return self.together_per_s / self.single_per_s

    def __str__(self) -> str:
        return (
            f"{self.boards} boards at {self.baud:,} baud, {self.samples} samples each: "
            f"{self.together_per_s:.3f} answers/s, one alone {self.single_per_s:.3f}: {self.gain:.2f} times, "
            f"{'every byte exact' if self.exact else 'NOT EXACT'}"
        )


def measure(
    folder: Path, *, boards: int = BOARDS, seconds: float = SECONDS, baud: int = BAUD, side: int = SIDE
) -> Gain:
    """Validate on one board for a fifth of the time, then on several for all of it; each board has all samples."""
    bundle = write_digits_bundle(folder / "bundle", data=digits(side=side))
    per_s = baud / _BITS_PER_BYTE / bundle.manifest.inputs[0].nbytes
    samples = max(2, int(seconds * per_s))
    single = _run(bundle, folder, boards=1, baud=baud, samples=max(2, samples // 5))
    together = _run(bundle, folder, boards=boards, baud=baud, samples=samples)
    assert single.samples_per_s is not None
    assert together.samples_per_s is not None
    return Gain(
        boards=boards,
        baud=baud,
        samples=samples,
        single_per_s=single.samples_per_s,
        together_per_s=together.samples_per_s,
        exact=together.bit_exact and all(_is_its_own(board, samples) for board in together.boards),
    )


def _run(bundle: Bundle, folder: Path, *, boards: int, baud: int, samples: int) -> FleetRun:
    port = f"virtual://{bundle.path}?faults=baud:{baud}"
    path = folder / f"{boards}.yml"
    entries = [
        {"connected": True, "id": f"b{i}", "platform": "virtual", "serial": port} for i in range(boards)
    ]
    path.write_text(json.dumps(entries))
    run = validate_fleet(bundle, "digits", hardware_map=path, limit=samples, out_dir=folder / f"out{boards}")
    if run.failed:
        raise AssertionError("; ".join(f"{board.id}: {board.error}" for board in run.failed))
    return run


def _is_its_own(board: FleetBoard, samples: int) -> bool:
    """Whether a board's record has each sample once, answered as on the desk."""
    record = HilRun.read(board.folder)
    ids = {sample.id for sample in record.per_sample}
    return len(ids) == samples == record.samples and record.mismatched_bytes == 0


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boards", type=int, default=BOARDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--baud", type=int, default=BAUD)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        print(measure(Path(folder), boards=args.boards, seconds=args.seconds, baud=args.baud))


if __name__ == "__main__":
    main()
