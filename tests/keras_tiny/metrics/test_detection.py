"""Average precision: on paper, against COCO's own code, and on what must not count."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

from keras_tiny import data
from keras_tiny.boxes import Boxes, Detections
from keras_tiny.metrics.detection import (
    Verdict,
    average_precision,
    coco_average_precision,
    mean_over_classes,
    precision_at_recalls,
    precision_recall,
    verdict,
    voc_average_precision,
)
from tests.support import require

BOX, FAR = [0, 0, 10, 10], [50, 50, 60, 60]


def found(corners: list[list[float]], classes: list[int], scores: list[float]) -> Detections:
    return Detections(
        np.array(corners, np.float32).reshape(-1, 4),
        np.array(classes, np.int64),
        np.array(scores, np.float32),
    )


def test_one_right_one_wrong_one_missed_on_paper():
    """Right, wrong, right of three objects: precision 1 at recall 1/3, 2/3 at recall 2/3, nothing beyond."""
    truths = [Boxes.of([BOX, FAR, [80, 80, 90, 90]], [0, 0, 0])]
    curve = precision_recall(
        truths, [found([BOX, [20, 20, 30, 30], FAR], [0, 0, 0], [0.9, 0.8, 0.7])], label=0
    )
    np.testing.assert_allclose(curve.recall, [1 / 3, 1 / 3, 2 / 3])
    np.testing.assert_allclose(curve.precision, [1, 1 / 2, 2 / 3])
    assert average_precision(curve) == pytest.approx(1 / 3 + 1 / 3 * 2 / 3)
    assert average_precision(curve, method="11_point") == pytest.approx((4 * 1 + 3 * 2 / 3) / 11)


def test_the_area_below_the_sampled_precision_is_the_average_precision():
    truths = [Boxes.of([[20 * i, 0, 20 * i + 10, 10] for i in range(10)], [0] * 10)]
    boxes = [[20 * i, 0, 20 * i + 10, 10] if i % 3 else [20 * i, 50, 20 * i + 9, 60] for i in range(10)]
    curve = precision_recall(truths, [found(boxes, [0] * 10, np.linspace(1, 0.1, 10).tolist())], label=0)
    sampled = precision_at_recalls(curve)
    assert sampled.shape == (100,)
    assert sampled.mean() == pytest.approx(average_precision(curve))
    assert (sampled[59], sampled[60]) == (pytest.approx(6 / 9), 0)  # six of ten are found


def test_eleven_points_count_a_recall_that_is_reached_exactly():
    truths = [Boxes.of([[20 * i, 0, 20 * i + 10, 10] for i in range(10)], [0] * 10)]
    three = [[20 * i, 0, 20 * i + 10, 10] for i in range(3)]
    curve = precision_recall(truths, [found(three, [0] * 3, [0.9, 0.8, 0.7])], label=0)
    assert average_precision(curve, method="11_point") == pytest.approx(4 / 11)


def test_a_second_box_on_one_object_is_wrong():
    truths = [Boxes.of([BOX, FAR], [0, 0])]
    curve = precision_recall(truths, [found([BOX, BOX], [0, 0], [0.9, 0.8])], label=0)
    assert curve.precision.tolist() == [1.0, 0.5]


def test_a_difficult_object_counts_neither_way():
    truths = [Boxes.of([BOX, FAR], [0, 0], [True, False])]
    detections = [found([BOX, BOX, FAR], [0, 0, 0], [0.9, 0.8, 0.7])]
    curve = precision_recall(truths, detections, label=0)
    assert (curve.objects, curve.precision.tolist()) == (1, [1.0])


def test_an_iou_at_the_threshold_is_right_and_one_below_is_not():
    half = [found([[0, 0, 10, 5]], [0], [0.9])]
    assert voc_average_precision([Boxes.of([BOX], [0])], half, num_classes=1).tolist() == [1.0]
    less = [found([[0, 0, 10, 4.9]], [0], [0.9])]
    assert voc_average_precision([Boxes.of([BOX], [0])], less, num_classes=1).tolist() == [0.0]


def test_a_class_without_objects_has_no_figure_and_does_not_move_the_mean():
    values = voc_average_precision([Boxes.of([BOX], [0])], [found([BOX], [0], [0.9])], num_classes=3)
    assert values[0] == 1.0
    assert np.isnan(values[1:]).all()
    assert mean_over_classes(values) == 1.0
    assert mean_over_classes(np.full(3, np.nan)) == 0.0


def test_nothing_found_is_zero():
    figures = coco_average_precision([Boxes.of([BOX], [0])], [found([], [], [])], num_classes=1)
    assert (figures.ap, figures.ap_small, np.isnan(figures.ap_large)) == (0.0, 0.0, True)


def test_a_picture_is_judged_as_a_person_would():
    truth = Boxes.of([BOX, FAR, [20, 0, 30, 10]], [0, 1, 0], [False, False, True])
    # Right; a second one on it; of the wrong class; on the difficult one; too unsure to be shown.
    seen = found([BOX, BOX, FAR, [20, 0, 30, 10], FAR], [0, 0, 0, 0, 1], [0.9, 0.8, 0.7, 0.6, 0.4])
    assert verdict(truth, seen) == Verdict(hits=1, missed=1, wrong=2)
    assert verdict(truth, found([], [], [])) == Verdict(hits=0, missed=2, wrong=0)
    assert verdict(Boxes.none(), seen) == Verdict(hits=0, missed=0, wrong=4)


def coco_s_own(
    truths: list[Boxes], detections: list[Detections], num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """The first six figures and AP per class, by pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    annotations, results = [], []
    for image, (truth, detection) in enumerate(zip(truths, detections, strict=True), start=1):
        for (x, y, x2, y2), label, crowd in zip(
            truth.corners.astype(float), truth.classes, truth.difficult, strict=True
        ):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(label) + 1,
                    "bbox": [x, y, x2 - x, y2 - y],
                    "area": (x2 - x) * (y2 - y),
                    "iscrowd": int(crowd),
                }
            )
        for (x, y, x2, y2), label, score in zip(
            detection.corners.astype(float), detection.classes, detection.scores, strict=True
        ):
            results.append(
                {
                    "image_id": image,
                    "category_id": int(label) + 1,
                    "bbox": [x, y, x2 - x, y2 - y],
                    "score": float(score),
                }
            )
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": i + 1} for i in range(len(truths))],
            "categories": [{"id": i + 1} for i in range(num_classes)],
            "annotations": annotations,
            "info": {},
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]  # IoU, recall, class; all sizes, 100 detections
    per_class = [float(p.mean()) if (p > -1).all() else np.nan for p in np.moveaxis(precision, 2, 0)]
    return np.where(evaluation.stats[:6] < 0, np.nan, evaluation.stats[:6]), np.array(per_class)


def random_scene(rng: np.random.Generator, *, num_classes: int) -> tuple[Boxes, Detections]:
    """Objects of all sizes, some of them crowds; detections near them, elsewhere, twice, and with equal scores."""
    count = rng.integers(0, 7)
    low = rng.uniform(0, 300, (count, 2))
    truth = np.concatenate([low, low + np.exp(rng.uniform(2, 5, (count, 2)))], axis=1)
    classes = rng.integers(0, num_classes, count)
    noisy = np.repeat(truth, 2, axis=0) + rng.normal(0, 3, (2 * count, 4))
    noisy[:, 2:] = np.maximum(noisy[:, 2:], noisy[:, :2] + 1)
    stray = rng.uniform(0, 300, (5, 2))
    boxes = np.concatenate([noisy, np.concatenate([stray, stray + rng.uniform(5, 120, (5, 2))], axis=1)])
    labels = np.concatenate([np.repeat(classes, 2), rng.integers(0, num_classes, 5)])
    scores = np.round(rng.random(len(boxes)), 2)
    return (
        Boxes.of(truth, classes, rng.random(count) < 0.1),
        found(boxes.tolist(), labels.tolist(), scores.tolist()),
    )


@pytest.mark.parametrize("seed", range(6))
def test_coco_s_figures_are_those_of_coco_s_own_code(seed: int):
    require("module:pycocotools")
    rng = np.random.default_rng(seed)
    truths, detections = zip(*(random_scene(rng, num_classes=3) for _ in range(25)), strict=True)
    ours = coco_average_precision(truths, detections, num_classes=3)
    theirs, per_class = coco_s_own(list(truths), list(detections), 3)
    figures = [ours.ap, ours.ap50, ours.ap75, ours.ap_small, ours.ap_medium, ours.ap_large]
    np.testing.assert_allclose(figures, theirs, atol=1e-6)
    np.testing.assert_allclose(ours.per_class, per_class, atol=1e-6)
    assert 0.05 < ours.ap < 0.95


@pytest.mark.real_data
def test_real_boxes_give_coco_s_own_figures_too(real_data: Path):
    require("module:pycocotools")
    split = data.load(f"pascal_voc:{real_data / 'raccoon'}?test_every=5").test
    rng = np.random.default_rng(0)
    truths = [split.boxes(index) for index in range(len(split))]
    detections = []
    for truth in truths:
        near = np.repeat(truth.corners, 3, axis=0) + rng.normal(0, 12, (3 * len(truth), 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        detections.append(found(near.tolist(), [0] * len(near), rng.random(len(near)).tolist()))
    ours, (theirs, _) = (
        coco_average_precision(truths, detections, num_classes=1),
        coco_s_own(truths, detections, 1),
    )
    figures = [ours.ap, ours.ap50, ours.ap75, ours.ap_small, ours.ap_medium, ours.ap_large]
    np.testing.assert_allclose(figures, theirs, atol=1e-6)
    assert 0.2 < ours.ap < 0.9
