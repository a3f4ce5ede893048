"""A segmenter from pictures with masks to a validated board, by the functions that the commands call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mcu
from keras_tiny.recipe import parse_recipe
from tests.e2e.commands import exported
from tests.support import require

SIDE = 32
CLASSES = 11  # of CamVid; the made pictures have the first three, and void


def write_set(root: Path) -> None:
    """CamVid's layout: a class is a colour, so that two epochs learn something."""
    colours = np.array([[30, 30, 30], [220, 60, 60], [60, 220, 60], [90, 90, 250]], np.uint8)
    rng = np.random.default_rng(0)
    for split, count in (("train", 24), ("val", 4), ("test", 6)):
        for folder in (split, f"{split}annot"):
            (root / folder).mkdir(parents=True)
        for number in range(count):
            blocks = rng.integers(0, 4, (4, 4)).repeat(SIDE // 4, axis=0).repeat(SIDE // 4, axis=1)
            noise = rng.integers(0, 25, (SIDE, SIDE, 1), np.uint8)
            Image.fromarray(colours[blocks] // 2 + noise).save(root / split / f"{number}.png")
            mask = np.where(blocks == 3, 11, blocks).astype(np.uint8)
            Image.fromarray(mask).save(root / f"{split}annot" / f"{number}.png")


@pytest.mark.slow
def test_a_segmenter_is_trained_evaluated_exported_and_validated_to_the_byte(tmp_path: Path):
    require("module:tflite_micro")
    from keras_tiny.runs.evaluate import evaluate
    from keras_tiny.runs.run import run_recipe

    write_set(tmp_path / "set")
    source = f"paired_masks:{tmp_path / 'set'}"
    recipe = parse_recipe(
        {
            "model": {"name": "unet4", "arguments": {"alpha": 8, "upsample": "nearest"}},
            "data": {"source": source, "image_size": SIDE},
            "augment": {"flip": True, "shift": 0.1},
            "batch_size": 4,
            "mask_losses": {"cross_entropy": 1.0, "dice": 0.5},
            "class_weights": "median_frequency",
            "float_phase": {"epochs": 40, "learning_rate": 5e-3, "schedule": "one_cycle"},
            "qat_phase": {"epochs": 2, "learning_rate": 1e-4},
        },
        origin="test",
    )
    result = run_recipe(recipe, tmp_path / "run")
    assert (result.task, result.metric) == ("segmentation", "mean_iou")
    assert result.metrics["float"] > 0.3  # one class everywhere has at most 0.12

    measured = evaluate(tmp_path / "run")
    assert measured.metrics["mean_iou"] == pytest.approx(result.metrics["qat"])
    assert measured.confusion is not None
    assert measured.confusion.shape == (CLASSES, CLASSES)
    assert measured.sheet is not None
    assert measured.sheet.is_file()

    said = exported(tmp_path / "run", tmp_path / "bundle")
    assert (said["metric"], said["metrics"]) == ("mean_iou", pytest.approx(result.metrics))
    run = mcu.validate(said["bundle"], source, out_dir=tmp_path / "hil")
    assert run.bit_exact
    assert run.samples == 6
    assert run.metrics["mean_iou"] == pytest.approx(result.metrics["qat"], abs=0.02)
