"""python -m tests.benchmarks.distill --real-data DIR --out DIR

A student of the CamVid table alone against the same student with a teacher of that table: the same recipe, the same
epochs, three seeds. Trains what is not trained yet, goes on with what was interrupted, and writes the table of
docs/reference/results.md. A teacher that `tests.benchmarks.results` has trained under the same --out is taken.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.results.distillation import NAME, gain
from tests.benchmarks.results.page import store_rows
from tests.benchmarks.results.run import train_row, training_minutes
from tests.benchmarks.results.tables import TABLES, Row


@dataclass(frozen=True)
class Comparison:
    """Attributes: student, teacher: with their settings; lesson: settings that the distilled student has besides."""

    student: Row
    teacher: Row
    lesson: tuple[str, ...]
    seeds: tuple[int, ...] = (1, 2, 3)


_ROWS = {row.name: row for row in TABLES["camvid"].rows}
# At most 6 minutes a run on two cores, the teacher's answers included.
_EPOCHS = ("float_phase.epochs=40", "qat_phase.epochs=5")
CAMVID = Comparison(
    student=replace(_ROWS["tiny_unet5"], settings=(*_ROWS["tiny_unet5"].settings, *_EPOCHS)),
    teacher=_ROWS["unet4"],
    # The teacher's masks have four pixels for one of the student's: its answers say how a pixel is shared.
    lesson=("distill.temperature=2.0", "distill.answers_weight=0.5"),
)


def compare(
    comparison: Comparison,
    *,
    source: str,
    folder: Path,
    teacher_run: Path,
    on_run: Callable[[str], None] = lambda text: None,
) -> list[dict[str, Any]]:
    """The rows of the table, the student alone first; a run that is finished in its folder is not repeated.

    Args:
        source: of the data, as `--data` takes it.
        folder: of the runs, `alone-<seed>` and `distilled-<seed>`.
    """
    train_row(comparison.teacher, source=source, run=teacher_run)
    arms: dict[str, list[tuple[Path, dict[str, Any]]]] = {"alone": [], "distilled": []}
    for seed in comparison.seeds:
        for name, runs in arms.items():
            teacher = teacher_run if name == "distilled" else None
            lesson = comparison.lesson if teacher is not None else ()
            settings = (*comparison.student.settings, *lesson, f"seed={seed}")
            run = folder / f"{name}-{seed}"
            result = train_row(
                replace(comparison.student, settings=settings), source=source, run=run, teacher=teacher
            )
            runs.append((run, result))
            on_run(f"{run.name}: {result['metrics']} in {training_minutes(run)} minutes")
    return [
        {
            "name": name,
            "student": comparison.student.recipe,
            "teacher": comparison.teacher.recipe if name == "distilled" else None,
            "settings": [*comparison.student.settings, *(comparison.lesson if name == "distilled" else ())],
            "seeds": list(comparison.seeds),
            "metric": runs[0][1]["metric"],
            **{which: [result["metrics"][which] for _, result in runs] for which in ("float", "ptq", "qat")},
            "minutes": [training_minutes(run) for run, _ in runs],
        }
        for name, runs in arms.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real-data", type=Path, required=True, help="folder with the unpacked data sets")
    parser.add_argument("--out", type=Path, default=Path("build/results"), help="what was trained")
    options = parser.parse_args(arguments)
    rows = compare(
        CAMVID,
        source=TABLES["camvid"].source.format(data=options.real_data),
        folder=options.out / NAME,
        teacher_run=options.out / "camvid" / CAMVID.teacher.name / "run",
        on_run=print,
    )
    store_rows(NAME, rows)
    print(f"Gain after QAT: {100 * gain(rows[0]['qat'], rows[1]['qat']):+.2f} points")


if __name__ == "__main__":
    main()
