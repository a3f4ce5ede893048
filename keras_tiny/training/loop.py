"""The training loop: compiled steps, one record and one checkpoint per epoch, the best weights at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras_tiny.errors import TrainingFailed
from keras_tiny.recipe import PhasePart, Recipe
from keras_tiny.tasks.task import Task
from keras_tiny.training.batch_norm import fit_momentum
from keras_tiny.training.judge import Means, compile_judge
from keras_tiny.training.log import EpochRecord
from keras_tiny.training.optimizer import build_optimizer
from keras_tiny.training.pipeline import PreparedData
from keras_tiny.training.precision import computes_in_float16, scaled
from keras_tiny.training.schedules import learning_rate
from keras_tiny.training.seeds import LayerRandomness
from keras_tiny.training.state import PhaseState, Store
from keras_tiny.training.step import Step
from keras_tiny.training.stolen import stolen_seconds
from keras_tiny.training.strategy import Workers
from keras_tiny.training.warm_start import frozen

OnEpoch = Callable[[EpochRecord], None]
OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class PhaseResult:
    """How a phase ended."""

    records: tuple[EpochRecord, ...]
    best_epoch: int
    best_val_metric: float


def train_phase(
    model: Any,
    task: Task,
    data: PreparedData,
    recipe: Recipe,
    phase: PhasePart,
    *,
    name: str,
    store: Store | None = None,
    frozen_layers: frozenset[str] = frozenset(),
    frozen_epochs: int = 0,
    workers: Workers | None = None,
    on_epoch: OnEpoch = lambda record: None,
    on_step: OnStep = lambda done, total: None,
) -> PhaseResult:
    """Train the model in place for one phase and leave the weights in it that `phase.keep` names.

    Args:
        name: "float" or "qat"; part of every random stream, so that the phases differ.
        store: where the state after each epoch goes, and where an interrupted phase resumes from.
        frozen_layers: names of layers that learn nothing during the first `frozen_epochs`.
        workers: who shares each batch; the model was built in their scope. None is this process alone.

    Raises:
        TrainingFailed: the loss is no longer finite; the model holds the best weights so far.
    """
    workers = workers or Workers()
    workers.check(recipe)
    pictures = len(data.train)
    steps_per_epoch = _steps_per_epoch(phase, recipe, pictures=pictures)
    fit_momentum(model, steps=_steps_to_average(phase, recipe, name=name, pictures=pictures))
    # Under a strategy each replica draws its own dropout, from generators that Keras keeps.
    randomness = LayerRandomness(model, seed=recipe.seed) if workers.alone else None
    with workers.scope():
        optimizer = build_optimizer(recipe.optimizer, variables=model.trainable_variables)
        if computes_in_float16(model):
            optimizer = scaled(optimizer)
    judge = compile_judge(model, task, recipe)
    steps: dict[bool, Step] = {}
    state = PhaseState(model, optimizer, name=name)
    if store is not None:
        store.restore(state)

    while state.epoch < phase.epochs and not state.out_of_patience(phase.early_stopping):
        epoch = state.epoch
        if randomness is not None:
            randomness.start_epoch(name, epoch)
        batches = task.batches(data.train, recipe=recipe, phase=name, epoch=epoch).take(steps_per_epoch)
        held = frozen_layers if epoch < frozen_epochs else frozenset()
        started, stolen_before = time.perf_counter(), stolen_seconds()
        means = Means()
        rate = phase.learning_rate
        with frozen(model, held):
            if bool(held) not in steps:
                with workers.scope():
                    steps[bool(held)] = workers.compile_step(
                        model, optimizer, task, recipe, signature=batches.element_spec
                    )
            for index, (inputs, targets) in enumerate(workers.spread(batches)):
                rate = learning_rate(
                    phase, step=epoch * steps_per_epoch + index, steps_per_epoch=steps_per_epoch
                )
                optimizer.learning_rate.assign(rate)
                scalars = {key: float(value) for key, value in steps[bool(held)](inputs, targets).items()}
                if not math.isfinite(scalars["loss"]):
                    _stop(state, name=name, epoch=epoch, step=index, loss=scalars["loss"], rate=rate)
                means.add(scalars, count=workers.count(inputs))
                on_step(index + 1, steps_per_epoch)
        seconds, stolen = time.perf_counter() - started, stolen_seconds() - stolen_before
        trained = means.result()
        answers, val = judge(data.val)
        if not math.isfinite(val["loss"]):
            _stop(state, name=name, epoch=epoch, step=steps_per_epoch - 1, loss=val["loss"], rate=rate)
        val |= task.metrics(answers, data.val)
        record = EpochRecord(
            phase=name,
            epoch=epoch,
            loss=trained["loss"],
            metric=task.metric,
            train_metric=trained.get(task.metric),
            val_metric=val[task.metric],
            val_loss=val["loss"],
            learning_rate=rate,
            seconds=round(seconds, 3),
            images_per_s=round(means.count / seconds, 1),
            train=trained,
            val=val,
            stolen_s=round(stolen, 3),
        )
        state.end_epoch(record)
        if store is not None:
            store.save(state)
        on_epoch(record)
    if phase.keep == "best":
        state.use_best()
    return PhaseResult(tuple(state.records), state.best_epoch, state.best_metric)


def _steps_per_epoch(phase: PhasePart, recipe: Recipe, *, pictures: int) -> int:
    every = math.ceil(pictures / recipe.batch_size)
    return min(every, phase.steps_per_epoch or every)


def _steps_to_average(phase: PhasePart, recipe: Recipe, *, name: str, pictures: int) -> int:
    """How long a run BatchNorm's moving averages have to arrive in.

    QAT's start where the float phase has left them: fitted to its few steps alone they would follow single batches.
    """
    phases = [phase] if name == "float" else [phase, recipe.float_phase]
    return max(max(1, each.epochs) * _steps_per_epoch(each, recipe, pictures=pictures) for each in phases)


def _stop(state: PhaseState, *, name: str, epoch: int, step: int, loss: float, rate: float) -> None:
    state.use_best()
    kept = (
        f"the weights of epoch {state.best_epoch + 1} are kept" if state.records else "no epoch was finished"
    )
    raise TrainingFailed(
        f"The loss became {loss} in the {name} phase, epoch {epoch + 1}, step {step + 1}, at a learning rate of "
        f"{rate:.2g}; training stopped, {kept}.",
        hint="Lower the learning rate (--set float_phase.learning_rate=…) and look for broken pictures or labels.",
    )
