"""Masks are judged as scikit-learn and pycocotools judge them."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny import data
from keras_tiny.data.sample import VOID
from keras_tiny.metrics import (
    boundary_counts,
    decide,
    mask_figures,
    mean_dice,
    mean_iou,
    pixel_accuracy,
    pixel_confusion,
    score_threshold,
)
from tests.support import require


def blobs(rng: np.random.Generator, *, classes: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Masks with areas, not noise: coarse random classes, enlarged."""
    n, height, width = shape
    coarse = rng.integers(0, classes, (n, -(-height // 6), -(-width // 6)), np.uint8)
    return coarse.repeat(6, axis=1).repeat(6, axis=2)[:, :height, :width]


def pair(seed: int, *, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """A truth with void in it, and an answer that is right in about half of the areas."""
    rng = np.random.default_rng(seed)
    truth = blobs(rng, classes=classes, shape=(3, 31, 44))
    answer = np.where(
        blobs(rng, classes=2, shape=truth.shape) > 0, truth, blobs(rng, classes=classes, shape=truth.shape)
    )
    return np.where(rng.random(truth.shape) < 0.1, np.uint8(VOID), truth), answer


@pytest.mark.parametrize("seed", range(4))
def test_figures_equal_scikit_learn(seed: int):
    require("module:sklearn")
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, jaccard_score

    truth, answer = pair(seed, classes=5)
    judged = truth != VOID
    t, a = truth[judged], answer[judged]
    confusion = pixel_confusion(truth, answer, num_classes=5)
    assert (confusion == confusion_matrix(t, a, labels=range(5))).all()
    assert pixel_accuracy(confusion) == pytest.approx(accuracy_score(t, a), abs=1e-12)
    figures = mask_figures(confusion)
    assert [f.iou for f in figures] == pytest.approx(jaccard_score(t, a, average=None), abs=1e-12)
    assert [f.dice for f in figures] == pytest.approx(f1_score(t, a, average=None), abs=1e-12)
    assert mean_iou(confusion) == pytest.approx(jaccard_score(t, a, average="macro"), abs=1e-12)
    assert mean_dice(confusion) == pytest.approx(f1_score(t, a, average="macro"), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_intersection_over_union_equals_pycocotools(seed: int):
    require("module:pycocotools")
    from pycocotools import mask as coco

    rng = np.random.default_rng(seed)
    truth, answer = (blobs(rng, classes=2, shape=(1, 40, 30))[0] for _ in range(2))
    encoded = [coco.encode(np.asfortranarray(mask)) for mask in (answer, truth)]
    expected = coco.iou([encoded[0]], [encoded[1]], [0])[0, 0]
    assert mask_figures(pixel_confusion(truth, answer, num_classes=2))[1].iou == pytest.approx(
        expected, abs=1e-12
    )


@pytest.mark.real_data
def test_figures_on_real_masks_equal_scikit_learn(real_data):
    from sklearn.metrics import jaccard_score

    val = data.load(f"paired_masks:{real_data / 'camvid_240x180'}", image_size=96).val
    truth = np.stack([val[i].mask for i in range(20)])
    answer = np.stack([val[i].mask for i in range(1, 21)])
    answer[answer == VOID] = 0
    judged = truth != VOID
    expected = jaccard_score(truth[judged], answer[judged], average=None, labels=range(11))
    figures = mask_figures(pixel_confusion(truth, answer, num_classes=11))
    assert [f.iou for f in figures] == pytest.approx(expected, abs=1e-12)


def test_parts_of_a_set_add_up_to_the_whole_which_a_mean_over_pictures_would_not():
    truth, answer = pair(7, classes=4)
    whole = pixel_confusion(truth, answer, num_classes=4)
    parts = [pixel_confusion(t, a, num_classes=4) for t, a in zip(truth, answer, strict=True)]
    assert (sum(parts) == whole).all()
    assert np.mean([mean_iou(part) for part in parts]) != pytest.approx(mean_iou(whole), abs=1e-6)


def test_a_class_that_is_nowhere_has_no_figure_and_no_part_in_the_mean():
    mask = np.zeros((4, 4), np.uint8)
    figures = mask_figures(pixel_confusion(mask, mask, num_classes=3))
    assert [f.iou for f in figures] == [1.0, None, None]
    assert mean_iou(pixel_confusion(mask, mask, num_classes=3)) == 1.0


def test_a_set_that_is_void_everywhere_has_no_figures():
    void = np.full((2, 3), VOID, np.uint8)
    confusion = pixel_confusion(void, np.zeros_like(void), num_classes=2)
    assert np.isnan(mean_iou(confusion))
    assert np.isnan(pixel_accuracy(confusion))


@pytest.mark.parametrize(("truth", "answer"), [([3], [0]), ([0], [3])])
def test_a_class_out_of_range_is_an_error_that_says_which(truth, answer):
    with pytest.raises(ValueError, match=r"has class 3, with 3 classes it is 0\.\.2"):
        pixel_confusion(np.array(truth), np.array(answer), num_classes=3)


def test_the_largest_score_decides_and_the_first_of_equal_ones():
    scores = np.array([[-128, 5, 5], [127, 5, 127], [0, 1, 2]], np.int8)
    assert decide(scores).tolist() == [1, 0, 2]


def test_a_threshold_on_a_probability_is_another_on_logits():
    logits = np.array([-0.1, 0.1, 0.3, 0.5, 2.0])[:, None]
    probabilities = 1 / (1 + np.exp(-logits))
    for share in (0.5, 0.6, 0.8):
        by_logit = decide(logits, threshold=score_threshold(share, logits=True))
        assert (by_logit == decide(probabilities, threshold=score_threshold(share, logits=False))).all()
    assert decide(logits, threshold=0.0).tolist() == [0, 1, 1, 1, 1]


def exact_boundary_f1(truth: np.ndarray, answer: np.ndarray, *, c: int, tolerance: float) -> float:
    """By the Euclidean distance transform."""
    from scipy.ndimage import distance_transform_edt

    def outline(mask: np.ndarray) -> np.ndarray:
        edge = np.zeros(mask.shape, bool)
        height, width = mask.shape
        for y in range(height):
            for x in range(width):
                for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                    if 0 <= ny < height and 0 <= nx < width and VOID not in (mask[y, x], mask[ny, nx]):
                        edge[y, x] |= mask[y, x] != mask[ny, nx]
        return edge & (mask == c)

    answer = np.where(truth == VOID, VOID, answer)
    wanted, found = outline(truth), outline(answer)
    precision = (distance_transform_edt(~wanted)[found] <= tolerance).mean()
    recall = (distance_transform_edt(~found)[wanted] <= tolerance).mean()
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("tolerance", [0, 1, 2, 3])
def test_boundary_f1_equals_one_by_distance_transform(tolerance: int):
    require("module:scipy")
    truth, answer = pair(3, classes=3)
    found = boundary_counts(truth[0], answer[0], num_classes=3, tolerance_px=tolerance).f1()
    expected = [exact_boundary_f1(truth[0], answer[0], c=c, tolerance=tolerance) for c in range(3)]
    assert found == pytest.approx(expected, abs=1e-12)


def test_boundary_counts_of_pictures_add_up():
    truth, answer = pair(5, classes=3)
    together = boundary_counts(truth, answer, num_classes=3)
    first, second, third = (boundary_counts(t, a, num_classes=3) for t, a in zip(truth, answer, strict=True))
    assert (first + second + third).f1() == together.f1()


def test_an_outline_within_the_tolerance_is_right_and_one_beyond_it_is_not():
    truth, near, far = (np.zeros((20, 20), np.uint8) for _ in range(3))
    truth[:, 10:], near[:, 12:], far[:, 14:] = 1, 1, 1
    assert boundary_counts(truth, near, num_classes=2).mean_f1() == 1.0
    assert boundary_counts(truth, far, num_classes=2).mean_f1() == 0.0
