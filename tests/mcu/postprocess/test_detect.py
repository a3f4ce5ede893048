"""The device's way from bytes to objects says what `keras_tiny.boxes` says, and is quick enough to follow a camera."""

from __future__ import annotations

import time

import numpy as np
import pytest

from keras_tiny.boxes import detect
from keras_tiny.boxes.nms import nms
from mcu.errors import BadInput
from mcu.postprocess.detect import DetectorTables, class_scores, decode_boxes, detect_int8, to_c
from tests.mcu.postprocess.detectors import LARGE, SMALL, output_specs, outputs, tables


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_what_the_real_numbers_say(seed: int):
    classes, boxes = outputs(seed)
    class_spec, box_spec = output_specs(SMALL, classes=4)
    real = detect(class_spec.dequantize(classes), box_spec.dequantize(boxes), SMALL, limit=20)
    found = detect_int8(classes, boxes, tables(), limit=20)
    assert len(found) == len(real) == 20
    np.testing.assert_array_equal(found.classes, real.classes)
    np.testing.assert_allclose(found.scores, real.scores, rtol=1e-5)
    np.testing.assert_allclose(found.corners, real.corners, atol=1e-6)


def test_an_anchor_whose_box_outputs_are_zero_is_its_own_box():
    _, box_spec = output_specs(SMALL, classes=4)
    zeros = np.full((SMALL.count, 4), box_spec.zero_point, np.int8)
    corners, anchors = decode_boxes(zeros, tables()), SMALL.table()
    expected = np.concatenate(
        [anchors[:, :2] - anchors[:, 2:] / 2, anchors[:, :2] + anchors[:, 2:] / 2], axis=1
    )
    np.testing.assert_allclose(corners, np.clip(expected, 0, 1), atol=1e-6)


def test_scores_of_an_anchor_add_up_to_one():
    classes, _ = outputs(3)
    np.testing.assert_allclose(class_scores(classes, tables()).sum(axis=1), 1, rtol=1e-6)


def test_the_extremes_of_int8_decode_to_numbers_inside_the_picture():
    for value in (-128, 127):
        corners = decode_boxes(np.full((SMALL.count, 4), value, np.int8), tables())
        assert np.isfinite(corners).all()
        assert corners.min() >= 0
        assert corners.max() <= 1


def test_outputs_that_do_not_fit_the_anchors_are_refused():
    class_spec, _ = output_specs(SMALL, classes=4)
    with pytest.raises(BadInput, match="A detector of 878 anchors"):
        DetectorTables.of(
            SMALL, classes=class_spec, boxes=class_spec.model_copy(update={"shape": (1, 869, 4)})
        )


def test_the_header_names_every_map_and_table():
    text = to_c(tables(), name="cats")
    for name in (*(f"cats_sizes_{i}" for i in range(6)), "cats_powers", "cats_shifts", "cats_growths"):
        assert f"static const float {name}[] = {{" in text
    assert "static const kt_detector cats = {cats_maps, 6, 4," in text


@pytest.mark.benchmark
def test_nms_of_6132_anchors(capsys: pytest.CaptureFixture[str]):
    rng = np.random.default_rng(0)
    low = rng.random((LARGE.count, 2), np.float32) * 0.8
    corners = np.concatenate([low, low + rng.random((LARGE.count, 2), np.float32) * 0.2], axis=1)
    scores = rng.random(LARGE.count, np.float32)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        nms(corners, scores)
        times.append((time.perf_counter() - start) * 1e3)
    with capsys.disabled():
        print(
            f"\nNMS of {LARGE.count} anchors: {min(times):.2f} ms at best, {np.median(times):.2f} ms in the middle"
        )
    assert min(times) < 10
