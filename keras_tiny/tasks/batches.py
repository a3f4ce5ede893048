"""One epoch of batches with tf.data: a seeded order over arrays in memory, and the task's own change of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_tiny.keras_api import tf
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.recipe import Recipe
from keras_tiny.seeds import derive, generator
from keras_tiny.tasks.task import Prepared

# (step, images uint8 (batch, height, width, channels), truths, seed int32 (2,)) → (inputs, targets); traced once.
Change = Callable[[tf.Tensor, tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor], tuple[tf.Tensor, Any]]


def seeded_batches(
    prepared: Prepared, change: Change, *, recipe: Recipe, phase: str, epoch: int
) -> tf.data.Dataset:
    """Every picture once, in an order drawn from (recipe.seed, phase, epoch).

    Args:
        change: what the task makes of a batch; `step` is int64 and counts from 0, `seed` differs from step to step.

    Returns:
        what `change` returns, batch by batch. The last batch may be smaller, unless it would hold a single
        picture: BatchNorm's statistics of one picture would poison the moving averages, so that picture waits for
        the next epoch.
    """
    order = batch_order(len(prepared), recipe=recipe, phase=phase, epoch=epoch)
    arrays = (prepared.images, *prepared.truths)
    base_seed = derive(recipe.seed, "augment", phase, epoch)

    def gather(indices: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(array[indices] for array in arrays)

    def read(step: tf.Tensor, indices: tf.Tensor) -> tuple[tf.Tensor, Any]:
        picked = tf.numpy_function(gather, [indices], [array.dtype for array in arrays], stateful=False)
        for tensor, array in zip(picked, arrays, strict=True):
            tensor.set_shape([None, *array.shape[1:]])
        seed = tf.stack([base_seed, tf.cast(step, tf.int32)])
        return change(step, picked[0], tuple(picked[1:]), seed)

    dataset = tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch_size).enumerate()
    return dataset.map(read, num_parallel_calls=2, deterministic=True).prefetch(4)


def batch_order(count: int, *, recipe: Recipe, phase: str, epoch: int) -> np.ndarray:
    """The pictures of an epoch in their order, int32 indices; see `seeded_batches`."""
    order = generator(recipe.seed, "order", phase, epoch).permutation(count).astype(np.int32)
    if len(order) > recipe.batch_size and len(order) % recipe.batch_size == 1:
        order = order[:-1]
    return order


def normalise_tensor(images: tf.Tensor, spec: PreprocessingSpec) -> tf.Tensor:
    """uint8 or float pixels → the model's input, as `preprocessing.image.prepare` computes it."""
    return (tf.cast(images, tf.float32) - np.array(spec.mean, np.float32)) / np.array(spec.std, np.float32)
