"""Comparison: metrics come from the bytes, not from a second network."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.hil.compare import agreements, classification_metrics, probabilities
from mcu.tensor import TensorSpec

LOGITS = TensorSpec(name="logits", shape=(1, 3), scale=0.1, zero_point=5)
SOFTMAX = TensorSpec(name="scores", shape=(1, 3), scale=1 / 256, zero_point=-128)


def test_softmax_outputs_are_probabilities_as_they_are():
    outputs = np.array([[-128, 127, 0]], np.int8)
    np.testing.assert_allclose(probabilities(outputs, SOFTMAX), [[0, 255 / 256, 0.5]], atol=1e-6)


def test_logits_become_probabilities_by_softmax():
    outputs = np.array([[5, 15, 127]], np.int8)
    expected = np.exp([0.0, 1.0, 12.2])
    np.testing.assert_allclose(probabilities(outputs, LOGITS), [expected / expected.sum()], rtol=1e-5)


def test_metrics_take_the_first_of_equal_scores_as_the_board_does():
    outputs = np.array([[7, 7, 0], [0, 1, 2]], np.int8)
    assert classification_metrics(np.array([0, 2]), outputs)["accuracy"] == 1.0
    assert classification_metrics(np.array([1, 2]), outputs)["accuracy"] == 0.5


def test_top_3_is_reported_where_there_are_more_than_five_classes():
    truth = np.array([0, 1])
    assert "top_3_accuracy" not in classification_metrics(truth, np.zeros((2, 5), np.int8))
    assert "top_3_accuracy" in classification_metrics(truth, np.zeros((2, 6), np.int8))


def test_the_last_row_of_the_agreement_is_desk_against_board():
    desk = np.array([[10, 0, 0], [0, 20, 0]], np.int8)
    rows = agreements(desk, desk.copy(), tensors=(LOGITS,), truth=np.array([0, 1]))
    assert list(rows) == ["board against the truth", "desk against the truth", "X-cross: desk against board"]
    cross = rows["X-cross: desk against board"]
    assert (cross["acc"], cross["rmse"], cross["cos"], cross["nse"]) == (1.0, 0.0, 1.0, 1.0)


def test_a_step_of_one_output_is_its_scale():
    desk = np.array([[10, 0, 0]], np.int8)
    board = np.array([[10, 0, 3]], np.int8)
    cross = agreements(desk, board, tensors=(LOGITS,), truth=None)["X-cross: desk against board"]
    assert cross["mae"] == pytest.approx(3 * 0.1 / 3)
    assert cross["acc"] is None


def test_outputs_of_several_tensors_are_dequantised_each_by_its_own_scale():
    tensors = (
        TensorSpec(name="a", shape=(1, 1), scale=1.0, zero_point=0),
        TensorSpec(name="b", shape=(1, 1), scale=10.0, zero_point=0),
    )
    desk, board = np.array([[0, 0]], np.int8), np.array([[1, 1]], np.int8)
    cross = agreements(desk, board, tensors=tensors, truth=None)["X-cross: desk against board"]
    assert cross["mae"] == pytest.approx(5.5)
