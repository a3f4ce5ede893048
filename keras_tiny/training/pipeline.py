"""The splits of a training run in memory, and the batches that judge a model: nothing drawn, nothing changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_tiny.data.sample import Dataset
from keras_tiny.keras_api import tf
from keras_tiny.preprocessing.image import normalise
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.recipe import Recipe
from keras_tiny.seeds import generator
from keras_tiny.tasks.batches import normalise_tensor
from keras_tiny.tasks.task import Prepared, Task


@dataclass(frozen=True)
class PreparedData:
    """A data set as a training run holds it."""

    train: Prepared
    val: Prepared
    test: Prepared


def prepare(task: Task, data: Dataset) -> PreparedData:
    """Decode and resize every picture once, with its truth."""
    return PreparedData(*(task.prepare(split) for split in (data.train, data.val, data.test)))


def calibration_images(prepared: PreparedData, recipe: Recipe, spec: PreprocessingSpec) -> np.ndarray:
    """A seeded choice of training pictures, float32 as the model takes them, that sets the activation ranges."""
    count = min(recipe.quantize.calibration_samples, len(prepared.train))
    chosen = generator(recipe.seed, "calibration").choice(len(prepared.train), count, replace=False)
    return normalise(prepared.train.images[np.sort(chosen)], spec)


def evaluation_batches(
    prepared: Prepared, spec: PreprocessingSpec, *, batch_size: int = 64
) -> tf.data.Dataset:
    """(inputs float32, truths) in the split's own order, nothing changed but normalisation."""
    arrays = (prepared.images, *prepared.truths)

    def slices(start: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(array[start : start + batch_size] for array in arrays)

    def read(start: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        picked = tf.numpy_function(slices, [start], [array.dtype for array in arrays], stateful=False)
        for tensor, array in zip(picked, arrays, strict=True):
            tensor.set_shape([None, *array.shape[1:]])
        return normalise_tensor(picked[0], spec), tuple(picked[1:])

    dataset = tf.data.Dataset.range(0, len(prepared), batch_size)
    return dataset.map(read, num_parallel_calls=2, deterministic=True).prefetch(2)
