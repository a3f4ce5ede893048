"""One training step as a compiled graph: forward, the task's objective, backward, update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_tiny.keras_api import keras, tf
from keras_tiny.recipe import Recipe
from keras_tiny.tasks.task import Task
from keras_tiny.training.judge import as_tuple

Step = Callable[[Any, Any], dict[str, Any]]


def make_step(model: Any, optimizer: Any, task: Task, recipe: Recipe, *, replicas: int = 1) -> Step:
    """(inputs, targets) → the scalars of the task's objective, with the weights updated.

    Trains what is trainable now, so `keras_tiny.training.warm_start.frozen` around it and its first call holds.

    Args:
        replicas: how many copies of this step run at once, each on an equal part of the batch; gradients are summed
            over them.
    """
    objective = task.objective(recipe, training=True)
    variables = model.trainable_variables
    scales = isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)

    def step(inputs: tf.Tensor, targets: Any) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            scalars = objective(targets, as_tuple(model(inputs, training=True)))
            loss = scalars["loss"]
            if model.losses:
                loss += tf.add_n([tf.cast(extra, tf.float32) for extra in model.losses])
            share = loss if replicas == 1 else loss / replicas
            descended = optimizer.get_scaled_loss(share) if scales else share
        gradients = tape.gradient(descended, variables)
        if scales:
            gradients = optimizer.get_unscaled_gradients(gradients)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return {**scalars, "loss": loss}

    return step


def compile_step(
    model: Any, optimizer: Any, task: Task, recipe: Recipe, *, signature: Any, jit_compile: bool = False
) -> Step:
    """`make_step` as one graph for batches of any size.

    Args:
        signature: element spec of the batches.
        jit_compile: through XLA, which compiles anew for every size of batch.
    """
    step = make_step(model, optimizer, task, recipe)
    compiled: Step = tf.function(step, input_signature=signature, jit_compile=jit_compile)
    return compiled
