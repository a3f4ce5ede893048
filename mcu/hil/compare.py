"""The board's answers against the desk's and against the truth."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from keras_tiny.metrics import accuracy, agreement, confusion_matrix, macro_f1, top_k_accuracy
from mcu.tensor import TensorSpec


def class_scores(outputs: np.ndarray, tensor: TensorSpec) -> np.ndarray:
    """Output bytes int8 (n, classes) → scores as the network means them, float (n, classes)."""
    return tensor.dequantize(outputs).astype(np.float64)


def probabilities(outputs: np.ndarray, tensor: TensorSpec) -> np.ndarray:
    """Output bytes int8 (n, classes) → shares of 1 per row.

    SOFTMAX and LOGISTIC always give scale 1/256 and zero point -128 (TFLite quantization specification): those are
    probabilities already. Anything else is taken for logits.
    """
    scores = class_scores(outputs, tensor)
    if tensor.zero_point == -128 and np.isclose(tensor.scale, 1 / 256):
        return scores
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def classification_metrics(truth: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
    """Metrics of output bytes int8 (n, classes); the first of equal scores is the answer, as on the board."""
    classes = outputs.shape[1]
    predicted = outputs.argmax(axis=1)
    found = {"accuracy": accuracy(truth, predicted)}
    # With five classes or fewer, "among the first three" says little.
    if classes > 5:
        found["top_3_accuracy"] = top_k_accuracy(truth, outputs, k=3)
    found["macro_f1"] = macro_f1(confusion_matrix(truth, predicted, num_classes=classes))
    return found


def agreements(
    desk: np.ndarray, board: np.ndarray, *, tensors: tuple[TensorSpec, ...], truth: np.ndarray | None
) -> dict[str, dict[str, float | None]]:
    """The rows of an ST-style table: board and desk against the truth (where there is one), then desk against board.

    Against the truth, probabilities are compared with 1 for the true class and 0 for the others; X-cross is over
    every dequantised output.

    Args:
        desk, board: output bytes int8 (n, bytes), n >= 1.
        truth: class indices (n,); None where the task has none.
    """
    rows: dict[str, dict[str, float | None]] = {}
    if truth is not None:
        certain = np.eye(desk.shape[1])[truth]
        for name, outputs in (("board against the truth", board), ("desk against the truth", desk)):
            rows[name] = asdict(agreement(certain, probabilities(outputs, tensors[0])))
    cross = agreement(_real(desk, tensors), _real(board, tensors), class_scores=truth is not None)
    rows["X-cross: desk against board"] = asdict(cross)
    return rows


def _real(outputs: np.ndarray, tensors: tuple[TensorSpec, ...]) -> np.ndarray:
    """Output bytes of every tensor, dequantised, side by side."""
    parts, at = [], 0
    for tensor in tensors:
        part = np.ascontiguousarray(outputs[:, at : at + tensor.nbytes]).view(tensor.dtype)
        parts.append(tensor.dequantize(part))
        at += tensor.nbytes
    return np.concatenate(parts, axis=1)
