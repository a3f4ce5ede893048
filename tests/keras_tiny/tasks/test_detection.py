"""The task of boxes: truths for the anchors, outputs to objects, objects to figures, and errors that explain."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.blocks.ssd_head import BoxOutputs
from keras_tiny.boxes import Boxes, anchor_spec
from keras_tiny.boxes.coding import encode
from keras_tiny.boxes.matching import match
from keras_tiny.data.sample import Split
from keras_tiny.errors import BadInput, DataError
from keras_tiny.keras_api import keras, tf
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.recipe import AugmentPart, DetectionPart, Recipe
from keras_tiny.tasks.detection import Detection

SPEC = PreprocessingSpec(height=32, width=32, channels=3)
LABELS = ("cat", "dog")
ANCHORS = anchor_spec([(4, 4), (2, 2)], min_sizes=(0.3, 0.6), max_sizes=(0.6, 0.9), aspect_ratios=((2,), ()))
STILL = DetectionPart(photometric=False, expand=1, crop=False, flip=False)
PICTURES = {
    "a": Boxes.of([[10, 20, 60, 90]], [1]),
    "b": Boxes.of([[0, 0, 50, 50], [50, 50, 100, 100]], [0, 1], [False, True]),
    "c": Boxes.none(),
}


def net(*, numbers: int = 3) -> keras.Model:
    """The anchors' layer, and as little as can be before it."""
    image = keras.Input((SPEC.height, SPEC.width, 3))

    def rows(per_anchor: int) -> list[object]:
        made = []
        for part in ANCHORS.maps:
            x = keras.layers.AveragePooling2D(SPEC.height // part.height)(image)
            x = keras.layers.Conv2D(per_anchor * part.per_cell, 1)(x)
            made.append(keras.layers.Reshape((part.count, per_anchor))(x))
        return made

    classes = keras.layers.Concatenate(axis=1)(rows(numbers))
    return keras.Model(image, [classes, BoxOutputs(ANCHORS)(rows(4))])


def task(**options: int) -> Detection:
    return Detection(net(**options), spec=SPEC, labels=LABELS)


def split() -> Split:
    def read(name: str) -> np.ndarray:
        return np.full((100, 100, 3), 10 * ord(name) % 256, np.uint8)

    return Split("test", list(PICTURES), None, read, read_boxes=PICTURES.__getitem__)


def perfect(detection: Detection) -> tuple[np.ndarray, np.ndarray]:
    """Outputs that say what the truth is."""
    logits, offsets = [], []
    for boxes in PICTURES.values():
        labels, corners = match(boxes.corners / 100, boxes.classes, ANCHORS.table())
        logits.append(20 * np.eye(3)[labels])
        offsets.append(encode(corners, ANCHORS.table()))
    return np.array(logits, np.float32), np.array(offsets, np.float32)


def test_truths_are_shares_for_learning_and_pixels_for_judging():
    prepared = task().prepare(split())
    shares, classes, pixels, difficult, sizes = prepared.truths
    assert prepared.images.shape == (3, 32, 32, 3)
    np.testing.assert_allclose(shares[0, 0], [0.1, 0.2, 0.6, 0.9])
    assert classes.tolist() == [[1, -1], [0, 1], [-1, -1]]
    assert pixels[1, 1].tolist() == [50, 50, 100, 100]
    assert difficult.tolist() == [[False, False], [False, True], [False, False]]
    assert sizes.tolist() == [[100, 100]] * 3


def test_outputs_that_are_the_truth_score_one_and_are_no_mistake():
    detection = task()
    prepared = detection.prepare(split())
    answers = detection.answers(perfect(detection))
    assert detection.metrics(answers, prepared) == {"map50": 1, "map50_11_point": 1, "map50_95": 1}
    assert detection.mistakes(answers, prepared, most=5) == []
    first = detection.findings(tuple(part[:1] for part in answers))[0]
    assert first.label == "dog"
    assert first.score > 0.99
    np.testing.assert_allclose(first.box, [0.1, 0.2, 0.6, 0.9], atol=1e-5)


def test_outputs_that_see_nothing_miss_every_object_but_the_difficult_one():
    detection = task()
    prepared = detection.prepare(split())
    logits, offsets = perfect(detection)
    answers = detection.answers((np.broadcast_to(np.array([20, 0, 0], np.float32), logits.shape), offsets))
    assert detection.metrics(answers, prepared)["map50"] == 0
    tiles = detection.mistakes(answers, prepared, most=5)
    assert [tile.caption for tile in tiles] == ["1 missed\n0 wrong"] * 2
    assert (
        "0 found" in detection.tile(prepared.images[0], tuple(part[:1] for part in answers), name="a").caption
    )


def test_the_baseline_is_the_mean_box_said_of_every_picture():
    def read(name: str) -> np.ndarray:
        return np.zeros((100, 100, 3), np.uint8)

    places = {"a": [20, 20, 80, 80], "b": [24, 20, 84, 80], "c": [0, 0, 16, 16], "d": [16, 20, 76, 80]}
    boxes = {name: Boxes.of([place], [1 if name == "c" else 0]) for name, place in places.items()}
    prepared = task().prepare(Split("test", list(places), None, read, read_boxes=boxes.__getitem__))
    # Right in three of four pictures, the third of which is wrong: cats at 1, 1 and 3/4, no dog.
    assert task().baseline(prepared) == {"map50_of_a_constant_box": pytest.approx((1 + 1 + 3 / 4) / 3 / 2)}


def test_the_loss_of_the_truth_is_near_nothing_and_its_parts_are_told():
    detection = task()
    prepared = detection.prepare(split())
    objective = detection.objective(Recipe(), training=False)
    truths = tuple(tf.constant(part) for part in prepared.truths)
    outputs = perfect(detection)
    # What is difficult is not learnt, so the outputs of the second picture's dog are wrong here.
    judged = [np.array([0, 2]), np.array([1])]
    near, far = (
        objective(
            detection.targets(tuple(tf.gather(part, chosen) for part in truths)),
            tuple(tf.constant(part[chosen]) for part in outputs),
        )
        for chosen in judged
    )
    assert float(near["loss"]) < 1e-4
    assert float(far["class_loss"]) > 1
    assert float(near["loss"]) == pytest.approx(float(near["class_loss"]) + float(near["box_loss"]))


def test_batches_follow_the_seed_and_boxes_stay_inside():
    detection = task()
    prepared = detection.prepare(split())

    def epoch(number: int, part: DetectionPart) -> list[np.ndarray]:
        recipe = Recipe(batch_size=3, detection=part)
        ((inputs, (corners, classes)),) = detection.batches(
            prepared, recipe=recipe, phase="float", epoch=number
        )
        assert inputs.shape == (3, 32, 32, 3)
        assert ((corners >= 0) & (corners <= 1)).numpy().all()
        return [inputs.numpy(), corners.numpy(), classes.numpy()]

    for first, again in zip(epoch(0, DetectionPart()), epoch(0, DetectionPart()), strict=True):
        np.testing.assert_array_equal(first, again)
    assert (epoch(0, DetectionPart())[0] != epoch(1, DetectionPart())[0]).any()
    inputs, _, classes = epoch(0, STILL)
    assert sorted(np.unique(inputs * 128 + 128)) == sorted({10 * ord(name) % 256 for name in PICTURES})
    assert sorted(classes.ravel().tolist()) == [-1, -1, -1, -1, 0, 1]  # the difficult one is left out


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (1, "class 0 is background.*num_classes=3"),
        (2, "tells 2 classes apart, background among them.*num_classes=3"),
    ],
)
def test_a_model_of_other_classes_is_refused_with_background_explained(numbers: int, message: str):
    with pytest.raises(BadInput, match=f"(?s){message}"):
        task(numbers=numbers)


def test_a_model_without_anchors_and_data_without_boxes_are_refused():
    image = keras.Input((32, 32, 3))
    with pytest.raises(BadInput, match="no detector"):
        Detection(keras.Model(image, keras.layers.Flatten()(image)), spec=SPEC, labels=LABELS)
    with pytest.raises(DataError, match="has no boxes"):
        task().prepare(Split("train", ["a"], None, lambda name: np.zeros((8, 8, 3), np.uint8)))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (Recipe(mixup=0.2), "mixup is for classification"),
        (Recipe(label_smoothing=0.1), "label_smoothing is for classification"),
    ],
)
def test_settings_of_other_tasks_are_refused(recipe: Recipe, message: str):
    with pytest.raises(BadInput, match=message):
        task().objective(recipe, training=True)


def test_changes_that_know_no_boxes_are_refused():
    detection = task()
    prepared, recipe = detection.prepare(split()), Recipe(augment=AugmentPart(flip=True))
    with pytest.raises(BadInput, match="augment changes pictures without their boxes"):
        detection.batches(prepared, recipe=recipe, phase="float", epoch=0)
