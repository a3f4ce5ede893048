"""What is advised fits, by `mcu fits` itself; nothing that is advised is beaten by something else that is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keras_tiny.advise import advise
from keras_tiny.advise.advise import Advice, _beats, _classes_of
from keras_tiny.advise.candidates import Candidate, Score, candidates, results
from keras_tiny.errors import BadInput, UnknownName
from mcu.boards import load_boards
from mcu.firmware.fits import fits
from tests.e2e.newcomer import draw_pictures
from tests.support import require

TASKS = ("classification", "detection", "segmentation")
# Small and large flash, both cores of Arm, Xtensa, RISC-V, with and without a port of ours, an emulated one.
BOARDS = (
    "nucleo_f401re", "nucleo_f446re", "nucleo_h743zi2", "nucleo_l476rg", "esp32_devkitc", "esp32_c3_devkitm",
    "qemu_stm32f405", "virtual",
)  # fmt: skip


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files are built once for all tests."""
    for module in ("tensorflow", "tf_keras"):
        require(f"module:{module}")
    return tmp_path_factory.mktemp("garden")


def assert_fits(found: tuple[Advice, ...], board: str) -> None:
    for each in found:
        (verdict,) = fits(each.file, board=board)
        assert verdict.fits
        assert verdict == each.verdict
    for one in found:
        assert not any(_beats(other, one) for other in found)


def test_every_row_passes_fits_and_a_tighter_limit_leaves_fewer(cache_dir: Path):
    def ask(**limits: float) -> tuple[Advice, ...]:
        return advise(
            "classification", board="nucleo_f446re", model="squeezenet", cache_dir=cache_dir, **limits
        )  # type: ignore[arg-type]

    found = ask()
    assert found
    assert_fits(found, "nucleo_f446re")
    largest = max(each.verdict.ram_bytes or 0 for each in found)
    fewer = ask(ram_bytes=largest - 1)
    assert {each.candidate.name for each in fewer} < {each.candidate.name for each in found}
    assert not ask(latency_ms=0.001)
    assert not ask(flash_bytes=1000)
    assert all(path.suffix == ".tflite" for path in cache_dir.iterdir())


def test_the_command_answers_with_the_documented_keys(cache_dir: Path):
    code = "from keras_tiny.cli import main; main()"
    asked = [
        "--task",
        "classification",
        "--model",
        "squeezenet",
        "--cache",
        str(cache_dir),
        "--json",
        "--board",
    ]
    command = [sys.executable, "-c", code, "advise", *asked]
    yes = subprocess.run([*command, "nucleo_f446re"], capture_output=True, text=True, check=False)
    no = subprocess.run(
        [*command, "nucleo_f446re", "--ram", "1"], capture_output=True, text=True, check=False
    )
    assert (yes.returncode, no.returncode) == (0, 1), yes.stderr + no.stderr
    assert json.loads(no.stdout)["advice"] == []
    for row in json.loads(yes.stdout)["advice"]:
        assert list(row) == ["name", "call", "params", "macs", "quality", "score", "verdict", "file"]
        assert row["verdict"]["fits"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("task", TASKS)
def test_every_row_for_every_board_passes_fits(task: str, cache_dir: Path):
    for board in BOARDS:
        found = advise(task, board=board, cache_dir=cache_dir)
        assert found, f"nothing of {task} fits {board}"
        assert_fits(found, board)


@pytest.mark.parametrize("task", TASKS)
def test_there_are_candidates_for_every_task_and_none_twice(task: str):
    found = candidates(task)
    assert found
    assert len({each.network for each in found}) == len({each.name for each in found}) == len(found)


def test_every_result_is_a_candidate_with_its_score():
    scores = {
        (score.data, score.result) for task in TASKS for each in candidates(task) for score in each.scores
    }
    assert scores == {
        (data, row["name"]) for data, rows in results().items() for row in rows if row.get("board")
    }


def test_the_data_size_the_heads(tmp_path: Path):
    draw_pictures(tmp_path)
    classes = len([folder for folder in tmp_path.iterdir() if folder.is_dir()])
    assert _classes_of(f"folders:{tmp_path}", "classification") == classes > 1


def test_only_scores_of_the_data_that_was_asked_for_count():
    found = candidates("classification", data="digits")
    assert {score.data for each in found for score in each.scores} == {"digits"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"task": "regression"}, "no task named 'regression'"),
        ({"board": "nucleo_f446r"}, "no board named"),
        ({"model": "mobilenet_v9"}, "no model named"),
        ({"model": "unet4"}, "is for segmentation, not for classification"),
        ({"ram_bytes": 0}, "ram_bytes is 0"),
        ({"task": "detection", "data": "digits"}, "digits is for classification, not for detection"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_before_anything_is_built(
    arguments: dict[str, object], said: str
):
    given: dict[str, object] = {"task": "classification", "board": "virtual", **arguments}
    task = str(given.pop("task"))
    with pytest.raises((BadInput, UnknownName), match=said):
        advise(task, **given)  # type: ignore[arg-type]


def advice(*, macs: int, ram_bytes: int, score: Score | None = None) -> Advice:
    (verdict,) = [each for each in _verdicts() if each.board == "virtual"]
    candidate = Candidate("x", "squeezenet", {}, (64, 64, 3), 1, macs)
    from dataclasses import replace

    return Advice(
        candidate, 10, score, replace(verdict, ram_bytes=ram_bytes, flash_bytes=1), Path("x.tflite")
    )


def _verdicts():
    import tempfile

    from tests.tflite_networks import segmenter

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(segmenter())
        return fits(path, board="virtual")


def test_more_accuracy_for_less_memory_beats_and_scores_on_other_data_do_not_compare():
    good, poor = Score("accuracy", 0.9, "digits", "a"), Score("accuracy", 0.8, "digits", "b")
    elsewhere = Score("accuracy", 0.7, "cifar10", "c")
    small = advice(macs=100, ram_bytes=100, score=good)
    assert _beats(small, advice(macs=100, ram_bytes=200, score=poor))
    assert not _beats(advice(macs=100, ram_bytes=200, score=poor), small)
    assert not _beats(small, advice(macs=100, ram_bytes=200, score=elsewhere))
    assert not _beats(small, advice(macs=100, ram_bytes=200))
    assert not _beats(small, small)


def test_the_boards_are_real():
    assert {*BOARDS} < {*load_boards()}
