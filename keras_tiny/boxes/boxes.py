"""The objects of one picture: where each is, what it is, and whether it counts (Pascal VOC's `difficult`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Boxes:
    """n boxes; empty for a picture without objects.

    Attributes:
        corners: float32 (n, 4), xmin ymin xmax ymax in pixels of the picture they belong to: the box covers
            [xmin, xmax) × [ymin, ymax), so a box around everything is (0, 0, width, height).
        classes: int64 (n,), index into `Dataset.labels`: the first object class is 0, background has no index here.
        difficult: bool (n,), objects that an evaluation neither asks for nor holds against a model.
    """

    corners: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.corners)
        assert self.corners.shape == (count, 4), self.corners.shape
        assert self.classes.shape == self.difficult.shape == (count,), (self.classes.shape, count)
        assert (self.corners.dtype, self.classes.dtype, self.difficult.dtype) == (
            np.float32,
            np.int64,
            np.bool_,
        )

    @classmethod
    def of(cls, corners: object, classes: object, difficult: object | None = None) -> Boxes:
        """From anything that NumPy reads as n rows of four numbers and n class indices.

        Args:
            difficult: one truth value per box; none of them by default.
        """
        rows = np.asarray(corners, np.float32).reshape(-1, 4)
        marks = np.zeros(len(rows), bool) if difficult is None else np.asarray(difficult, bool).reshape(-1)
        return cls(rows, np.asarray(classes, np.int64).reshape(-1), marks)

    @classmethod
    def none(cls) -> Boxes:
        """The boxes of a picture without objects."""
        return cls.of([], [])

    def __len__(self) -> int:
        return len(self.corners)

    def keep(self, chosen: np.ndarray) -> Boxes:
        """Those that `chosen` (bool (n,), or indices) names, in its order."""
        return Boxes(self.corners[chosen], self.classes[chosen], self.difficult[chosen])

    def scaled(self, *, x: float, y: float) -> Boxes:
        """The same boxes after the picture was resized: x coordinates times `x`, y coordinates times `y`."""
        factors = np.array([x, y, x, y], np.float32)
        return Boxes(self.corners * factors, self.classes, self.difficult)
