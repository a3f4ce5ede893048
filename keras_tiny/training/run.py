"""A recipe, run: float training, PTQ baseline, QAT, in a folder that says how and with what result."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_tiny import models, quantization
from keras_tiny.data import load
from keras_tiny.data.sample import Dataset
from keras_tiny.errors import BadInput
from keras_tiny.export.convert import convert_ptq
from keras_tiny.keras_api import tf
from keras_tiny.preprocessing.image import normalise
from keras_tiny.recipe import Recipe, dump_recipe, load_recipe
from keras_tiny.tasks import classification
from keras_tiny.training.checkpoint import load_weights, save_weights
from keras_tiny.training.curves import write_curves
from keras_tiny.training.log import EpochRecord, RunLog
from keras_tiny.training.loop import compile_predict, predict_all, train_phase
from keras_tiny.training.pipeline import PreparedData, calibration_images, prepare
from keras_tiny.training.seeds import seed_everything
from keras_tiny.training.state import Store
from keras_tiny.versions import tool_versions
from mcu.tflm import TflmInterpreter

OnEpoch = Callable[[EpochRecord], None]
OnStep = Callable[[int, int], None]
OnStage = Callable[[str], None]


@dataclass(frozen=True)
class RunResult:
    """What a run gave.

    Attributes:
        metrics: accuracy on the test split, 0 to 1, of the float model, of the int8 file made from it by
            post-training quantization, and of the fake-quant model after QAT.
        epochs: of both phases together.
    """

    run_dir: Path
    task: str
    metrics: dict[str, float]
    epochs: int
    seconds: float
    images_per_s: float


def run_recipe(
    recipe: Recipe,
    run_dir: str | Path,
    *,
    resume: bool = False,
    float_weights: str | Path | None = None,
    on_stage: OnStage = lambda text: None,
    on_epoch: OnEpoch = lambda record: None,
    on_step: OnStep = lambda done, total: None,
) -> RunResult:
    """Train float, then quantization-aware, as the recipe says.

    Args:
        run_dir: a new folder; with `resume`, one that was started with the same recipe.
        float_weights: `float.npz` of another run of this model; the float phase is left out then.

    Raises:
        BadInput: the folder is taken, or the recipe is not the one it was started with.
        TrainingFailed: the loss is no longer finite; the folder keeps the last good checkpoint.
    """
    started = time.perf_counter()
    data = load_data(recipe)
    model = build_model(recipe, data)  # before anything is written, so that a bad option costs nothing
    folder = _open_folder(Path(run_dir), recipe, resume=resume)
    prepared = prepare(data)
    log = RunLog(folder / "log.jsonl")
    store = Store(folder, log)

    if float_weights is not None:
        load_weights(Path(float_weights), model)
    else:
        on_stage(f"float: {recipe.model.name} on {data.source}, {len(data.train)} training pictures")
        train_phase(
            model,
            prepared,
            recipe,
            recipe.float_phase,
            name="float",
            store=store,
            on_epoch=on_epoch,
            on_step=on_step,
        )
    save_weights(folder / "float.npz", model)
    metrics = {"float": _test_accuracy(model, prepared)}

    on_stage("ptq: post-training quantization, the baseline")
    calibration = calibration_images(prepared, recipe)
    input_range = data.preprocessing.input_range
    ptq = convert_ptq(model, calibration, input_range=input_range)
    (folder / "ptq.tflite").write_bytes(ptq)
    metrics["ptq"] = int8_accuracy(ptq, prepared, on_step=on_step)

    on_stage("qat: quantization-aware training")
    qat = quantization.quantize(model, input_range=input_range)
    quantization.calibrate(qat, calibration)
    train_phase(
        qat,
        prepared,
        recipe,
        recipe.qat_phase,
        name="qat",
        store=store,
        on_epoch=on_epoch,
        on_step=on_step,
    )
    save_weights(folder / "qat.npz", qat)
    metrics["qat"] = _test_accuracy(qat, prepared)

    records = log.read()
    write_curves(records, folder / "curves.png")
    trained = sum(record.seconds for record in records)
    images = sum(record.seconds * record.images_per_s for record in records)
    result = RunResult(
        run_dir=folder,
        task=data.task,
        metrics=metrics,
        epochs=len(records),
        seconds=round(time.perf_counter() - started, 1),
        images_per_s=round(images / trained, 1) if trained else 0.0,
    )
    text = json.dumps({**asdict(result), "run_dir": str(folder)}, indent=2)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")
    return result


def load_data(recipe: Recipe) -> Dataset:
    """The data set that the recipe names, at its size."""
    part = recipe.data
    return load(part.source, image_size=part.image_size, channels=part.channels, seed=part.seed)


def build_model(recipe: Recipe, data: Dataset) -> Any:
    """The float model that the recipe names, for this data, with freshly drawn weights."""
    spec = data.preprocessing
    shape = (spec.height, spec.width, spec.channels)
    seed_everything(recipe.seed)
    try:
        model = models.build(
            recipe.model.name, input_shape=shape, num_classes=data.num_classes, **recipe.model.arguments
        )
    except TypeError as error:  # an argument that the builder does not have
        raise BadInput(
            f"model.arguments of the recipe do not fit {recipe.model.name}: {error}.",
            hint=f"`keras-tiny models {recipe.model.name}` lists them.",
        ) from None
    classification.check_model(model, labels=data.labels, input_shape=shape)
    return model


def load_run(run_dir: str | Path, *, quantized: bool = True) -> tuple[Any, Dataset, Recipe]:
    """A finished run's model with its trained weights, its data and its recipe.

    Args:
        quantized: the QAT model, else the float one.
    """
    folder = Path(run_dir)
    if not (folder / "recipe.yaml").is_file():
        raise BadInput(
            f"{folder} is not a run folder: it has no recipe.yaml.", hint="Make one: keras-tiny train"
        )
    recipe = load_recipe(folder / "recipe.yaml")
    data = load_data(recipe)
    model = build_model(recipe, data)
    if quantized:
        model = quantization.quantize(model, input_range=data.preprocessing.input_range)
    weights = folder / ("qat.npz" if quantized else "float.npz")
    if not weights.is_file():
        raise BadInput(
            f"{folder} is not finished: {weights.name} is missing.", hint="Go on: keras-tiny train --resume"
        )
    load_weights(weights, model)
    return model, data, recipe


def int8_accuracy(
    model_bytes: bytes, prepared: PreparedData, *, on_step: OnStep = lambda done, total: None
) -> float:
    """Accuracy of an int8 file on the test split, run by TensorFlow Lite Micro's interpreter."""
    interpreter = TflmInterpreter(model_bytes)
    inputs = interpreter.inputs[0].quantize(normalise(prepared.test.images, prepared.spec))
    outputs = []
    for index, image in enumerate(inputs):
        outputs.append(interpreter.invoke([image[None]])[0][0])
        on_step(index + 1, len(inputs))
    return classification.metric(np.stack(outputs), prepared.test.labels)


def _test_accuracy(model: Any, prepared: PreparedData) -> float:
    outputs = predict_all(compile_predict(model), prepared.test.images, prepared)
    return classification.metric(outputs, prepared.test.labels)


def _open_folder(folder: Path, recipe: Recipe, *, resume: bool) -> Path:
    stored = folder / "recipe.yaml"
    if resume:
        if not stored.is_file():
            raise BadInput(f"There is no run to resume in {folder}.", hint="Leave out --resume to start one.")
        changes = differences(load_recipe(stored), recipe)
        if changes:
            raise BadInput(
                f"{folder} was started with another recipe; changed: {'; '.join(changes)}.",
                hint="Resume with the same settings, or start a new run in another folder.",
            )
        return folder
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(
            f"The run folder {folder} is not empty; it is left alone.", hint="Add --resume, or name another."
        )
    folder.mkdir(parents=True, exist_ok=True)
    stored.write_text(dump_recipe(recipe), encoding="utf-8")
    versions = {
        **tool_versions(),
        "seed": recipe.seed,
        "devices": [d.name for d in tf.config.list_logical_devices()],
    }
    (folder / "versions.json").write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")
    return folder


def differences(old: Recipe, new: Recipe) -> list[str]:
    """Each setting that differs, as "key: old → new"; claim, time and command do not count."""

    def flat(value: object, prefix: str) -> dict[str, object]:
        if not isinstance(value, dict) or not value:
            return {prefix: value}
        return {
            key: leaf
            for name, inner in value.items()
            for key, leaf in flat(inner, f"{prefix}.{name}".lstrip(".")).items()
        }

    told = {"claim", "time", "command"}
    before, after = (flat(r.model_dump(mode="json", exclude=told), "") for r in (old, new))
    keys = sorted(before.keys() | after.keys())
    return [
        f"{key}: {before.get(key)} → {after.get(key)}" for key in keys if before.get(key) != after.get(key)
    ]
