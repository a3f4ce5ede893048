"""A detector from XML files to the board: trained, quantized, exported, validated, with one mAP everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mcu.bundle import Bundle
from tests.e2e.commands import exported
from tests.support import require

TRAIN, VAL, TEST = 18, 3, 5
SIDE = 64


def write_scenes(root: Path) -> None:
    """A few of the packaged scenes as Pascal VOC's files, every other digit of one class."""
    from keras_tiny.data.scenes import compose

    for split, count in (("train", TRAIN), ("val", VAL), ("test", TEST)):
        (root / split).mkdir(parents=True)
        for index in range(count):
            scene = compose(split, index)
            Image.fromarray(scene.image).save(root / split / f"{index}.png")
            objects = "".join(
                f"<object><name>{'even' if digit % 2 == 0 else 'odd'}</name><bndbox><xmin>{x1 + 1}</xmin>"
                f"<ymin>{y1 + 1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
                for digit, (x1, y1, x2, y2) in zip(scene.boxes.classes, scene.boxes.corners, strict=True)
            )
            size = "<size><width>160</width><height>160</height></size>"
            (root / split / f"{index}.xml").write_text(f"<annotation>{size}{objects}</annotation>")


@pytest.mark.slow
def test_a_detector_goes_from_xml_files_to_the_board(tmp_path: Path):
    require("module:tensorflow")
    require("module:tflite_micro")
    import mcu
    from keras_tiny.recipe import Recipe
    from keras_tiny.runs.folder import load_run
    from keras_tiny.runs.run import run_recipe
    from keras_tiny.training.judge import int8_answers

    write_scenes(tmp_path / "voc")
    recipe = Recipe.model_validate(
        {
            "model": {"name": "ssdlite", "arguments": {"width": 0.25}},
            "data": {"source": f"pascal_voc:{tmp_path / 'voc'}", "image_size": SIDE},
            "batch_size": 9,
            "float_phase": {"epochs": 1, "learning_rate": 0.003},
            "qat_phase": {"epochs": 1},
            "quantize": {"calibration_samples": TRAIN},
        }
    )
    records = []
    result = run_recipe(recipe, tmp_path / "run", on_epoch=records.append)
    assert (result.task, result.metric, set(result.metrics)) == (
        "detection",
        "map50",
        {"float", "ptq", "qat"},
    )
    for record in records:
        for scalars in (record.train, record.val):
            assert {"loss", "class_loss", "box_loss"} <= scalars.keys()
            assert np.isfinite(list(scalars.values())).all()

    said = exported(tmp_path / "run", tmp_path / "bundle")
    assert (said["metric"], said["metrics"]) == ("map50", pytest.approx(result.metrics))
    bundle = Bundle.open(said["bundle"])
    classes, boxes = bundle.manifest.outputs
    assert bundle.manifest.anchors.count == classes.shape[1] == boxes.shape[1] == 390
    assert (classes.shape[2], boxes.shape[2]) == (3, 4)
    assert (classes.scale, classes.zero_point) != (boxes.scale, boxes.zero_point)

    run = mcu.validate(bundle, recipe.data.source, board="virtual", out_dir=tmp_path / "hil")
    assert run.bit_exact
    assert run.samples == TEST

    _, task, data = load_run(tmp_path / "run")
    prepared = task.prepare(data.test)
    of_the_file = task.metrics(int8_answers(bundle.model_bytes, task, prepared), prepared)
    assert set(run.metrics) == set(of_the_file)
    assert run.metrics == pytest.approx(of_the_file, abs=0)
