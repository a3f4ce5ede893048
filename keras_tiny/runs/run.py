"""A recipe, run: float training, PTQ baseline, QAT, in a folder that says how and with what result."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keras_tiny import quantization
from keras_tiny.errors import BadInput
from keras_tiny.export.convert import convert_ptq
from keras_tiny.recipe import Recipe
from keras_tiny.runs.float_phase import train_float
from keras_tiny.runs.folder import build_model, load_data, open_folder
from keras_tiny.runs.teacher import with_teacher
from keras_tiny.tasks.task import Prepared, Task
from keras_tiny.training.checkpoint import load_weights, save_weights
from keras_tiny.training.curves import write_curves
from keras_tiny.training.judge import compile_predict, int8_answers, predict_all
from keras_tiny.training.log import EpochRecord, RunLog
from keras_tiny.training.loop import train_phase
from keras_tiny.training.pipeline import calibration_images, prepare
from keras_tiny.training.state import Store
from keras_tiny.training.strategy import Workers
from keras_tiny.training.tensorboard import Scalars

OnEpoch = Callable[[EpochRecord], None]
OnStep = Callable[[int, int], None]
OnStage = Callable[[str], None]


@dataclass(frozen=True)
class RunResult:
    """What a run gave.

    Attributes:
        metric: name of the task's metric.
        metrics: its value on the test split, 0 to 1, of the float model, of the int8 file made from it by
            post-training quantization, and of the fake-quant model after QAT.
        epochs: of both phases together.
    """

    run_dir: Path
    task: str
    metric: str
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
    workers: Workers | None = None,
    on_stage: OnStage = lambda text: None,
    on_epoch: OnEpoch = lambda record: None,
    on_step: OnStep = lambda done, total: None,
) -> RunResult:
    """Train float, then quantization-aware, as the recipe says.

    Args:
        run_dir: a new folder; with `resume`, one that was started with the same recipe.
        float_weights: `float.npz` of another run of this model; the float phase is left out then.
        workers: who shares the float phase (`training.strategy.open_strategy`), this being their chief; what
            follows runs here alone.

    Raises:
        BadInput: the folder is taken, or the recipe is not the one it was started with.
        TrainingFailed: the loss is no longer finite; the folder keeps the last good checkpoint.
    """
    started = time.perf_counter()
    workers = workers or Workers()
    workers.check(recipe)
    if recipe.distill.teacher and (recipe.precision != "float32" or not workers.alone):
        raise BadInput(
            "A run with a teacher trains in float32 and on one worker.",
            hint="Leave out distill.teacher, or precision and --strategy.",
        )
    data = load_data(recipe)
    model, task = build_model(recipe, data)  # before anything is written, so that a bad option costs nothing
    learner, lesson = with_teacher(model, task, recipe)
    folder = open_folder(Path(run_dir), recipe, resume=resume)
    prepared = prepare(task, data)
    log = RunLog(folder / "log.jsonl")
    store = Store(folder, log)
    scalars = Scalars(folder / "tensorboard")

    def each_epoch(record: EpochRecord) -> None:
        scalars.write(record)
        on_epoch(record)

    if float_weights is not None:
        load_weights(Path(float_weights), model)
    else:
        on_stage(f"float: {recipe.model.name} on {data.source}, {len(data.train)} training pictures")
        train_float(
            learner,
            lesson,
            data,
            prepared,
            recipe,
            folder=folder,
            store=store,
            workers=workers,
            on_stage=on_stage,
            on_epoch=each_epoch,
            on_step=on_step,
        )
    save_weights(folder / "float.npz", model)
    metrics = {"float": _test_metric(model, task, prepared.test)}

    on_stage("ptq: post-training quantization, the baseline")
    calibration = calibration_images(prepared, recipe, task.spec)
    input_range = data.preprocessing.input_range
    ptq = convert_ptq(model, calibration, input_range=input_range)
    (folder / "ptq.tflite").write_bytes(ptq)
    answers = int8_answers(ptq, task, prepared.test, on_step=on_step)
    metrics["ptq"] = task.metrics(answers, prepared.test)[task.metric]

    on_stage("qat: quantization-aware training")
    qat = quantization.quantize(model, input_range=input_range)
    quantization.calibrate(qat, calibration)
    learner, lesson = with_teacher(qat, task, recipe)
    train_phase(
        learner,
        lesson,
        prepared,
        recipe,
        recipe.qat_phase,
        name="qat",
        store=store,
        on_epoch=each_epoch,
        on_step=on_step,
    )
    save_weights(folder / "qat.npz", qat)
    metrics["qat"] = _test_metric(qat, task, prepared.test)

    records = log.read()
    write_curves(records, folder / "curves.png")
    trained = sum(record.seconds for record in records)
    images = sum(record.seconds * record.images_per_s for record in records)
    result = RunResult(
        run_dir=folder,
        task=data.task,
        metric=task.metric,
        metrics=metrics,
        epochs=len(records),
        seconds=round(time.perf_counter() - started, 1),
        images_per_s=round(images / trained, 1) if trained else 0.0,
    )
    text = json.dumps({**asdict(result), "run_dir": str(folder)}, indent=2)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")
    return result


def _test_metric(model: Any, task: Task, test: Prepared) -> float:
    return task.metrics(predict_all(compile_predict(model), task, test), test)[task.metric]
