"""A task as a validation sees it: NumPy only, on bytes that a board sent. Itself the task of which nothing is known.

Outputs are everywhere int8 (samples, bytes): the bytes of all output tensors of an inference, one after the other in
the order of the manifest; `real` gives them back as one dequantised array per tensor. Desk and board have the same form
and the same order as the truths, so a sample is an index into all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np

from keras_tiny.data.finding import Finding
from keras_tiny.data.sample import Split
from keras_tiny.metrics import agreement
from keras_tiny.report import TaskPart
from mcu.bundle import Manifest

Rows = dict[str, dict[str, float | None]]


class HilTask:
    """Bytes against bytes; a subclass adds what it knows of the truth, and overrides what it can say more of.

    Attributes:
        metric: the key of `metrics` by which runs are compared, the same as of the task in `keras_tiny/tasks`;
            empty where there are no metrics.
    """

    metric: ClassVar[str] = ""

    def __init__(self, manifest: Manifest):
        self.manifest = manifest

    def check(self, split: Split, where: str) -> None:
        """Raise `BadInput` unless the split has this task's truth, of the bundle's classes; before a port is opened.

        Args:
            where: names the split in the message.
        """

    def truths(self, split: Split, indices: Sequence[int]) -> Any:
        """The truths of these samples in their order, as the other methods take them; no picture is decoded for it."""
        return None

    def metrics(self, outputs: np.ndarray, truths: Any) -> dict[str, float]:
        """Name → value 0..1, `metric` first. Equal to what `keras_tiny/tasks` measures on the same outputs."""
        return {}

    def classes(self, outputs: np.ndarray) -> list[int | None]:
        """The class that each answer means, for the record; None for a task whose answer is not one class."""
        return [None] * len(outputs)

    def true_classes(self, truths: Any, *, count: int) -> list[int | None]:
        """The class of each sample, likewise; `count` is how many samples there are."""
        return [None] * count

    def agreements(self, desk: np.ndarray, board: np.ndarray, truths: Any) -> Rows:
        """Rows of an ST-style table, desk against board last; of several tensors each has a row of its own too."""
        rows: Rows = {}
        ours, theirs = self.real(desk), self.real(board)
        if len(ours) > 1:
            for tensor, one, other in zip(self.manifest.outputs, ours, theirs, strict=True):
                rows[f"X-cross of {tensor.name}"] = asdict(agreement(one, other, class_scores=False))
        flat = [
            np.concatenate([part.reshape(len(part), -1) for part in parts], 1) for parts in (ours, theirs)
        ]
        rows["X-cross: desk against board"] = asdict(
            agreement(flat[0], flat[1], class_scores=self.manifest.task == "classification")
        )
        return rows

    def part(self, desk: np.ndarray, board: np.ndarray, truths: Any) -> TaskPart | None:
        """The part of the report that only this task has; None for none."""
        return None

    def worst(self, board: np.ndarray, truths: Any) -> list[int]:
        """The samples that the board got wrong, as positions, the worst first."""
        return []

    def said(self, output: np.ndarray) -> str:
        """One answer, bytes int8 (bytes,), in a word or two, below its picture in the report."""
        return "–"

    def said_truth(self, truths: Any, at: int) -> str:
        """The truth of sample `at` in a word or two."""
        return "–"

    def remark(self, board: np.ndarray, truths: Any, at: int) -> str:
        """How wrong the board's answer to sample `at` of `worst` is, in a few words."""
        return ""

    def picture(
        self, image: np.ndarray, desk: np.ndarray, board: np.ndarray, truths: Any, at: int
    ) -> np.ndarray:
        """What the report shows of sample `at`: uint8 (height, width, 1 or 3); by default the picture as it is.

        Args:
            image: uint8 as the data set holds it.

        Returns:
            a picture; one more than twice as wide as high gets a row of its own.
        """
        return image

    def findings(self, output: np.ndarray) -> list[Finding]:
        """What one answer, bytes int8 (bytes,), means, the surest first, for live inference."""
        return []

    def real(self, outputs: np.ndarray) -> tuple[np.ndarray, ...]:
        """Output bytes → float32 (samples, *shape of the tensor without batch) for each tensor, dequantised."""
        parts, at = [], 0
        for tensor in self.manifest.outputs:
            part = np.ascontiguousarray(outputs[:, at : at + tensor.nbytes]).view(tensor.dtype)
            parts.append(tensor.dequantize(part).reshape(len(outputs), *tensor.shape[1:]))
            at += tensor.nbytes
        return tuple(parts)
