"""How far two runs of one network agree: the columns of ST's evaluation report, and the integer error.

Formulas as in ST Edge AI, "Evaluation report and metrics" (acc, rmse, mae, l2r, mean, std, nse, cos): outputs are
dequantised first, the error is reference minus prediction, standard deviations have ddof 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# ST adds the float32 epsilon where a denominator may be zero, and so do we: the columns can be laid side by side.
_EPSILON = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Agreement:
    """Reference against prediction, over every element of every output.

    Attributes:
        acc: share of samples with the same highest output, 0..1; None for outputs that are not class scores.
        rmse, mae: root mean square and mean absolute error, in the unit of the outputs.
        l2r: ||reference - prediction|| / ||reference||, 0 is equal.
        mean, std: of the error, in the unit of the outputs.
        nse: Nash-Sutcliffe efficiency, (-inf, 1], 1 is equal.
        cos: cosine similarity, -1..1.
    """

    acc: float | None
    rmse: float
    mae: float
    l2r: float
    mean: float
    std: float
    nse: float
    cos: float


def agreement(reference: np.ndarray, prediction: np.ndarray, *, class_scores: bool = True) -> Agreement:
    """Compare real-valued outputs of one shape (n, ...), n >= 1.

    Args:
        reference: what is right, e.g. the interpreter on the desk, dequantised.
        prediction: what is judged, e.g. the board's answers, dequantised.
        class_scores: outputs are (n, classes) and the highest one is the answer; False leaves `acc` out.
    """
    reference, prediction = np.asarray(reference, np.float64), np.asarray(prediction, np.float64)
    if reference.shape != prediction.shape or not reference.size:
        raise ValueError(
            f"reference {reference.shape} and prediction {prediction.shape} must be of one shape (n, ...)"
        )
    acc = None
    if class_scores:
        same = reference.reshape(len(reference), -1).argmax(1) == prediction.reshape(
            len(prediction), -1
        ).argmax(1)
        acc = float(np.mean(same))
    ref, pred = reference.ravel(), prediction.ravel()
    error = ref - pred
    mse = float(np.mean(error**2))
    return Agreement(
        acc=acc,
        rmse=mse**0.5,
        mae=float(np.mean(np.abs(error))),
        l2r=_norm(error) / max(_norm(ref), _EPSILON),
        mean=float(np.mean(error)),
        std=_std(error),
        nse=1.0 - mse / (_std(ref) ** 2 + _EPSILON),
        cos=_cosine(ref, pred),
    )


def integer_error_histogram(reference: np.ndarray, prediction: np.ndarray) -> dict[int, int]:
    """Quantised reference minus prediction → how many elements; {0: all of them} is bit-exact. Ascending."""
    # int64: the difference of two int8 does not fit int8.
    error = np.asarray(reference, np.int64) - np.asarray(prediction, np.int64)
    steps, counts = np.unique(error, return_counts=True)
    return {int(step): int(count) for step, count in zip(steps, counts, strict=True)}


def _std(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1)) if values.size > 1 else 0.0


def _norm(values: np.ndarray) -> float:
    return float(np.linalg.norm(values))


def _cosine(ref: np.ndarray, pred: np.ndarray) -> float:
    product = float(ref @ pred)
    norms = _norm(ref) * _norm(pred + _EPSILON)
    # Reported as 1 when equal to within float32, which also answers for two all-zero outputs.
    if np.isclose(product, norms, rtol=_EPSILON):
        return 1.0
    return product / norms
