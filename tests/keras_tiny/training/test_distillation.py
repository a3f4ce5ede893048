"""A student learns from its teacher; what was only there to teach it does not stay."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import keras_tiny as kt
from keras_tiny import models
from keras_tiny.data.sample import Dataset, Split
from keras_tiny.errors import BadInput, UnknownName
from keras_tiny.export.convert import convert
from keras_tiny.keras_api import keras
from keras_tiny.losses.distillation import soft_answers
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.quantization import quantize
from keras_tiny.recipe import DistillPart, Recipe
from keras_tiny.tasks import task_for
from keras_tiny.training.distillation import Distillation
from keras_tiny.training.feature_maps import feature_maps
from mcu.tflite import read_model

SIDE = 16
LABELS = ("ground", "left", "right")
PAIRS = (("enc2_b_relu", "enc1_b_relu"),)


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Pictures whose halves are two classes, told apart by their colour."""

    def mask(name: str) -> np.ndarray:
        made = np.zeros((SIDE, SIDE), np.uint8)
        made[:, : 1 + int(name) % 12] = 1 + int(name) % 2
        return made

    def image(name: str) -> np.ndarray:
        return np.array([[20, 20, 20], [200, 30, 30], [30, 200, 30]], np.uint8)[mask(name)]

    def split(name: str, first: int, last: int) -> Split:
        return Split(name, [str(i) for i in range(first, last)], None, image, read_mask=mask)

    spec = PreprocessingSpec(height=SIDE, width=SIDE, channels=3)
    splits = split("train", 0, 16), split("val", 16, 20), split("test", 20, 24)
    return Dataset("made", "segmentation", LABELS, spec, *splits)


def net(alpha: int, *, side: int = SIDE, classes: int = 3, **options) -> keras.Model:
    keras.utils.set_random_seed(0)
    options = {"upsample": "nearest", "dropout": (0.0, 0.0, 0.0, 0.0), **options}
    return models.build("unet4", input_shape=(side, side, 3), num_classes=classes, alpha=alpha, **options)


@cache
def shared(alpha: int, **options) -> keras.Model:
    """For tests that leave the model as it is."""
    return net(alpha, **options)


@pytest.mark.slow
def test_a_quantized_student_learns_from_a_float_teacher_and_exports_without_adapters(data: Dataset):
    pairs = (("enc2_b_relu", "enc2_b_relu"),)
    teacher, student = net(16), quantize(net(32))
    taught = [weight.copy() for weight in teacher.get_weights()]
    before = [weight.copy() for weight in student.get_weights()]
    names = [layer.name for layer in student.layers]
    result = kt.distill(student, data, teacher=teacher, pairs=pairs, epochs=1, batch_size=8)
    assert result.metric == "mean_iou"
    assert all((a == b).all() for a, b in zip(teacher.get_weights(), taught, strict=True))
    assert any((a != b).any() for a, b in zip(student.get_weights(), before, strict=True))
    assert [layer.name for layer in student.layers] == names
    assert set(result.records[0].train) == {"loss", "task_loss", "soft_loss", "feature_loss"}
    assert set(result.records[0].val) >= {"loss", "mean_iou"}
    tensors = [tensor.name for tensor in read_model(convert(student)).tensors]
    assert not [name for name in tensors if "adapter" in name]


def lesson(student: keras.Model, teacher: keras.Model, data: Dataset, **part) -> Distillation:
    return Distillation(
        task_for(student, data), student, teacher=teacher, part=DistillPart.model_validate(part)
    )


def test_maps_of_other_channels_meet_in_an_adapter_and_attention_needs_none(data: Dataset):
    pairs = (("enc2_b_relu", "enc2_b_relu"),)
    teacher, student = shared(16), shared(32)
    with_adapter = lesson(student, teacher, data, pairs=pairs).pupil
    assert with_adapter.get_layer("distill_adapter1").kernel.shape == (1, 1, 4, 8)
    assert [tuple(output.shape) for output in with_adapter.outputs] == [(None, 16, 16, 3), (None, 8, 8, 8)]
    attention = lesson(student, teacher, data, pairs=pairs, feature_loss="attention").pupil
    assert len(attention.weights) == len(student.weights)


def test_the_whole_weight_on_the_truth_is_training_alone(data: Dataset):
    teacher, student = shared(16), shared(32)
    taught = lesson(student, teacher, data, answers_weight=0.0)
    recipe = Recipe(batch_size=16)
    prepared = taught.prepare(data.train)
    ((inputs, targets),) = taught.batches(prepared, recipe=recipe, phase="float", epoch=0)
    outputs = (student(inputs, training=False),)
    found = taught.objective(recipe, training=True)(targets, outputs)
    alone = task_for(student, data).objective(recipe, training=True)(targets[0], outputs)
    assert float(found["loss"]) == pytest.approx(float(alone["loss"]), rel=1e-6)


def test_the_weights_of_classes_count_for_the_teachers_answers_too(data: Dataset):
    teacher, student = shared(16), shared(32)
    taught = lesson(student, teacher, data, temperature=2.0)
    recipe = Recipe(batch_size=16, class_weights="enet")
    batches = taught.batches(taught.prepare(data.train), recipe=recipe, phase="float", epoch=0)
    ((inputs, ((masks, weights), answers)),) = batches
    assert len(set(weights.numpy().tolist())) == 3
    logits = student(inputs, training=False)
    found = taught.objective(recipe, training=True)(((masks, weights), answers), (logits,))
    expected = soft_answers(answers[0], logits, temperature=2.0, class_weights=weights)
    assert float(found["soft_loss"]) == pytest.approx(float(expected), rel=1e-5)
    assert float(found["soft_loss"]) != pytest.approx(
        float(soft_answers(answers[0], logits, temperature=2.0)), rel=1e-3
    )


def test_the_teacher_sees_the_picture_that_the_student_sees(data: Dataset):
    teacher = shared(16)
    taught = lesson(shared(32), teacher, data)
    recipe = Recipe.model_validate({"batch_size": 16, "augment": {"flip": True, "zoom": 0.3}})
    ((inputs, (_, (answers,))),) = taught.batches(
        taught.prepare(data.train), recipe=recipe, phase="float", epoch=0
    )
    np.testing.assert_allclose(answers, teacher(inputs, training=False), rtol=1e-4, atol=1e-5)


def test_a_model_that_returns_features_offers_those_and_a_quantized_one_has_the_float_names():
    with_features = shared(32, return_features=True)
    exposed = feature_maps(with_features)
    assert list(exposed)[:2] == ["enc1_b_relu", "enc2_b_relu"]
    assert len(exposed) == 8
    assert set(exposed) <= set(feature_maps(quantize(shared(32))))


def test_maps_of_two_sizes_are_refused_with_the_pairs_that_can_be(data: Dataset):
    teacher = shared(16, return_features=True)
    with pytest.raises(
        BadInput, match=r"'enc2_b_relu' \(8x8\).*'enc1_b_relu' \(16x16\) cannot be paired"
    ) as caught:
        lesson(shared(32), teacher, data, pairs=PAIRS)
    # Of the teacher what it returns, of the student every map; of each size the deepest.
    assert "dec2_b_relu:dec1_up_relu (8x8)" in str(caught.value)
    assert "enc4_b_relu:dec3_up_relu (2x2)" in str(caught.value)


def test_a_misspelt_layer_gets_near_names(data: Dataset):
    with pytest.raises(UnknownName, match=r"feature map of the student named 'enc2_b_rely'.*enc2_b_relu"):
        lesson(shared(32), shared(16), data, pairs=(("enc2_b_relu", "enc2_b_rely"),))


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        ({"side": 32}, r"The teacher takes pictures of \(32, 32, 3\), the student of \(16, 16, 3\)"),
        ({"classes": 4}, "The teacher answers with 4 scores"),
    ],
)
def test_a_teacher_of_other_pictures_or_classes_is_refused(data: Dataset, teacher: dict, message: str):
    with pytest.raises(BadInput, match=message):
        lesson(shared(32), shared(16, **teacher), data)
