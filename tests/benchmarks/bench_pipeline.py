"""Does the pipeline keep the training step busy, and what does quantization-aware training cost?

    python -m tests.benchmarks.bench_pipeline [--steps 20] [--variants]

MobileNetV2 0.35 at 64x64x3, batches of 32, digits as pictures, augmentation as for photographs. Rates are images per
second of this machine at this moment; what is promised are their ratios. The three are measured in turns, several
times, and the medians are taken, so that a machine that is busy with something else is busy for all of them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MIN_PIPELINE_OVER_STEP = 3.0
ROUNDS = 3
SIZE = 64
BATCH = 32


@dataclass(frozen=True)
class Measured:
    """Images per second.

    Attributes:
        pipeline: batches made, nothing done with them.
        step: compiled float steps on a batch that is there already.
        qat_step: the same of the quantized model.
    """

    pipeline: float
    step: float
    qat_step: float

    @property
    def pipeline_over_step(self) -> float:
        return self.pipeline / self.step

    @property
    def qat_over_float(self) -> float:
        return self.qat_step / self.step


def setting() -> tuple[Any, Any, Any, Any]:
    """Model, task, prepared training split and recipe."""
    from keras_tiny import models
    from keras_tiny.data import load
    from keras_tiny.recipe import AugmentPart, Recipe
    from keras_tiny.tasks import task_for

    data = load("digits", image_size=SIZE, channels=3)
    model = models.build("mobilenet_v2", input_shape=data.input_shape, num_classes=10, width=0.35)
    task = task_for(model, data)
    augment = AugmentPart(shift=0.1, zoom=0.1, rotate_degrees=10, flip=True, brightness=0.1, contrast=0.1)
    return model, task, task.prepare(data.train), Recipe(batch_size=BATCH, augment=augment)


def quantized(model: Any, prepared: Any, task: Any) -> Any:
    from keras_tiny import quantization
    from keras_tiny.preprocessing.image import normalise

    qat = quantization.quantize(model, input_range=task.spec.input_range)
    quantization.calibrate(qat, normalise(prepared.images[:32], task.spec))
    return qat


def stepper(
    model: Any, task: Any, prepared: Any, recipe: Any, *, jit_compile: bool = False
) -> Callable[[], Any]:
    """One compiled training step over a fixed batch, warmed up."""
    from keras_tiny.training.optimizer import build_optimizer
    from keras_tiny.training.step import compile_step

    batches = task.batches(prepared, recipe=recipe, phase="float", epoch=0)
    optimizer = build_optimizer(recipe.optimizer, variables=model.trainable_variables)
    step = compile_step(
        model, optimizer, task, recipe, signature=batches.element_spec, jit_compile=jit_compile
    )
    inputs, targets = next(iter(batches))
    step(inputs, targets)
    return lambda: float(step(inputs, targets)["loss"])


def rate(work: Callable[[], Any], *, steps: int) -> float:
    """Images per second over `steps` calls, each a batch."""
    began = time.perf_counter()
    for _ in range(steps):
        work()
    return steps * BATCH / (time.perf_counter() - began)


def endless(task: Any, prepared: Any, recipe: Any) -> Iterator[Any]:
    epoch = 0
    while True:
        yield from task.batches(prepared, recipe=recipe, phase="float", epoch=epoch)
        epoch += 1


def measure(*, steps: int = 20) -> Measured:
    """Pipeline, float step and QAT step, in turns."""
    model, task, prepared, recipe = setting()
    batches = endless(task, prepared, recipe)
    float_step = stepper(model, task, prepared, recipe)
    qat_step = stepper(quantized(model, prepared, task), task, prepared, recipe)
    for _ in range(8):  # what was prefetched while the graphs were built is not counted
        next(batches)
    rounds = [
        (
            rate(lambda: next(batches), steps=3 * steps),
            rate(float_step, steps=steps),
            rate(qat_step, steps=steps),
        )
        for _ in range(ROUNDS)
    ]
    return Measured(*(statistics.median(column) for column in zip(*rounds, strict=True)))


def measure_variants(*, steps: int = 20) -> dict[str, float]:
    """Ways to compile the step → images per second; float and QAT each plain and through XLA."""
    model, task, prepared, recipe = setting()
    qat = quantized(model, prepared, task)
    kinds = {
        f"{name}, {'XLA' if jit else 'plain'}": stepper(each, task, prepared, recipe, jit_compile=jit)
        for name, each in (("float", model), ("QAT", qat))
        for jit in (False, True)
    }
    rounds = [{name: rate(step, steps=steps) for name, step in kinds.items()} for _ in range(ROUNDS)]
    return {name: statistics.median(each[name] for each in rounds) for name in kinds}


def describe(measured: Measured) -> str:
    return (
        f"MobileNetV2 0.35, {SIZE}x{SIZE}x3, batches of {BATCH}\n"
        f"pipeline  {measured.pipeline:8.0f} images/s\n"
        f"step      {measured.step:8.0f} images/s\n"
        f"QAT step  {measured.qat_step:8.0f} images/s\n"
        f"pipeline over step {measured.pipeline_over_step:.1f} (at least {MIN_PIPELINE_OVER_STEP:g}), "
        f"QAT over float {measured.qat_over_float:.2f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--variants", action="store_true", help="also through XLA")
    chosen = parser.parse_args()
    print(describe(measure(steps=chosen.steps)))
    if chosen.variants:
        for kind, images_per_s in measure_variants(steps=chosen.steps).items():
            print(f"{kind:14} {images_per_s:8.0f} images/s")
