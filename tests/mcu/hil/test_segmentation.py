"""Masks on the board: judged from the board's bytes as the desk judges them, and shown beside truth and desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mcu
from keras_tiny import data as data_room
from keras_tiny.data.sample import VOID, Dataset, Split
from keras_tiny.metrics import mask_metrics
from keras_tiny.preprocessing.to_int8 import to_int8
from mcu.bundle import Bundle, npy_bytes, write_bundle
from mcu.errors import BadInput
from mcu.hil.stream import check_golden
from mcu.hil.tasks import task_of
from mcu.hil.tasks.segmentation import SegmentationOnBoard
from mcu.protocol.session import Inference
from mcu.tensor import TensorSpec
from mcu.tflm import TflmInterpreter, measure_arena
from mcu.virtual.process import load_board
from tests.mcu.hil.lying_session import LyingSession
from tests.mcu.protocol.loop import Loop
from tests.tflite_networks import conv
from tests.tflite_writer import Graph

SIDE = 32
IMAGE = TensorSpec(name="image", shape=(1, SIDE, SIDE, 3), scale=1 / 128)
SAMPLES = 6


@pytest.fixture(scope="module")
def scenes() -> Dataset:
    return data_room.load("digits_masks", image_size=SIDE)


@pytest.fixture(scope="module")
def masks_bundle(scenes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """One random convolution with a class per channel: wrong, but always the same."""
    graph = Graph()
    image = graph.input("image", IMAGE.shape, scale=IMAGE.scale, zero_point=0)
    shape = (1, SIDE, SIDE, scenes.num_classes)
    last = conv(
        graph,
        image,
        shape,
        name="logits",
        channels_in=3,
        channels_out=scenes.num_classes,
        scale_in=1 / 128,
        scale_out=0.05,
        zero_point_out=3,
    )
    model = graph.build(outputs=(last,))
    desk = TflmInterpreter(model)
    inputs = np.concatenate([to_int8(scenes.test[i].image, scenes.preprocessing, IMAGE) for i in range(2)])
    outputs = np.stack([desk.invoke([pixels[None]])[0].ravel() for pixels in inputs])
    fields = {
        "name": "masks",
        "task": "segmentation",
        "labels": scenes.labels,
        "inputs": desk.inputs,
        "outputs": desk.outputs,
        "preprocessing": scenes.preprocessing,
        "operators": {"CONV_2D": 1},
        "arena_bytes": measure_arena(model).total_bytes,
        "arena_bytes_32bit": None,
        "macs": 1,
        "params": 1,
        "metrics": {"mean_iou": {"float": 0.5, "ptq": None, "qat": 0.4}},
        "tool_versions": {"tests": "1"},
    }
    files = {
        "model.tflite": model,
        "golden_inputs.npy": npy_bytes(inputs),
        "golden_outputs.npy": npy_bytes(outputs),
    }
    return write_bundle(tmp_path_factory.mktemp("masks") / "masks", files=files, manifest_fields=fields)


def test_a_segmenter_is_validated_to_the_byte_and_judged_by_its_masks(
    masks_bundle: Bundle, scenes: Dataset, tmp_path: Path
):
    run = mcu.validate(masks_bundle, scenes, limit=SAMPLES, out_dir=tmp_path)
    assert run.bit_exact
    assert run.golden is not None
    assert (run.golden.masks, run.masks_agree) == (2, True)
    assert run.output_bytes == SAMPLES * SIDE * SIDE * scenes.num_classes
    assert set(run.metrics) == {"mean_iou", "pixel_accuracy", "mean_dice", "boundary_f1"}
    assert run.metrics == run.desk_metrics

    outputs = np.load(tmp_path / "outputs.npy", allow_pickle=False)
    answers = outputs.reshape(SAMPLES, SIDE, SIDE, -1).argmax(-1).astype(np.uint8)
    at = [scenes.test.ids.index(sample.id) for sample in run.per_sample]
    truths = np.stack([scenes.test.mask(i)[2::5, 2::5] for i in at])  # 160 pixels → the middle of every fifth
    assert run.metrics == mask_metrics(truths, answers, num_classes=11)

    page = (tmp_path / "report.html").read_text()
    assert "board mean iou" in page
    assert page.count('class="strip"') == SAMPLES
    assert "of the pixels wrong" in page


class OtherMask(LyingSession):
    """The right bytes, and of every second answer a mask with one class more than they say."""

    def infer(self, inputs: Sequence[bytes], **how: Any) -> Inference:
        answer = super().infer(inputs, **how)
        return replace(answer, mask=answer.mask + 1) if how["mask"] == "runs" else answer


def test_a_mask_that_the_board_makes_otherwise_is_counted_apart_from_its_bytes(masks_bundle: Bundle):
    desk = TflmInterpreter(masks_bundle.model_bytes)
    with Loop(load_board(masks_bundle.path)).connect() as session:
        check = check_golden(OtherMask(session), masks_bundle, desk=desk)
    assert (check.samples, check.mismatched_bytes) == (2, 0)
    assert (check.masks, check.mismatched_masks) == (2, 1)


def task(bundle: Bundle, tensor: TensorSpec, labels: tuple[str, ...]) -> SegmentationOnBoard:
    spec = bundle.manifest.preprocessing.model_copy(update={"height": 4, "width": 4})
    changes = {"outputs": (tensor,), "labels": labels, "preprocessing": spec}
    made = task_of(bundle.manifest.model_copy(update=changes))
    assert isinstance(made, SegmentationOnBoard)
    return made


@pytest.mark.parametrize(
    ("tensor", "first"),
    [
        (TensorSpec(name="y", shape=(1, 4, 4, 1), scale=0.1, zero_point=-20), -19),
        (TensorSpec(name="y", shape=(1, 4, 4, 1), scale=1 / 256, zero_point=-128), 1),
    ],
    ids=["logits", "probabilities"],
)
def test_one_channel_is_foreground_above_a_probability_of_one_half(
    masks_bundle: Bundle, tensor: TensorSpec, first: int
):
    binary = task(masks_bundle, tensor, ("ground", "digit"))
    outputs = np.full((1, 16), first - 1, np.int8)
    outputs[0, 5] = first
    assert np.argwhere(binary.masks(outputs)).tolist() == [[0, 1, 1]]


def test_masks_of_half_the_size_are_enlarged_by_the_host(masks_bundle: Bundle):
    half = task(masks_bundle, TensorSpec(name="y", shape=(1, 2, 2, 2), scale=0.1), ("ground", "digit"))
    outputs = np.array([[[0, 1], [1, 0], [5, 5], [-9, 9]]], np.int8).reshape(1, 8)
    assert half.masks(outputs)[0].tolist() == [[1, 1, 0, 0]] * 2 + [[0, 0, 1, 1]] * 2


def test_a_board_that_differs_is_shown_beside_the_desk_and_the_truth(masks_bundle: Bundle):
    tensor = TensorSpec(name="y", shape=(1, 4, 4, 2), scale=0.1)
    binary = task(masks_bundle, tensor, ("ground", "digit"))
    desk = np.tile(np.array([9, 0], np.int8), (1, 16))
    board = desk.copy()
    board[0, :2] = (0, 9)
    truths = np.zeros((1, 4, 4), np.uint8)
    truths[0, 3, 3] = VOID
    strip = binary.picture(np.full((8, 8, 3), 200, np.uint8), desk, board, truths, 0)
    assert strip.shape == (4, 20, 3)
    image, truth, on_desk, on_board, wrong = np.split(strip, 5, axis=1)
    assert (image == truth).all()
    assert (image == on_desk).all()
    assert (image != on_board).any(axis=-1).sum() == 1
    red = (wrong[..., 0] > wrong[..., 1]).sum()
    assert red == 1
    assert binary.worst(board, truths) == [0]
    assert binary.worst(desk, truths) == []
    assert binary.remark(board, truths, 0) == "6.7% of the pixels wrong"
    assert (binary.said(board[0]), binary.said_truth(truths, 0)) == ("ground 94%, digit 6%", "ground 94%")


def test_data_without_masks_is_refused_before_the_port_is_opened(masks_bundle: Bundle):
    split = Split("test", ["a"], [0], lambda name: np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(BadInput, match="has no masks, the bundle is for segmentation"):
        mcu.validate(masks_bundle, split, port="/dev/there-is-none")
