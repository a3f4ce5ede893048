"""The comparison of a student alone and with a teacher: the same recipe, resumed run by run, mean and spread."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_tiny.recipe import find_recipe, override
from tests.benchmarks.distill import CAMVID, Comparison, compare
from tests.benchmarks.results.distillation import gain, to_markdown
from tests.benchmarks.results.page import PAGE, render
from tests.benchmarks.results.tables import Row
from tests.support import require

ROWS = [
    {
        **{"name": "alone", "student": "small", "teacher": None, "seeds": [1, 2], "metric": "mean_iou"},
        **{"float": [0.30, 0.32], "qat": [0.29, 0.29], "minutes": [3.1, 3.4]},
    },
    {
        **{
            "name": "distilled",
            "student": "small",
            "teacher": "large",
            "seeds": [1, 2],
            "metric": "mean_iou",
        },
        **{"float": [0.32, 0.33], "qat": [0.29, 0.31], "minutes": [5.1, 5.0]},
    },
]
TINY = (
    *("data.image_size=32", "batch_size=4", "quantize.calibration_samples=16"),
    *(f"{phase}_phase.{key}=1" for phase in ("float", "qat") for key in ("epochs", "steps_per_epoch")),
)


def test_the_table_shows_every_seed_mean_spread_and_gain():
    lines = to_markdown(ROWS).splitlines()
    assert lines[-3] == "| alone | 30.00%, 32.00% | 31.00% ± 1.41 | 29.00%, 29.00% | 29.00% ± 0.00 | 3.4 |"
    assert (
        lines[-2] == "| with large | 32.00%, 33.00% | 32.50% ± 0.71 | 29.00%, 31.00% | 30.00% ± 1.41 | 5.1 |"
    )
    assert lines[-1] == "| gain, points | | +1.50 | | +1.00 | |"
    assert {line.count("|") for line in lines[2:]} == {7}
    assert gain([0.3], [0.25]) == pytest.approx(-0.05)


def test_the_table_has_its_place_on_the_page():
    assert to_markdown(ROWS) in render(PAGE.read_text(encoding="utf-8"), {"distillation": ROWS})


def test_teacher_and_student_of_camvid_see_the_same_pictures_and_differ_in_nothing_but_the_lesson():
    student, teacher = (
        override(find_recipe(row.recipe), list(row.settings)) for row in (CAMVID.student, CAMVID.teacher)
    )
    taught = override(student, list(CAMVID.lesson))
    assert student.data == teacher.data
    assert taught.model_copy(update={"distill": student.distill}) == student
    assert taught.distill != student.distill
    assert len(CAMVID.seeds) >= 3


@pytest.mark.slow
def test_a_comparison_trains_each_run_once(tmp_path: Path):
    require("module:tensorflow")
    network = ("model.name=unet4", "model.arguments={alpha: 32}")
    tiny = Comparison(
        student=Row("student", "digits_masks_unet5", (*network, *TINY)),
        teacher=Row("teacher", "digits_masks_unet5", (*network, "model.arguments={alpha: 16}", *TINY)),
        lesson=("distill.temperature=3.0",),
        seeds=(1,),
    )
    said: list[str] = []

    def rows() -> list[dict]:
        return compare(
            tiny, source="digits_masks", folder=tmp_path, teacher_run=tmp_path / "t", on_run=said.append
        )

    alone, distilled = rows()
    assert (alone["name"], distilled["name"]) == ("alone", "distilled")
    assert all(
        len(row[which]) == 1 for row in (alone, distilled) for which in ("float", "ptq", "qat", "minutes")
    )
    log = (tmp_path / "distilled-1" / "log.jsonl").read_text(encoding="utf-8")
    assert "soft_loss" in log
    assert "soft_loss" not in (tmp_path / "alone-1" / "log.jsonl").read_text(encoding="utf-8")
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("result.json")}
    assert len(stamps) == 3
    assert rows() == [alone, distilled]
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert len(said) == 4
