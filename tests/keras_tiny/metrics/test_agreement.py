"""Agreement: equal is perfect, one step off is what the formulas say."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.metrics import agreement, integer_error_histogram


def test_equal_outputs_agree_perfectly():
    outputs = np.random.default_rng(0).normal(size=(20, 10))
    same = agreement(outputs, outputs.copy())
    assert (same.acc, same.rmse, same.mae, same.l2r, same.mean, same.std, same.cos) == (1, 0, 0, 0, 0, 0, 1)
    assert same.nse == 1.0


def test_figures_by_hand():
    reference = np.array([[1.0, 2.0], [3.0, 4.0]])
    prediction = np.array([[2.0, 1.0], [3.0, 4.0]])
    found = agreement(reference, prediction)
    assert found.acc == 0.5
    assert found.rmse == pytest.approx(0.5**0.5)
    assert found.mae == 0.5
    assert found.l2r == pytest.approx((2 / 30) ** 0.5)
    assert found.mean == 0.0
    assert found.std == pytest.approx((2 / 3) ** 0.5)
    # variance of 1, 2, 3, 4 with ddof 1 is 5/3
    assert found.nse == pytest.approx(1 - 0.5 / (5 / 3), abs=1e-6)
    assert found.cos == pytest.approx(29 / 30, abs=1e-6)


def test_the_error_is_reference_minus_prediction():
    assert agreement(np.ones((3, 2)), np.zeros((3, 2))).mean == 1.0
    assert integer_error_histogram(np.array([5, 5], np.int8), np.array([3, 6], np.int8)) == {-1: 1, 2: 1}


def test_all_zero_outputs_on_both_sides_agree():
    assert agreement(np.zeros((2, 3)), np.zeros((2, 3))).cos == 1.0


def test_outputs_that_are_no_class_scores_have_no_acc():
    assert agreement(np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1)), class_scores=False).acc is None


def test_the_histogram_counts_every_element_and_does_not_wrap_at_int8():
    reference, prediction = np.array([127, -128, 0], np.int8), np.array([-128, 127, 0], np.int8)
    assert integer_error_histogram(reference, prediction) == {-255: 1, 0: 1, 255: 1}


def test_outputs_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="of one shape"):
        agreement(np.ones((2, 3)), np.ones((2, 4)))
