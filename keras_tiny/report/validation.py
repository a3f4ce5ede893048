"""The validation report: what a board answered, against the desk and against the truth, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_tiny.metrics import Agreement
from keras_tiny.report import plots
from keras_tiny.report.page import render


@dataclass(frozen=True)
class Example:
    """One picture on the page, with what was right and what was answered.

    Attributes:
        image: uint8 (height, width, channels), as the data set holds it or with the answer drawn on it.
        detail: one line below the answers, e.g. which bytes differ.
    """

    id: str
    image: np.ndarray
    truth: str
    desk: str
    board: str
    detail: str


@dataclass(frozen=True)
class ClassTable:
    """Figures per class.

    Attributes:
        columns: their names; the first is a count, the others are shares 0..1, the last of them also drawn.
        rows: label → one value per column; None where a figure is 0/0.
    """

    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float | None, ...]]

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows.values())


@dataclass(frozen=True)
class TaskPart:
    """What the page says of the classes, as far as the task has it.

    Attributes:
        confusion_board, confusion_desk: counts (classes, classes), row is the truth; None where a task has none.
        confusion_note: what is counted in them.
        classes: figures of the board's answers.
        precisions: name → precision of the board's answers at a recall of 1 %, 2 % … 100 %; at most five.
        mistakes_note: in which order the mistakes are, and what is drawn on them.
    """

    labels: tuple[str, ...]
    confusion_board: np.ndarray | None = None
    confusion_desk: np.ndarray | None = None
    confusion_note: str = "Rows are the truth, columns the board's answer; shaded by the row's share."
    classes: ClassTable | None = None
    precisions: Mapping[str, Sequence[float]] = field(default_factory=dict)
    mistakes_note: str = "Samples that the board got wrong, the surest first."


@dataclass(frozen=True)
class ValidationPage:
    """Everything on the page, ready to print.

    Attributes:
        name, board, engine, data: what was run, on what, by what, with which samples.
        samples, mismatched_samples, mismatched_bytes, output_bytes: of the comparison with the desk;
            `output_bytes` is how many bytes were compared.
        metrics: name → value of the board's answers, 0..1.
        metric, scores: the task's own metric, and where → its value 0..1 or None where it was not measured, in the
            order of the rows; empty for a task without.
        agreements: row of the ST-style table → its figures.
        error_steps: desk minus board in integer steps → elements.
        disagreements, disagreements_left_off: pictures where a byte differs, and how many more there are.
        mistakes, mistakes_left_off: pictures that the board got wrong, the worst first, and how many more.
        latencies_us: one per sample, n >= 1.
        golden_samples: inputs of the bundle whose answers were written at export, also run on the board.
        golden_problem: one sentence if they were answered otherwise.
        link, model, made: rows of the small tables, name → printed value.
        summary: what the model does, how well, how fast, how big, in words; card: rows of its model card.
        right: a few pictures that the board answered correctly.
    """

    name: str
    board: str
    engine: str
    data: str
    samples: int
    mismatched_samples: int
    mismatched_bytes: int
    output_bytes: int
    metrics: Mapping[str, float]
    agreements: Mapping[str, Agreement]
    error_steps: Mapping[int, int]
    latencies_us: np.ndarray
    link: Mapping[str, str]
    model: Mapping[str, str]
    made: Mapping[str, str]
    golden_samples: int = 0
    golden_problem: str = ""
    metric: str = ""
    scores: Mapping[str, float | None] = field(default_factory=dict)
    part: TaskPart | None = None
    disagreements: tuple[Example, ...] = ()
    disagreements_left_off: int = 0
    mistakes: tuple[Example, ...] = ()
    mistakes_left_off: int = 0
    tiles: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    card: Mapping[str, str] = field(default_factory=dict)
    right: tuple[Example, ...] = ()


def render_validation(page: ValidationPage) -> str:
    """The page as one HTML file: no script, nothing fetched; light or dark as the reader's system is."""
    drawn = {
        "latency": _latency(page.latencies_us),
        "confusion_board": "",
        "confusion_desk": "",
        "precisions": "",
    }
    part = page.part
    if part is not None and part.precisions:
        drawn["precisions"] = plots.curves(
            part.precisions, x_name="recall, %", title="Precision of the board's answers over recall"
        )
    if part is not None and part.confusion_board is not None:
        drawn["confusion_board"] = plots.heat_map(
            part.confusion_board, labels=part.labels, title="Confusion matrix of the board's answers"
        )
        if part.confusion_desk is not None and (part.confusion_board != part.confusion_desk).any():
            drawn["confusion_desk"] = plots.heat_map(
                part.confusion_desk, labels=part.labels, title="Confusion matrix of the desk's answers"
            )
    return render("validation.html.j2", page=page, plots=drawn)


def _latency(latencies_us: np.ndarray) -> str:
    """In milliseconds where microseconds would fill the axis with zeros."""
    title = "Latency per inference"
    if np.median(latencies_us) < 10_000:
        return plots.histogram(latencies_us, unit="µs", title=title)
    return plots.histogram(latencies_us / 1000, unit="ms", title=title)
