"""Live inference: a picture, a folder, or paths as they come."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mcu
from keras_tiny.data.sample import Dataset
from mcu.bundle import Bundle
from mcu.errors import BadInput


@pytest.fixture
def folder(tmp_path: Path, data: Dataset) -> Path:
    for i in range(4):
        Image.fromarray(data.test[i].image[:, :, 0]).save(tmp_path / f"{i}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture
def expected(bundle: Bundle, data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What validation says of the first four test samples."""
    run = mcu.validate(bundle, data.test[:4], out_dir=tmp_path_factory.mktemp("expected"))
    return [bundle.manifest.labels[sample.board] for sample in run.per_sample]


def test_a_folder_is_answered_in_the_order_of_its_names_as_in_validation(
    bundle: Bundle, folder: Path, expected: list[str]
):
    answers = list(mcu.infer(bundle, folder))
    assert [answer.index for answer in answers] == [0, 1, 2, 3]
    assert [Path(answer.source).name for answer in answers] == ["0.png", "1.png", "2.png", "3.png"]
    assert [answer.label for answer in answers] == expected
    for answer in answers:
        assert 0 < answer.score <= 1
        assert answer.fps > 0
        assert answer.output.shape == (10,)
        assert answer.label == bundle.manifest.labels[np.argmax(answer.output)]


def test_one_picture_gets_one_answer(bundle: Bundle, folder: Path, expected: list[str]):
    assert [answer.label for answer in mcu.infer(bundle.path, folder / "2.png")] == [expected[2]]


def test_paths_on_stdin_are_answered_as_they_come(bundle: Bundle, folder: Path, expected: list[str]):
    asked: list[int] = []

    def typed() -> Iterator[str]:
        for i in (3, 0):
            asked.append(i)
            yield f"{folder / f'{i}.png'}\n"
            yield "\n"

    answers = mcu.infer(bundle, "-", lines=typed())
    assert next(answers).label == expected[3]
    assert asked == [3], "the second line is not waited for before the first is answered"
    assert next(answers).label == expected[0]
    with pytest.raises(StopIteration):
        next(answers)


def test_a_corrupt_picture_is_named(bundle: Bundle, folder: Path):
    (folder / "1.png").write_bytes(b"not a picture")
    answers = mcu.infer(bundle, folder)
    next(answers)
    with pytest.raises(BadInput, match=r"1\.png"):
        next(answers)


def test_what_is_not_there_fails_at_the_call(bundle: Bundle, tmp_path: Path):
    with pytest.raises(BadInput, match=r"nothing.png does not exist"):
        mcu.infer(bundle, tmp_path / "nothing.png")
    with pytest.raises(BadInput, match="has no pictures"):
        mcu.infer(bundle, tmp_path)


def test_no_lines_no_answers(bundle: Bundle):
    assert list(mcu.infer(bundle, "-", lines=io.StringIO(""))) == []
