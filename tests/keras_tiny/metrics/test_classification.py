"""Classification metrics: by hand on small numbers, and against scikit-learn on random ones."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.metrics import accuracy, confusion_matrix, macro_f1, per_class, top_k_accuracy

TRUTH = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 2, 2])


def test_accuracy_is_the_share_of_equal_classes():
    assert accuracy(TRUTH, PREDICTED) == 4 / 6


def test_confusion_has_the_truth_in_rows():
    assert confusion_matrix(TRUTH, PREDICTED, num_classes=3).tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_figures_per_class_by_hand():
    first, second, third = per_class(confusion_matrix(TRUTH, PREDICTED, num_classes=3))
    assert (first.precision, first.recall, first.f1, first.support) == (1.0, 2 / 3, 0.8, 3)
    assert (second.precision, second.recall, second.f1, second.support) == (0.5, 0.5, 0.5, 2)
    assert (third.precision, third.recall, third.support) == (0.5, 1.0, 1)


def test_a_class_that_was_never_predicted_has_no_precision_and_one_that_never_occurs_no_figures():
    one, two, three = per_class(confusion_matrix(np.array([0, 1]), np.array([0, 0]), num_classes=3))
    assert one.precision == 0.5
    assert (two.precision, two.recall, two.f1) == (None, 0.0, 0.0)
    assert (three.precision, three.recall, three.f1, three.support) == (None, None, None, 0)


def test_top_k_counts_a_true_class_among_the_highest():
    scores = np.array([[0.1, 0.5, 0.4], [0.6, 0.3, 0.1]])
    truth = np.array([2, 2])
    assert [top_k_accuracy(truth, scores, k=k) for k in (1, 2, 3)] == [0.0, 0.5, 1.0]


def test_top_1_breaks_ties_as_argmax_does_also_at_the_ends_of_int8():
    scores = np.array([[-128, 127, 127], [-128, -128, -128]], np.int8)
    truth = np.array([1, 0])
    assert top_k_accuracy(truth, scores, k=1) == 1.0
    assert accuracy(truth, scores.argmax(1)) == 1.0


def test_figures_equal_counting_one_by_one_on_random_answers():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 7, 500), rng.integers(0, 7, 500)
    figures = per_class(confusion_matrix(truth, predicted, num_classes=7))
    for label, ours in enumerate(figures):
        pairs = list(zip(truth == label, predicted == label, strict=True))
        hits, misses, false_alarms = (pairs.count(p) for p in ((True, True), (True, False), (False, True)))
        assert ours.support == hits + misses
        assert ours.precision == pytest.approx(hits / (hits + false_alarms))
        assert ours.recall == pytest.approx(hits / (hits + misses))
        assert ours.f1 == pytest.approx(2 / (1 / ours.precision + 1 / ours.recall))
    assert macro_f1(confusion_matrix(truth, predicted, num_classes=7)) == pytest.approx(
        sum(c.f1 or 0 for c in figures) / 7
    )


def test_top_k_equals_sorting_one_by_one_on_random_scores():
    rng = np.random.default_rng(1)
    truth, scores = rng.integers(0, 7, 200), rng.integers(-128, 128, (200, 7)).astype(np.int8)
    hits = sum(
        label in sorted(range(7), key=lambda c: (-int(row[c]), c))[:3]
        for label, row in zip(truth.tolist(), scores, strict=True)
    )
    assert top_k_accuracy(truth, scores, k=3) == hits / 200


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: accuracy(np.array([]), np.array([])), "n >= 1"),
        (lambda: accuracy(np.array([1]), np.array([1, 2])), "must be the same"),
        (lambda: confusion_matrix(np.array([3]), np.array([0]), num_classes=3), "truth has class 3"),
        (lambda: top_k_accuracy(np.array([0]), np.array([[1.0, 2.0]]), k=3), "k is 3"),
    ],
)
def test_arrays_that_do_not_fit_say_so(call, says: str):
    with pytest.raises(ValueError, match=says):
        call()
