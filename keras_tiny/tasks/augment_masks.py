"""A recipe's `augment_steps` over a batch of pictures and masks, in the graph of `keras_tiny.tasks.batches`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_tiny.data.augment import change
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import tf
from keras_tiny.recipe import AugmentStep, Recipe


def change_batch(
    images: tf.Tensor, masks: tf.Tensor, steps: Sequence[AugmentStep], *, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """uint8 pictures (batch, height, width, channels) and masks (batch, height, width) → both, changed alike.

    Args:
        seed: int32 (2,), none negative; picture i of the batch draws from (seed, i), whatever thread it runs on.
    """

    def each(images: np.ndarray, masks: np.ndarray, seed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        changed = [
            change(
                image,
                mask,
                steps,
                rng=np.random.Generator(np.random.Philox(np.random.SeedSequence([*seed, i]))),
            )
            for i, (image, mask) in enumerate(zip(images, masks, strict=True))
        ]
        pictures, moved = zip(*changed, strict=True)
        return np.stack(pictures), np.stack(moved)

    pictures, moved = tf.numpy_function(each, [images, masks, seed], [tf.uint8, tf.uint8], stateful=False)
    return tf.ensure_shape(pictures, images.shape), tf.ensure_shape(moved, masks.shape)


def refuse_steps(recipe: Recipe, *, task: str) -> None:
    """Raise `BadInput` where the recipe's `augment_steps` would be left out silently."""
    if recipe.augment_steps:
        raise BadInput(
            f"augment_steps change pictures with masks; a task of {task} has none.", hint="Use augment."
        )
