"""Classification on the board: the highest score is the class, ties to the lower index as on the board itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from keras_tiny.data.finding import Finding
from keras_tiny.data.sample import Split
from keras_tiny.metrics import accuracy as accuracy_of
from keras_tiny.metrics import agreement, confusion_matrix, macro_f1, per_class, top_k_accuracy
from keras_tiny.report import ClassTable, TaskPart
from mcu.errors import BadInput
from mcu.hil.tasks.task import HilTask, Rows
from mcu.tensor import TensorSpec


class ClassificationOnBoard(HilTask):
    """Truths: class indices int64 (samples,)."""

    metric = "accuracy"

    def check(self, split: Split, where: str) -> None:
        if split.labels is None:
            raise BadInput(f"{where} has no class labels, the bundle is for classification.")
        low, high = int(split.labels.min()), int(split.labels.max())
        classes = len(self.manifest.labels)
        if low < 0 or high >= classes:
            raise BadInput(f"{where} has classes {low} to {high}, the bundle 0 to {classes - 1}.")

    def truths(self, split: Split, indices: Sequence[int]) -> np.ndarray:
        assert split.labels is not None, "checked by the plan"
        return split.labels[list(indices)]

    def metrics(self, outputs: np.ndarray, truths: np.ndarray) -> dict[str, float]:
        classes, predicted = outputs.shape[1], outputs.argmax(axis=1)
        found = {"accuracy": accuracy_of(truths, predicted)}
        # With five classes or fewer, "among the first three" says little.
        if classes > 5:
            found["top_3_accuracy"] = top_k_accuracy(truths, outputs, k=3)
        found["macro_f1"] = macro_f1(confusion_matrix(truths, predicted, num_classes=classes))
        return found

    def classes(self, outputs: np.ndarray) -> list[int | None]:
        return list(map(int, outputs.argmax(axis=1)))

    def true_classes(self, truths: np.ndarray, *, count: int) -> list[int | None]:
        return list(map(int, truths))

    def agreements(self, desk: np.ndarray, board: np.ndarray, truths: np.ndarray) -> Rows:
        """Board and desk against the truth too: probabilities against 1 for the class and 0 for the others."""
        certain = np.eye(desk.shape[1])[truths]
        return {
            "board against the truth": asdict(agreement(certain, self._shares(board))),
            "desk against the truth": asdict(agreement(certain, self._shares(desk))),
            **super().agreements(desk, board, truths),
        }

    def part(self, desk: np.ndarray, board: np.ndarray, truths: np.ndarray) -> TaskPart:
        labels = self.manifest.labels
        on_board, on_desk = (
            confusion_matrix(truths, outputs.argmax(axis=1), num_classes=len(labels))
            for outputs in (board, desk)
        )
        rows = {
            label: (row.support, row.precision, row.recall, row.f1)
            for label, row in zip(labels, per_class(on_board), strict=True)
        }
        return TaskPart(
            labels=labels,
            confusion_board=on_board,
            confusion_desk=on_desk,
            classes=ClassTable(columns=("samples", "precision", "recall", "F1"), rows=rows),
        )

    def worst(self, board: np.ndarray, truths: np.ndarray) -> list[int]:
        """The wrong answers, the surest first."""
        sureness = self._shares(board).max(axis=1)
        wrong = np.flatnonzero(board.argmax(axis=1) != truths)
        return list(map(int, wrong[np.argsort(-sureness[wrong], kind="stable")]))

    def said(self, output: np.ndarray) -> str:
        return self.manifest.labels[int(output.argmax())]

    def said_truth(self, truths: np.ndarray, at: int) -> str:
        return self.manifest.labels[int(truths[at])]

    def remark(self, board: np.ndarray, truths: np.ndarray, at: int) -> str:
        (shares,) = self._shares(board[at : at + 1])
        return f"{shares.max():.0%} sure, truth {shares[truths[at]]:.0%}"

    def findings(self, output: np.ndarray) -> list[Finding]:
        best = int(output.argmax())
        return [Finding(self.manifest.labels[best], float(self._shares(output[None])[0, best]))]

    def _shares(self, outputs: np.ndarray) -> np.ndarray:
        return probabilities(outputs, self.manifest.outputs[0])


def probabilities(outputs: np.ndarray, tensor: TensorSpec) -> np.ndarray:
    """Output bytes int8 (n, classes) → shares of 1 per row.

    SOFTMAX and LOGISTIC always give scale 1/256 and zero point -128 (TFLite quantization specification): those are
    probabilities already. Anything else is taken for logits.
    """
    scores = tensor.dequantize(outputs).astype(np.float64)
    if tensor.zero_point == -128 and np.isclose(tensor.scale, 1 / 256):
        return scores
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
