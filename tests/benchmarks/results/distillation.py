"""The table of a student alone beside the same student with a teacher: each seed, mean and spread."""

from __future__ import annotations

import statistics
from typing import Any

NAME = "distillation"
WHICH = ("float", "qat")


def to_markdown(rows: list[dict[str, Any]]) -> str:
    """Two rows, the student alone first, then the gain of the second over it.

    Args:
        rows: "name", "seeds", and for each of these a list: "float" and "qat" (shares), "minutes"; "metric",
            "student" and "teacher" are recipes' names.
    """
    alone, distilled = rows
    metric, seeds = alone["metric"].replace("_", " "), ", ".join(map(str, alone["seeds"]))
    header = f"{alone['student']} | {metric} float, seeds {seeds} | mean ± deviation | QAT, seeds {seeds} "
    header += "| mean ± deviation | minutes, the longest"
    lines = [
        "`python -m tests.benchmarks.distill --real-data DIR`",
        "",
        f"| {header} |",
        "|---|" + "--:|" * header.count("|"),
    ]
    for row, label in ((alone, "alone"), (distilled, f"with {distilled['teacher']}")):
        cells = [cell for which in WHICH for cell in (_each(row[which]), _spread(row[which]))]
        lines.append(f"| {label} | {' | '.join(cells)} | {max(row['minutes']):.1f} |")
    gains = [gain(alone[which], distilled[which]) for which in WHICH]
    lines.append("| gain, points | " + " | ".join(f"| {100 * each:+.2f}" for each in gains) + " | |")
    return "\n".join(lines) + "\n"


def gain(alone: list[float], distilled: list[float]) -> float:
    """Difference of the means."""
    return statistics.mean(distilled) - statistics.mean(alone)


def _each(values: list[float]) -> str:
    return ", ".join(f"{value:.2%}" for value in values)


def _spread(values: list[float]) -> str:
    deviation = f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2%}{deviation}"
