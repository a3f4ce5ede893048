"""Segmentation on the board: masks made of the board's bytes as the board itself makes them, one confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_tiny.data.finding import Finding
from keras_tiny.data.masks import resize_mask
from keras_tiny.data.overlay import difference, overlay
from keras_tiny.data.sample import VOID, Split
from keras_tiny.metrics import enlarge, mask_figures, mask_metrics, pixel_confusion, wrong_shares
from keras_tiny.preprocessing.image import resize
from keras_tiny.report import ClassTable, TaskPart
from mcu.bundle import Manifest
from mcu.errors import BadInput
from mcu.hil.tasks.task import HilTask
from mcu.postprocess.mask_object import mask_of

_NAMED = 2  # classes below a picture


class SegmentationOnBoard(HilTask):
    """Truths: masks uint8 (samples, height, width) at the size of the model's input, 255 for void."""

    metric = "mean_iou"

    def __init__(self, manifest: Manifest):
        super().__init__(manifest)
        self._tensor = manifest.outputs[0]
        spec = manifest.preprocessing
        self._height, self._width = spec.height, spec.width
        self._stride = spec.height // self._tensor.shape[1]

    def check(self, split: Split, where: str) -> None:
        if not split.has_masks:
            raise BadInput(f"{where} has no masks, the bundle is for segmentation.")

    def truths(self, split: Split, indices: Sequence[int]) -> np.ndarray:
        masks = np.full((len(indices), self._height, self._width), VOID, np.uint8)
        for row, index in enumerate(indices):
            mask = split.mask(index)
            assert mask is not None, "checked by the plan"
            masks[row] = resize_mask(mask, height=self._height, width=self._width)
        return masks

    def masks(self, outputs: np.ndarray) -> np.ndarray:
        """Output bytes → masks uint8 (samples, height, width) at the size of the input, as the device decides."""
        made = mask_of(outputs.reshape(len(outputs), *self._tensor.shape[1:]), self._tensor)
        return enlarge(made, stride=self._stride)

    def metrics(self, outputs: np.ndarray, truths: np.ndarray) -> dict[str, float]:
        return mask_metrics(truths, self.masks(outputs), num_classes=len(self.manifest.labels))

    def part(self, desk: np.ndarray, board: np.ndarray, truths: np.ndarray) -> TaskPart:
        labels = self.manifest.labels
        on_board, on_desk = (
            pixel_confusion(truths, self.masks(outputs), num_classes=len(labels)) for outputs in (board, desk)
        )
        rows = {
            label: (float(figures.pixels), figures.dice, figures.iou)
            for label, figures in zip(labels, mask_figures(on_board), strict=True)
        }
        return TaskPart(
            labels=labels,
            confusion_board=on_board,
            confusion_desk=on_desk,
            confusion_note="Pixels of all samples together, void left out. Rows are the truth, columns the board's "
            "answer; shaded by the row's share.",
            classes=ClassTable(columns=("pixels", "Dice", "IoU"), rows=rows),
            mistakes_note="Samples with the largest share of wrong pixels first. From left to right: the picture, the "
            "truth, the desk's mask, the board's mask, and where the board is wrong (red; grey is void).",
        )

    def worst(self, board: np.ndarray, truths: np.ndarray) -> list[int]:
        shares = wrong_shares(truths, self.masks(board))
        return [int(i) for i in np.argsort(-shares, kind="stable") if shares[i]]

    def said(self, output: np.ndarray) -> str:
        return self._named(self.masks(output[None])[0])

    def said_truth(self, truths: np.ndarray, at: int) -> str:
        return self._named(truths[at])

    def remark(self, board: np.ndarray, truths: np.ndarray, at: int) -> str:
        share = wrong_shares(truths[at : at + 1], self.masks(board[at : at + 1]))[0]
        return f"{share:.1%} of the pixels wrong"

    def picture(
        self, image: np.ndarray, desk: np.ndarray, board: np.ndarray, truths: np.ndarray, at: int
    ) -> np.ndarray:
        """Picture, truth, desk, board and difference, side by side."""
        classes = len(self.manifest.labels)
        shown = np.broadcast_to(resize(image, self.manifest.preprocessing), (self._height, self._width, 3))
        ours, theirs = (self.masks(outputs[at : at + 1])[0] for outputs in (desk, board))
        parts = [overlay(shown, mask, classes=classes) for mask in (truths[at], ours, theirs)]
        return np.concatenate([shown, *parts, difference(truths[at], theirs)], axis=1)

    def findings(self, output: np.ndarray) -> list[Finding]:
        """The classes in the mask, each with the share of the picture that it covers, the largest first."""
        mask = self.masks(output[None])
        return [Finding(self.manifest.labels[c], share) for c, share in _shares(mask)]

    def _named(self, mask: np.ndarray) -> str:
        named = [f"{self.manifest.labels[c]} {share:.0%}" for c, share in _shares(mask) if c != VOID]
        return ", ".join(named[:_NAMED]) or "void"


def _shares(mask: np.ndarray) -> list[tuple[int, float]]:
    """(class, share of the pixels), the largest share first."""
    counts = np.bincount(mask.ravel())
    return [(int(c), float(counts[c] / mask.size)) for c in np.argsort(-counts, kind="stable") if counts[c]]
