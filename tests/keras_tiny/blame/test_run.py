"""A bundle is compared with the run that it came from, and `ptq.tflite` with the run's float weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_tiny.blame import blame
from keras_tiny.export.golden import pictures_of
from mcu.tflite import read_model
from tests.keras_tiny.blame.planting import PLANTS, candidates, planted
from tests.support import require


@pytest.mark.slow
def test_a_run_has_no_fault_and_a_planted_one_is_found(tmp_path: Path):
    require("module:tensorflow")
    require("module:tflite_micro")
    from keras_tiny.recipe import find_recipe, override
    from keras_tiny.runs.export import export_run
    from keras_tiny.runs.float_twin import float_twin
    from keras_tiny.runs.run import run_recipe

    settings = [
        "model=mobilenet_v1",
        "model.arguments.width=0.25",
        "data.image_size=32",
        "float_phase.epochs=1",
        "qat_phase.epochs=1",
        "quantize.calibration_samples=32",
    ]
    run_recipe(override(find_recipe("digits_demo"), settings), tmp_path / "run")
    bundle = export_run(tmp_path / "run", tmp_path / "bundle")
    images = pictures_of(bundle.golden_inputs)[:3]
    twin, _ = float_twin(tmp_path / "run")
    sound = blame(bundle.model_bytes, images, float_bytes=twin)
    assert not any(layer.is_fault for layer in sound.layers)
    for plant in PLANTS.values():
        victim = candidates(read_model(bundle.model_bytes), plant)[5]
        sick = planted(bundle.model_bytes, plant, victim.index)
        assert blame(sick, images, float_bytes=twin).layers[0].index == victim.index
    before_qat, _ = float_twin(tmp_path / "run", which="float")
    ptq = blame((tmp_path / "run/ptq.tflite").read_bytes(), images, float_bytes=before_qat)
    assert not any(layer.is_fault for layer in ptq.layers)
    mixed = blame(bundle.model_bytes, images, float_bytes=before_qat)
    assert mixed.layers[0].is_fault, "QAT has moved the weights"
