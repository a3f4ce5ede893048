"""Boxes as people draw them → boxes that a network can learn: inside the picture, with an area; the rest is counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from keras_tiny.boxes import Boxes

# Clipping a box by less than this is rounding, not news.
_ROUNDING = 1.5


@dataclass
class BoxReport:
    """What was cleaned, for the notes of a data set; the names of the files, one entry per box."""

    without_area: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    not_numbers: list[str] = field(default_factory=list)
    clipped: list[str] = field(default_factory=list)
    pictures_without_boxes: list[str] = field(default_factory=list)

    def notes(self) -> tuple[str, ...]:
        """One sentence per kind."""
        kinds = (
            (self.without_area, "dropped {} without area (min at or beyond max)"),
            (self.outside, "dropped {} outside of the picture"),
            (self.not_numbers, "dropped {} with a coordinate that is no finite number"),
            (self.clipped, "clipped {} to the picture"),
        )
        notes = [
            f"{text.format(_count(len(names), 'box', 'boxes'))}, e.g. in {min(names)}"
            for names, text in kinds
            if names
        ]
        if self.pictures_without_boxes:
            names = self.pictures_without_boxes
            notes.append(f"{_count(len(names), 'picture', 'pictures')} without objects, e.g. {min(names)}")
        return tuple(notes)


def clean(boxes: Boxes, *, width: int, height: int, name: str, report: BoxReport) -> Boxes:
    """The boxes that have something to show, clipped to the picture.

    Args:
        width, height: of the picture, in pixels.
        name: of the file, for the report.
        report: what is dropped or clipped is added here.
    """
    corners = boxes.corners
    finite = np.isfinite(corners).all(axis=1)
    flat = finite & ((corners[:, 0] >= corners[:, 2]) | (corners[:, 1] >= corners[:, 3]))
    limits = np.array([width, height, width, height], np.float32)
    inside = np.clip(np.where(finite[:, None], corners, 0), 0, limits)
    empty = finite & ~flat & ((inside[:, 0] >= inside[:, 2]) | (inside[:, 1] >= inside[:, 3]))
    kept = finite & ~flat & ~empty
    moved = kept & (np.abs(inside - np.where(finite[:, None], corners, 0)) >= _ROUNDING).any(axis=1)
    for names, marks in (
        (report.not_numbers, ~finite),
        (report.without_area, flat),
        (report.outside, empty),
        (report.clipped, moved),
    ):
        names += [name] * int(marks.sum())
    if not kept.any():
        report.pictures_without_boxes.append(name)
    return Boxes(inside, boxes.classes, boxes.difficult).keep(kept)


def _count(number: int, one: str, many: str) -> str:
    return f"1 {one}" if number == 1 else f"{number} {many}"
