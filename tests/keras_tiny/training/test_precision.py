"""Mixed precision: 16-bit arithmetic learns, and everything that leaves the phase is float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keras_tiny.recipe import PhasePart, Recipe
from tests.keras_tiny.training.small import few_digits, small_model


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_network_in_mixed_precision_learns_the_digits_with_weights_in_float32(policy: str, tmp_path: Path):
    task, data = few_digits()
    from keras_tiny.keras_api import keras
    from keras_tiny.training.checkpoint import load_arrays
    from keras_tiny.training.log import RunLog
    from keras_tiny.training.loop import train_phase
    from keras_tiny.training.precision import precision
    from keras_tiny.training.state import Store

    with precision(policy):
        model = small_model()
    assert keras.mixed_precision.global_policy().name == "float32", "the caller's policy is put back"
    assert model.get_layer("conv").compute_dtype == policy.removeprefix("mixed_")
    store = Store(tmp_path, RunLog(tmp_path / "log.jsonl"))
    phase = PhasePart(epochs=10, learning_rate=0.01)
    result = train_phase(model, task, data, Recipe(seed=5), phase, name="float", store=store)
    assert result.best_val_metric > 0.8
    assert {weight.dtype for weight in model.get_weights()} == {np.dtype(np.float32)}
    stored = load_arrays(store.path("float"))
    kinds = {array.dtype.name for name, array in stored.items() if name.startswith(("weights/", "best/"))}
    assert kinds == {"float32"}
    has_scale = any("loss_scale" in name for name in stored)
    assert has_scale == (policy == "mixed_float16"), "the loss scale is resumed too"


@pytest.mark.slow
def test_a_run_in_bfloat16_goes_on_in_float32_to_an_int8_file_and_a_qat_model(tmp_path: Path):
    few_digits()  # skips without TensorFlow
    from keras_tiny.recipe import find_recipe, override
    from keras_tiny.runs.run import run_recipe

    settings = [
        "model=mobilenet_v1",
        "model.arguments.width=0.25",
        "data.image_size=32",
        "float_phase.epochs=1",
        "qat_phase.epochs=0",
        "quantize.calibration_samples=32",
        "precision=mixed_bfloat16",
    ]
    result = run_recipe(override(find_recipe("digits_demo"), settings), tmp_path / "run")
    assert set(result.metrics) == {"float", "ptq", "qat"}
    for name in ("float.npz", "qat.npz"):
        with np.load(tmp_path / "run" / name) as stored:
            assert {stored[key].dtype for key in stored.files} <= {np.dtype(np.float32), np.dtype(np.int32)}
