"""The training loop: compiled steps, one record and one checkpoint per epoch, the best weights at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_tiny.errors import TrainingFailed
from keras_tiny.keras_api import tf
from keras_tiny.recipe import PhasePart, Recipe
from keras_tiny.tasks import classification
from keras_tiny.training.batch_norm import fit_momentum
from keras_tiny.training.log import EpochRecord
from keras_tiny.training.optimizer import build_optimizer
from keras_tiny.training.pipeline import Pictures, PreparedData, evaluation_batches, training_batches
from keras_tiny.training.schedules import learning_rate
from keras_tiny.training.seeds import LayerRandomness
from keras_tiny.training.state import PhaseState, Store

OnEpoch = Callable[[EpochRecord], None]
OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class PhaseResult:
    """How a phase ended; the model holds the best weights."""

    records: tuple[EpochRecord, ...]
    best_epoch: int
    best_val_metric: float


def train_phase(
    model: Any,
    data: PreparedData,
    recipe: Recipe,
    phase: PhasePart,
    *,
    name: str,
    store: Store | None = None,
    on_epoch: OnEpoch = lambda record: None,
    on_step: OnStep = lambda done, total: None,
) -> PhaseResult:
    """Train the model in place for one phase and leave the weights of the best validation epoch in it.

    Args:
        name: "float" or "qat"; part of every random stream, so that the phases differ.
        store: where the state after each epoch goes, and where an interrupted phase resumes from.

    Raises:
        TrainingFailed: the loss is no longer finite; the model holds the best weights so far.
    """
    steps_per_epoch = math.ceil(len(data.train) / recipe.batch_size)
    fit_momentum(model, steps=max(1, phase.epochs) * steps_per_epoch)
    randomness = LayerRandomness(model, seed=recipe.seed)
    optimizer = build_optimizer(recipe.optimizer, variables=model.trainable_variables)
    step = compile_step(model, optimizer, label_smoothing=recipe.label_smoothing)
    predict = compile_predict(model)
    weights = class_weights(data.train, len(data.labels)) if recipe.class_weights == "balanced" else None
    state = PhaseState(model, optimizer, name=name)
    if store is not None:
        store.restore(state)

    while state.epoch < phase.epochs and not state.out_of_patience(phase.early_stopping):
        epoch = state.epoch
        randomness.start_epoch(name, epoch)
        batches = training_batches(
            data.train,
            data.spec,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            phase=name,
            epoch=epoch,
            augment=recipe.augment,
            weights=weights,
            mixup=recipe.mixup,
            num_classes=len(data.labels),
        )
        started = time.perf_counter()
        losses: list[float] = []
        right = seen = 0
        rate = phase.learning_rate
        for index, (inputs, targets, sample_weights) in enumerate(batches):
            rate = learning_rate(phase, step=epoch * steps_per_epoch + index, steps_per_epoch=steps_per_epoch)
            optimizer.learning_rate.assign(rate)
            loss, correct = step(inputs, targets, sample_weights)
            losses.append(float(loss))
            if not math.isfinite(losses[-1]):
                _stop(state, name=name, epoch=epoch, step=index, loss=losses[-1], rate=rate)
            right, seen = right + int(correct), seen + int(inputs.shape[0])
            on_step(index + 1, steps_per_epoch)
        seconds = time.perf_counter() - started
        outputs, val_loss = evaluate(predict, data.val, data, model=model)
        if not math.isfinite(val_loss):
            _stop(state, name=name, epoch=epoch, step=steps_per_epoch - 1, loss=val_loss, rate=rate)
        record = EpochRecord(
            phase=name,
            epoch=epoch,
            loss=float(np.mean(losses)),
            metric=classification.METRIC,
            train_metric=right / seen,
            val_metric=classification.metric(outputs, data.val.labels),
            val_loss=val_loss,
            learning_rate=rate,
            seconds=round(seconds, 3),
            images_per_s=round(seen / seconds, 1),
        )
        state.end_epoch(record)
        if store is not None:
            store.save(state)
        on_epoch(record)
    state.use_best()
    return PhaseResult(tuple(state.records), state.best_epoch, state.best_metric)


def compile_step(model: Any, optimizer: Any, *, label_smoothing: float) -> Callable[..., Any]:
    """(inputs, targets, weights) → (loss, how many were right), with the weights updated; one compiled graph."""
    probabilities = classification.ends_in_softmax(model)
    variables = model.trainable_variables

    pictures = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)
    targets = tf.TensorSpec([None, model.output_shape[-1]], tf.float32)

    @tf.function(input_signature=[pictures, targets, tf.TensorSpec([None], tf.float32)])
    def step(inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            per_sample = classification.loss(
                targets, outputs, label_smoothing=label_smoothing, probabilities=probabilities
            )
            loss = tf.reduce_mean(per_sample * weights)
            if model.losses:
                loss += tf.add_n(model.losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        right = tf.reduce_sum(tf.cast(tf.argmax(outputs, -1) == tf.argmax(targets, -1), tf.int32))
        return loss, right

    return step


def compile_predict(model: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    """inputs → outputs in inference mode; one compiled graph."""
    signature = [tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)]
    return tf.function(lambda inputs: model(inputs, training=False), input_signature=signature)


def predict_all(
    predict: Callable[[tf.Tensor], tf.Tensor], images: np.ndarray, data: PreparedData
) -> np.ndarray:
    """The outputs for every picture, float32 (n, classes)."""
    return np.concatenate([predict(batch).numpy() for batch in evaluation_batches(images, data.spec)])


def evaluate(
    predict: Callable[[tf.Tensor], tf.Tensor], pictures: Pictures, data: PreparedData, *, model: Any
) -> tuple[np.ndarray, float]:
    """Outputs and mean loss, without label smoothing, over a split."""
    outputs = predict_all(predict, pictures.images, data)
    targets = tf.one_hot(pictures.labels, len(data.labels))
    per_sample = classification.loss(
        targets, outputs, label_smoothing=0.0, probabilities=classification.ends_in_softmax(model)
    )
    return outputs, float(tf.reduce_mean(per_sample))


def class_weights(pictures: Pictures, num_classes: int) -> np.ndarray:
    """Weight of each class inverse to its frequency, with mean 1 over the samples."""
    counts = np.bincount(pictures.labels, minlength=num_classes)
    return len(pictures) / (num_classes * np.maximum(counts, 1))


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
