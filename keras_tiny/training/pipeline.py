"""Batches for a compiled training step: tf.data over decoded pictures in memory, augmented, in a seeded order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_tiny.data.arrays import prepare_split
from keras_tiny.data.sample import Dataset, Split
from keras_tiny.keras_api import tf
from keras_tiny.preprocessing.image import normalise
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.recipe import AugmentPart, Recipe
from keras_tiny.training.augment import augment_batch
from keras_tiny.training.seeds import derive, generator


@dataclass(frozen=True)
class Pictures:
    """One split in memory: uint8 (n, height, width, channels) as resized for the model, and class indices (n,)."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class PreparedData:
    """A classification data set as a training run holds it."""

    train: Pictures
    val: Pictures
    test: Pictures
    spec: PreprocessingSpec
    labels: tuple[str, ...]


def prepare(data: Dataset) -> PreparedData:
    """Decode and resize every picture once."""

    def pictures(split: Split) -> Pictures:
        images, labels = prepare_split(split, data.preprocessing)
        return Pictures(images, labels)

    splits = {name: pictures(getattr(data, name)) for name in ("train", "val", "test")}
    return PreparedData(**splits, spec=data.preprocessing, labels=data.labels)


def calibration_images(prepared: PreparedData, recipe: Recipe) -> np.ndarray:
    """A seeded choice of training pictures, float32 as the model takes them, that sets the activation ranges."""
    count = min(recipe.quantize.calibration_samples, len(prepared.train))
    chosen = generator(recipe.seed, "calibration").choice(len(prepared.train), count, replace=False)
    return normalise(prepared.train.images[np.sort(chosen)], prepared.spec)


def normalise_tensor(images: tf.Tensor, spec: PreprocessingSpec) -> tf.Tensor:
    """uint8 or float pixels → the model's input, as `preprocessing.image.prepare` computes it."""
    return (tf.cast(images, tf.float32) - np.array(spec.mean, np.float32)) / np.array(spec.std, np.float32)


def training_batches(
    pictures: Pictures,
    spec: PreprocessingSpec,
    *,
    batch_size: int,
    seed: int,
    phase: str,
    epoch: int,
    augment: AugmentPart,
    weights: np.ndarray | None = None,
    mixup: float = 0.0,
    num_classes: int,
) -> tf.data.Dataset:
    """One epoch of (inputs, targets, weights): every picture once, in an order drawn from (seed, phase, epoch).

    Args:
        weights: weight per class, or None for ones.
        mixup: alpha of the Beta distribution that mixes pairs of pictures; 0 is off.

    Returns:
        batches of float32 (batch, height, width, channels), one-hot or mixed float32 (batch, classes) and
        float32 (batch,). The last batch may be smaller, unless it would hold a single picture: BatchNorm's
        statistics of one picture would poison the moving averages, so that picture waits for the next epoch.
    """
    order = generator(seed, "order", phase, epoch).permutation(len(pictures)).astype(np.int32)
    if len(order) > batch_size and len(order) % batch_size == 1:
        order = order[:-1]
    class_weights = np.ones(num_classes, np.float32) if weights is None else weights.astype(np.float32)
    images, labels = pictures.images, pictures.labels.astype(np.int32)
    batches = -(-len(order) // batch_size)
    rng = generator(seed, "mixup", phase, epoch)
    shares = rng.beta(mixup, mixup, batches).astype(np.float32) if mixup > 0 else np.ones(batches, np.float32)
    base_seed = derive(seed, "augment", phase, epoch)

    def gather(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return images[indices], labels[indices]

    def read(step: tf.Tensor, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        picked, classes = tf.numpy_function(gather, [indices], (tf.uint8, tf.int32), stateful=False)
        picked.set_shape([None, spec.height, spec.width, spec.channels])
        classes.set_shape([None])
        changed = augment_batch(picked, augment, seed=tf.stack([base_seed, tf.cast(step, tf.int32)]))
        inputs = normalise_tensor(changed, spec)
        targets = tf.one_hot(classes, num_classes)
        sample_weights = tf.gather(class_weights, classes)
        if mixup > 0:
            share = tf.gather(shares, step)
            inputs = share * inputs + (1 - share) * tf.reverse(inputs, [0])
            targets = share * targets + (1 - share) * tf.reverse(targets, [0])
            sample_weights = share * sample_weights + (1 - share) * tf.reverse(sample_weights, [0])
        return inputs, targets, sample_weights

    dataset = tf.data.Dataset.from_tensor_slices(order).batch(batch_size).enumerate()
    return dataset.map(read, num_parallel_calls=2, deterministic=True).prefetch(4)


def evaluation_batches(
    images: np.ndarray, spec: PreprocessingSpec, *, batch_size: int = 64
) -> tf.data.Dataset:
    """The pictures in their own order as float32 batches, nothing changed but normalisation."""
    dataset = tf.data.Dataset.range(0, len(images), batch_size)

    def read(start: tf.Tensor) -> tf.Tensor:
        picked = tf.numpy_function(lambda at: images[at : at + batch_size], [start], tf.uint8, stateful=False)
        picked.set_shape([None, spec.height, spec.width, spec.channels])
        return normalise_tensor(picked, spec)

    return dataset.map(read, num_parallel_calls=2, deterministic=True).prefetch(2)
