"""The task of masks: pictures and masks stay together, outputs become masks, masks become figures."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny import models
from keras_tiny.data.sample import VOID, Split
from keras_tiny.errors import BadInput, DataError
from keras_tiny.keras_api import keras, tf
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.recipe import AugmentPart, AugmentStep, Recipe
from keras_tiny.tasks.output_activation import last_activation
from keras_tiny.tasks.segmentation import Segmentation
from keras_tiny.tasks.task import Prepared

SPEC = PreprocessingSpec(height=16, width=24, channels=3)
LABELS = ("ground", "car", "sky")
MOVES = AugmentPart(shift=0.2, zoom=0.3, rotate_degrees=30, flip=True)
STEPS = tuple(AugmentStep(p=1, of=(name,)) for name in ("crop_to_mask", "flip", "rotate"))


def net(*, channels: int = 3, stride: int = 1, activation: str | None = None) -> keras.Model:
    """One convolution and nothing else."""
    image = keras.Input((SPEC.height, SPEC.width, 3))
    return keras.Model(image, keras.layers.Conv2D(channels, 1, strides=stride, activation=activation)(image))


def task(**options) -> Segmentation:
    return Segmentation(net(**options), spec=SPEC, labels=LABELS)


def scenes(n: int = 4, *, seed: int = 0) -> Prepared:
    """Pictures whose red channel is 60 times their mask: whatever moves, the two must still agree."""
    masks = (
        np.random.default_rng(seed).integers(0, 3, (n, 4, 6), np.uint8).repeat(4, axis=1).repeat(4, axis=2)
    )
    return Prepared(np.repeat(masks[..., None] * np.uint8(60), 3, axis=3), (masks,))


def split(mask: np.ndarray, *, image: tuple[int, int] = (32, 48)) -> Split:
    return Split(
        "train", ["a"], None, lambda name: np.zeros((*image, 3), np.uint8), read_mask=lambda name: mask
    )


def test_a_mask_is_resized_without_a_class_between_two_others():
    mask = np.repeat(np.array([[0, 2], [VOID, 1]], np.uint8), 24, axis=1).repeat(16, axis=0)
    (prepared,) = task().prepare(split(mask)).truths
    assert prepared.shape == (1, 16, 24)
    assert (prepared[0] == mask[::2, ::2]).all()


@pytest.mark.parametrize(
    "changes",
    [{}, {"augment": MOVES}, {"augment_steps": STEPS}, {"augment": MOVES, "augment_steps": STEPS}],
    ids=["none", "parts", "steps", "both"],
)
def test_pictures_and_masks_move_together(changes: dict):
    recipe = Recipe(batch_size=4, **changes)
    ((inputs, (masks, weights)),) = task().batches(scenes(), recipe=recipe, phase="float", epoch=0)
    painted = (inputs.numpy()[..., 0] * 128 + 128) / 60
    masks = masks.numpy()
    assert set(np.unique(masks)) <= {0, 1, 2}
    # At edges the picture is blended and the mask is not; masks that stayed behind would agree in a third.
    assert (np.abs(painted - masks) < 0.51).mean() > 0.9
    assert weights.numpy().tolist() == [1, 1, 1]


def test_void_moves_with_its_mask_and_is_not_blended_into_a_class():
    prepared = scenes()
    prepared.truths[0][:, 4:12, 6:18] = VOID
    recipe = Recipe(batch_size=4, augment=MOVES)
    ((_, (masks, _)),) = task().batches(prepared, recipe=recipe, phase="float", epoch=0)
    assert set(np.unique(masks.numpy())) == {0, 1, 2, VOID}


@pytest.mark.parametrize("changes", [{"augment": MOVES}, {"augment_steps": STEPS}], ids=["parts", "steps"])
def test_an_epoch_is_the_same_again_and_another_epoch_is_not(changes: dict):
    recipe = Recipe(batch_size=4, **changes)

    def masks(epoch: int) -> np.ndarray:
        ((_, (masks, _)),) = task().batches(scenes(), recipe=recipe, phase="float", epoch=epoch)
        return masks.numpy()

    assert (masks(0) == masks(0)).all()
    assert (masks(0) != masks(1)).any()


def test_weights_of_the_classes_come_from_the_training_masks():
    recipe = Recipe(batch_size=4, class_weights="balanced")
    prepared = scenes()
    ((_, (_, weights)),) = task().batches(prepared, recipe=recipe, phase="float", epoch=0)
    share = np.bincount(prepared.truths[0].ravel(), minlength=3) / prepared.truths[0].size
    assert weights.numpy() == pytest.approx(1 / (3 * share), rel=1e-5)


def test_right_outputs_get_all_points_and_no_mistakes():
    prepared = scenes()
    answers = task().answers((np.eye(3, dtype=np.float32)[prepared.truths[0]],))
    assert task().metrics(answers, prepared) == {
        "mean_iou": 1.0,
        "pixel_accuracy": 1.0,
        "mean_dice": 1.0,
        "boundary_f1": 1.0,
    }
    assert task().mistakes(answers, prepared, most=4) == []


def test_the_worst_picture_is_shown_first_with_truth_answer_and_difference():
    prepared = scenes()
    masks = prepared.truths[0].copy()
    masks[2] = (masks[2] + 1) % 3
    masks[1, :4] = (masks[1, :4] + 1) % 3
    first, second = task().mistakes((masks,), prepared, most=9)
    assert (first.caption, second.caption) == ("truth, answer\n100% wrong", "truth, answer\n25% wrong")
    assert first.image.shape == (3 * 16, 24, 3)


def test_masks_of_half_the_size_are_learnt_at_their_size_and_judged_at_the_full_one():
    half = task(stride=2)
    recipe = Recipe(batch_size=4)
    prepared = scenes()
    ((_, (masks, _)),) = half.batches(prepared, recipe=recipe, phase="float", epoch=0)
    assert masks.shape == (4, 8, 12)
    answers = half.answers((np.eye(3, dtype=np.float32)[prepared.truths[0][:, 1::2, 1::2]],))
    assert answers[0].shape == (4, 8, 12)
    assert half.metrics(answers, prepared)["mean_iou"] == 1.0


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_one_channel_is_foreground_above_a_probability_of_one_half(activation: str | None):
    binary = Segmentation(net(channels=1, activation=activation), spec=SPEC, labels=("ground", "car"))
    scores = np.linspace(-0.4, 0.9, 16 * 24, dtype=np.float32).reshape(1, 16, 24, 1)
    shares = 1 / (1 + np.exp(-scores)) if activation is None else scores
    (masks,) = binary.answers((scores,))
    assert (masks == (shares[..., 0] > 0.5)).all()


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_probabilities_cost_what_their_logits_cost(activation: str):
    channels, labels = (3, LABELS) if activation == "softmax" else (1, LABELS[:2])
    logits = np.random.default_rng(0).normal(size=(2, 16, 24, channels)).astype(np.float32)
    masks = tf.constant(np.random.default_rng(1).integers(0, len(labels), (2, 16, 24), np.uint8))
    recipe = Recipe(mask_losses={"cross_entropy": 1.0, "dice": 1.0})
    losses = []
    for ends_in in (None, activation):
        made = Segmentation(net(channels=channels, activation=ends_in), spec=SPEC, labels=labels)
        outputs = logits if ends_in is None else keras.activations.get(ends_in)(tf.constant(logits))
        targets = made.targets((masks,))
        losses.append(float(made.objective(recipe, training=False)(targets, (outputs,))["loss"]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_last_activation_of_the_garden_is_recognised():
    for outputs, expected in ((1, "sigmoid"), (3, "softmax")):
        model = models.build(
            "unet4", input_shape=(16, 16, 3), num_classes=outputs, alpha=32, output_activation="auto"
        )
        assert last_activation(model) == expected
    assert last_activation(net()) == "logits"


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (LABELS, {"channels": 4}, "has 4 output channels, the data has 3 classes"),
        (LABELS, {"channels": 1}, "has 1 output channels, the data has 3 classes"),
        (LABELS, {"stride": 5}, "masks are 4x5 for pictures of 16x24"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(labels, options, message):
    with pytest.raises(BadInput, match=message):
        Segmentation(net(**options), spec=SPEC, labels=labels)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((32, 40), np.uint8), r"the picture is \(32, 48\), its mask \(32, 40\)"),
        (np.full((32, 48), 3, np.uint8), "the mask has class 3; there are 3 classes"),
        (np.full((32, 48), VOID, np.uint8), "Every pixel of the masks of 'train' is void"),
    ],
    ids=["size", "class", "void"],
)
def test_masks_that_do_not_fit_are_refused(mask, message):
    with pytest.raises(DataError, match=message):
        task().prepare(split(mask))


def test_a_split_without_masks_is_refused():
    with pytest.raises(DataError, match="has no masks"):
        task().prepare(Split("train", ["a"], [0], lambda name: np.zeros((4, 4, 3), np.uint8)))


@pytest.mark.parametrize("key", ["mixup", "label_smoothing"])
def test_what_is_for_classification_only_is_refused(key: str):
    with pytest.raises(BadInput, match=f"{key} is for classification"):
        task().objective(Recipe.model_validate({key: 0.1}), training=True)
