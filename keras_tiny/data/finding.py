"""What a model says of one picture, as a person reads it: the counterpart of a sample's truth."""

from __future__ import annotations

from typing import NamedTuple

Box = tuple[float, float, float, float]


class Finding(NamedTuple):
    """One thing that a model sees in a picture.

    Attributes:
        score: 0 to 1: the probability of the label, or the share of the picture that it covers (segmentation).
        box: xmin, ymin, xmax, ymax as shares of the picture's width and height; None for tasks without boxes.
    """

    label: str
    score: float
    box: Box | None = None

    def in_pixels(self, *, width: int, height: int) -> Box | None:
        """The box in pixels of a picture of that size, to a tenth."""
        if self.box is None:
            return None
        xmin, ymin, xmax, ymax = self.box
        return (
            round(xmin * width, 1),
            round(ymin * height, 1),
            round(xmax * width, 1),
            round(ymax * height, 1),
        )
