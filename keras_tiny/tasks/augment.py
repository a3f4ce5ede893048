"""Random changes of a batch of training pictures, as compiled functions of (pictures, seed).

`augment_batch` is the whole of it for pictures alone. A task whose truth lies in the picture draws the same
`transforms` once, then applies `warp` to pictures and masks, or the matrix itself to boxes.
"""

from __future__ import annotations

import math
from typing import Literal

from keras_tiny.keras_api import tf
from keras_tiny.recipe import AugmentPart


def augment_batch(images: tf.Tensor, part: AugmentPart, *, seed: tf.Tensor) -> tf.Tensor:
    """uint8 (batch, height, width, channels) → float32 pixels 0..255, changed as `part` says.

    The same seed (int32, shape (2,)) and pictures give the same result on any thread.
    """
    pixels = tf.cast(images, tf.float32)
    if part == AugmentPart():
        return pixels
    if moves(part):
        pixels = warp(pixels, transforms(pixels, part, seed=seed))
    return recolour(pixels, part, seed=seed)


def moves(part: AugmentPart) -> bool:
    """Whether `part` moves things in the picture, so that boxes and masks move too."""
    return bool(part.shift or part.zoom or part.rotate_degrees or part.flip)


def recolour(pixels: tf.Tensor, part: AugmentPart, *, seed: tf.Tensor) -> tf.Tensor:
    """float32 pixels 0..255 → the same with brightness, contrast and cutout of `part`; nothing moves."""
    if part.brightness:
        pixels += 255.0 * _per_picture(pixels, -part.brightness, part.brightness, seed=_fold(seed, 5))
    if part.contrast:
        factor = _per_picture(pixels, 1 - part.contrast, 1 + part.contrast, seed=_fold(seed, 6))
        mean = tf.reduce_mean(pixels, [1, 2, 3], keepdims=True)
        pixels = (pixels - mean) * factor + mean
    if part.cutout:
        pixels = _cut_out(pixels, part.cutout, seed=_fold(seed, 7))
    return tf.clip_by_value(pixels, 0.0, 255.0)


def transforms(pixels: tf.Tensor, part: AugmentPart, *, seed: tf.Tensor) -> tf.Tensor:
    """Shift, zoom, rotation and flip of each picture as one affine map, float32 (batch, 8).

    Row (a, b, c, d, e, f, 0, 0): the output pixel at index (x, y) reads the input at (a·x + b·y + c, d·x + e·y + f).
    Indices are of pixel centres: a box's corner at x lies at index x - 0.5.

    Args:
        pixels: (batch, height, width, …), for its shape.
    """
    batch = tf.shape(pixels)[0]
    height, width = pixels.shape[1], pixels.shape[2]

    def draw(stream: int, limit: float) -> tf.Tensor:
        return tf.random.stateless_uniform([batch], _fold(seed, stream), -limit, limit)

    angle = draw(0, math.radians(part.rotate_degrees))
    scale = 1.0 + draw(1, part.zoom)
    shift_x, shift_y = draw(2, part.shift) * width, draw(3, part.shift) * height
    flip = tf.random.stateless_uniform([batch], _fold(seed, 4)) < (0.5 if part.flip else 0.0)
    sign = tf.where(flip, -1.0, 1.0)
    # Rotated and scaled about the centre.
    a, b = sign * tf.cos(angle) * scale, -tf.sin(angle) * scale
    d, e = sign * tf.sin(angle) * scale, tf.cos(angle) * scale
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    c = centre_x + shift_x - a * centre_x - b * centre_y
    f = centre_y + shift_y - d * centre_x - e * centre_y
    zero = tf.zeros_like(a)
    return tf.stack([a, b, c, d, e, f, zero, zero], axis=1)


def warp(
    pixels: tf.Tensor,
    matrices: tf.Tensor,
    *,
    interpolation: Literal["BILINEAR", "NEAREST"] = "BILINEAR",
    beyond: Literal["REFLECT", "CONSTANT"] = "REFLECT",
    fill: float = 0.0,
) -> tf.Tensor:
    """One resampling of float32 (batch, height, width, channels) by `transforms`.

    Args:
        interpolation: NEAREST for masks.
        beyond: what lies outside the picture: its mirror image, or `fill`.
    """
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels,
        transforms=matrices,
        output_shape=[pixels.shape[1], pixels.shape[2]],
        fill_value=fill,
        interpolation=interpolation,
        fill_mode=beyond,
    )


def _fold(seed: tf.Tensor, stream: int) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(seed, stream)


def _per_picture(pixels: tf.Tensor, low: float, high: float, *, seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform([tf.shape(pixels)[0], 1, 1, 1], seed, low, high)


def _cut_out(pixels: tf.Tensor, share: float, *, seed: tf.Tensor) -> tf.Tensor:
    """A square of middle grey at a random place of each picture (Cutout, arXiv:1708.04552)."""
    batch = tf.shape(pixels)[0]
    height, width = pixels.shape[1], pixels.shape[2]
    centres = tf.random.stateless_uniform([batch, 2, 1], seed)
    rows = tf.abs(tf.range(height, dtype=tf.float32) - centres[:, 0] * height) < share * height / 2
    columns = tf.abs(tf.range(width, dtype=tf.float32) - centres[:, 1] * width) < share * width / 2
    hidden = tf.logical_and(rows[:, :, None], columns[:, None, :])[..., None]
    return tf.where(hidden, 128.0, pixels)
