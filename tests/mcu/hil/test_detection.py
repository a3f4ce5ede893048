"""Objects on the board: made of the board's bytes as the desk makes them, and shown beside truth and desk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mcu
from keras_tiny import data as data_room
from keras_tiny.boxes import Detections, anchor_spec, detect
from keras_tiny.data.sample import Dataset
from keras_tiny.metrics.detection import detection_metrics
from keras_tiny.preprocessing.to_int8 import to_int8
from mcu.bundle import Bundle, npy_bytes, write_bundle
from mcu.errors import BadInput
from mcu.hil.tasks import task_of
from mcu.hil.tasks.detection import DetectionOnBoard
from mcu.postprocess.detect import DetectorTables, detect_int8
from mcu.tensor import TensorSpec
from mcu.tflm import TflmInterpreter, measure_arena
from tests.tflite_networks import conv
from tests.tflite_writer import Graph

SIDE, CELLS = 32, 4
IMAGE = TensorSpec(name="image", shape=(1, SIDE, SIDE, 3), scale=1 / 128)
ANCHORS = anchor_spec([(CELLS, CELLS)], min_sizes=(0.25,), max_sizes=(0.4,), aspect_ratios=((2,),))
SAMPLES = 5


@pytest.fixture(scope="module")
def scenes() -> Dataset:
    return data_room.load("digits_scenes", image_size=SIDE)


@pytest.fixture(scope="module")
def detector(scenes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Two random convolutions that stride by 8, one for classes and one for boxes: wrong, but always the same."""
    graph = Graph()
    image = graph.input("image", IMAGE.shape, scale=IMAGE.scale, zero_point=0)
    rows = []
    for name, numbers, scale, seed in (("classes", scenes.num_classes, 0.06, 1), ("boxes", 4, 0.02, 2)):
        channels = numbers * ANCHORS.maps[0].per_cell
        shape = (1, CELLS, CELLS, channels)
        cells = conv(
            graph, image, shape, name=f"{name}_cells", channels_in=3, channels_out=channels, stride=8,
            scale_in=IMAGE.scale, scale_out=scale, zero_point_out=seed, seed=seed,
        )  # fmt: skip
        wanted = (1, ANCHORS.count, numbers)
        shape_name = graph.constant(f"{name}_shape", np.array(wanted, np.int32))
        rows.append(
            graph.add("RESHAPE", (cells, shape_name), name, wanted, scale=scale, zero_point=seed,
                      options={"new_shape": wanted})
        )  # fmt: skip
    model = graph.build(outputs=rows)
    desk = TflmInterpreter(model)
    inputs = np.concatenate([to_int8(scenes.test[i].image, scenes.preprocessing, IMAGE) for i in range(2)])
    outputs = np.stack(
        [np.concatenate([part.ravel() for part in desk.invoke([each[None]])]) for each in inputs]
    )
    fields = {
        "name": "digits",
        "task": "detection",
        "labels": scenes.labels,
        "inputs": desk.inputs,
        "outputs": desk.outputs,
        "preprocessing": scenes.preprocessing,
        "anchors": ANCHORS,
        "operators": {"CONV_2D": 2, "RESHAPE": 2},
        "arena_bytes": measure_arena(model).total_bytes,
        "arena_bytes_32bit": None,
        "macs": 1,
        "params": 1,
        "metrics": {"map50": {"float": 0.5, "ptq": None, "qat": 0.4}},
        "tool_versions": {"tests": "1"},
    }
    files = {
        "model.tflite": model,
        "golden_inputs.npy": npy_bytes(inputs),
        "golden_outputs.npy": npy_bytes(outputs),
    }
    return write_bundle(tmp_path_factory.mktemp("boxes") / "digits", files=files, manifest_fields=fields)


def test_a_detector_is_validated_to_the_byte_and_judged_by_its_boxes(
    detector: Bundle, scenes: Dataset, tmp_path: Path
):
    run = mcu.validate(detector, scenes, limit=SAMPLES, out_dir=tmp_path)
    assert run.bit_exact
    assert run.output_bytes == SAMPLES * ANCHORS.count * (scenes.num_classes + 4)
    assert list(run.metrics) == ["map50", "map50_11_point", "map50_95"]
    assert run.metrics == run.desk_metrics

    class_spec, box_spec = detector.manifest.outputs
    found = []
    for row in np.load(tmp_path / "outputs.npy", allow_pickle=False):
        classes, boxes = np.split(row, [class_spec.nbytes])
        found.append(
            detect(
                class_spec.dequantize(classes.reshape(class_spec.shape[1:])),
                box_spec.dequantize(boxes.reshape(box_spec.shape[1:])),
                ANCHORS,
            ).scaled(width=160, height=160)
        )
    truths = [scenes.test.boxes(scenes.test.ids.index(sample.id)) for sample in run.per_sample]
    assert run.metrics == detection_metrics(truths, found, num_classes=10)
    assert sum(map(len, found)) > 0, "the comparison says something"

    # A row of its own for each tensor: class scores and boxes have scales of their own.
    assert {"X-cross of classes", "X-cross of boxes"} <= set(run.agreement)
    page = (tmp_path / "report.html").read_text()
    for words in ("board map50", "AP at IoU .5", "Precision over recall", "missed", "the truth in green"):
        assert words in page


def test_the_record_of_a_board_that_differs_has_other_figures(detector: Bundle, scenes: Dataset):
    task = task_of(detector.manifest)
    truths = task.truths(scenes.test, range(3))
    silent = np.full((3, ANCHORS.count * (scenes.num_classes + 4)), -128, np.int8)
    silent[:, : ANCHORS.count * scenes.num_classes].reshape(3, ANCHORS.count, -1)[:, :, 0] = 127  # background
    assert task.metrics(silent, truths)["map50"] == 0
    assert task.said(silent[0]) == "nothing"
    assert task.findings(silent[0]) == []
    missed = len(truths[0].boxes)
    assert task.remark(silent, truths, 0) == f"{missed} missed, 0 wrong"


def perfect(task: DetectionOnBoard, detections: Detections) -> None:
    """Make the task see these, whatever the bytes."""
    task.seen = lambda output: detections  # type: ignore[method-assign]


def test_an_answer_that_is_the_truth_scores_one_and_is_told_in_words(detector: Bundle, scenes: Dataset):
    task = task_of(detector.manifest)
    truths = task.truths(scenes.test, [0])
    boxes = truths[0].boxes
    perfect(
        task,
        Detections(boxes.corners / 160, boxes.classes, np.linspace(0.9, 0.6, len(boxes), dtype=np.float32)),
    )
    output = np.zeros((1, 1), np.int8)
    assert task.metrics(output, truths) == {"map50": 1, "map50_11_point": 1, "map50_95": 1}
    assert task.worst(output, truths) == []
    assert task.said(output[0]) == task.said_truth(truths, 0) == "1, 3"
    first = task.findings(output[0])[0]
    assert (first.label, first.score) == ("1", pytest.approx(0.9))
    assert first.box == pytest.approx((76 / 160, 79 / 160, 83 / 160, 99 / 160))
    shown = task.picture(scenes.test[0].image, output, output, truths, 0)
    assert shown.shape == (320, 3 * 320, 3)  # truth, desk and board, enlarged


def test_the_device_s_own_way_finds_the_same_objects(detector: Bundle, scenes: Dataset):
    task, (classes, boxes) = task_of(detector.manifest), detector.manifest.outputs
    assert isinstance(task, DetectionOnBoard)
    tables = DetectorTables.of(ANCHORS, classes=classes, boxes=boxes)
    for row in detector.golden_outputs:
        parts = np.split(row, [classes.nbytes])
        found = detect_int8(parts[0].reshape(classes.shape[1:]), parts[1].reshape(boxes.shape[1:]), tables)
        seen = task.seen(row)
        np.testing.assert_allclose(found.scores, seen.scores, rtol=1e-5)
        assert len(found) == len(seen)


def test_data_without_boxes_and_a_bundle_without_anchors_are_refused(detector: Bundle, tmp_path: Path):
    with pytest.raises(BadInput, match="has no boxes, the bundle is for detection"):
        mcu.validate(detector, data_room.load("digits_masks", image_size=SIDE).test, out_dir=tmp_path)
    with pytest.raises(BadInput, match="has no anchors for its outputs"):
        task_of(detector.manifest.model_copy(update={"anchors": None}))
