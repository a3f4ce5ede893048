"""Tasks on the board: metrics come from the bytes, several tensors are told apart, an unknown task is only compared."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from keras_tiny.tasks import TASKS as TRAINED
from mcu.bundle import Bundle, Manifest
from mcu.hil.tasks import TASKS, task_of
from mcu.hil.tasks.classification import ClassificationOnBoard, probabilities
from mcu.hil.tasks.task import HilTask
from mcu.tensor import TensorSpec
from tests.support import require

LOGITS = TensorSpec(name="logits", shape=(1, 3), scale=0.1, zero_point=5)
SOFTMAX = TensorSpec(name="scores", shape=(1, 3), scale=1 / 256, zero_point=-128)


def manifest(
    bundle: Bundle, *outputs: TensorSpec, task: str = "classification", classes: int = 3
) -> Manifest:
    labels = tuple("abcdefghij"[:classes])
    return bundle.manifest.model_copy(update={"outputs": outputs, "task": task, "labels": labels})


def classifier(bundle: Bundle, tensor: TensorSpec = LOGITS, *, classes: int = 3) -> ClassificationOnBoard:
    task = task_of(manifest(bundle, tensor, classes=classes))
    assert isinstance(task, ClassificationOnBoard)
    return task


def test_every_task_is_judged_on_the_board_by_the_metric_that_it_was_trained_for():
    require("module:tensorflow")
    assert set(TASKS) == set(TRAINED)
    for name, target in TASKS.items():
        module, _, kind = target.partition(":")
        assert getattr(import_module(module), kind).metric == TRAINED.load(name).metric


def test_softmax_outputs_are_probabilities_as_they_are():
    outputs = np.array([[-128, 127, 0]], np.int8)
    np.testing.assert_allclose(probabilities(outputs, SOFTMAX), [[0, 255 / 256, 0.5]], atol=1e-6)


def test_logits_become_probabilities_by_softmax():
    outputs = np.array([[5, 15, 127]], np.int8)
    expected = np.exp([0.0, 1.0, 12.2])
    np.testing.assert_allclose(probabilities(outputs, LOGITS), [expected / expected.sum()], rtol=1e-5)


def test_metrics_take_the_first_of_equal_scores_as_the_board_does(bundle: Bundle):
    outputs = np.array([[7, 7, 0], [0, 1, 2]], np.int8)
    task = classifier(bundle)
    assert task.metrics(outputs, np.array([0, 2]))["accuracy"] == 1.0
    assert task.metrics(outputs, np.array([1, 2]))["accuracy"] == 0.5
    assert task.classes(outputs) == [0, 2]


def test_the_metric_by_which_runs_are_compared_comes_first(bundle: Bundle):
    outputs = np.array([[7, 7, 0], [0, 1, 2]], np.int8)
    assert next(iter(classifier(bundle).metrics(outputs, np.array([0, 2])))) == "accuracy"


def test_top_3_is_reported_where_there_are_more_than_five_classes(bundle: Bundle):
    truth = np.array([0, 1])
    assert "top_3_accuracy" not in classifier(bundle).metrics(np.zeros((2, 5), np.int8), truth)
    assert "top_3_accuracy" in classifier(bundle).metrics(np.zeros((2, 6), np.int8), truth)


def test_the_surest_mistake_is_the_worst(bundle: Bundle):
    board = np.array([[9, 0, 0], [99, 0, 0], [50, 0, 0], [0, 99, 0]], np.int8)
    task, truths = classifier(bundle), np.array([1, 1, 1, 1])
    assert task.worst(board, truths) == [1, 2, 0]
    assert task.remark(board, truths, 1) == "100% sure, truth 0%"
    assert (task.said(board[3]), task.said_truth(truths, 3)) == ("b", "b")


def test_the_last_row_of_the_agreement_is_desk_against_board(bundle: Bundle):
    desk = np.array([[10, 0, 0], [0, 20, 0]], np.int8)
    rows = classifier(bundle).agreements(desk, desk.copy(), np.array([0, 1]))
    assert list(rows) == ["board against the truth", "desk against the truth", "X-cross: desk against board"]
    cross = rows["X-cross: desk against board"]
    assert (cross["acc"], cross["rmse"], cross["cos"], cross["nse"]) == (1.0, 0.0, 1.0, 1.0)


def test_a_task_that_nobody_knows_is_compared_byte_by_byte(bundle: Bundle):
    task = task_of(manifest(bundle, LOGITS, task="depth"))
    assert type(task) is HilTask
    desk, board = np.array([[10, 0, 0]], np.int8), np.array([[10, 0, 3]], np.int8)
    cross = task.agreements(desk, board, None)["X-cross: desk against board"]
    assert cross["mae"] == pytest.approx(3 * 0.1 / 3), "a step of one output is its scale"
    assert cross["acc"] is None
    assert (task.metrics(board, None), task.worst(board, None), task.classes(board)) == ({}, [], [None])


def test_outputs_of_several_tensors_are_dequantised_each_by_its_own_scale_and_have_a_row_each(bundle: Bundle):
    tensors = (
        TensorSpec(name="boxes", shape=(1, 2, 4), scale=1.0, zero_point=0),
        TensorSpec(name="classes", shape=(1, 2), scale=10.0, zero_point=-1),
    )
    task = task_of(manifest(bundle, *tensors, task="depth"))
    desk = np.arange(10, dtype=np.int8)[None]
    boxes, classes = task.real(desk)
    assert boxes.tolist() == [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    assert classes.tolist() == [[90, 100]]
    board = desk.copy()
    board[0, 8:] += 1
    rows = task.agreements(desk, board, None)
    assert list(rows) == ["X-cross of boxes", "X-cross of classes", "X-cross: desk against board"]
    assert [rows[name]["mae"] for name in rows] == [0.0, 10.0, 2.0]
