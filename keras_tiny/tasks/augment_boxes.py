"""SSD's random changes of pictures with boxes (arXiv:1512.02325, section 3.6), drawn in NumPy, applied in one graph.

All that moves a picture (expansion, crop, mirroring) is one rectangle to read it from, so it is resampled once, and
the boxes go the same way by arithmetic. All that recolours it and is linear is one 3×3 matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_tiny.boxes.iou import iou
from keras_tiny.keras_api import tf
from keras_tiny.recipe import DetectionPart

# Smallest overlap of a crop with some object; None takes any crop. The whole picture is the first choice.
_LEAST_OVERLAPS: tuple[float | None, ...] = (0.1, 0.3, 0.5, 0.7, 0.9, None)
_TRIALS = 50
_WHOLE = np.array([0.0, 0.0, 1.0, 1.0], np.float32)


@dataclass(frozen=True)
class Drawn:
    """What happens to a batch.

    Attributes:
        windows: float32 (batch, 4), corners of what is shown, as shares of the picture; beyond 0 and 1 lies canvas.
        mirrored: bool (batch,), left-right, after the window.
        colours: float32 (batch, 3, 3), pixels times this.
        brightness: float32 (batch,), added to pixels 0..255.
        saturation: float32 (batch,), a factor. hue: float32 (batch,), a shift in turns.
    """

    windows: np.ndarray
    mirrored: np.ndarray
    colours: np.ndarray
    brightness: np.ndarray
    saturation: np.ndarray
    hue: np.ndarray


def draw(
    corners: np.ndarray, classes: np.ndarray, part: DetectionPart, *, rng: np.random.Generator
) -> tuple[Drawn, np.ndarray, np.ndarray]:
    """What happens to a batch, and where its objects are then.

    Args:
        corners: float32 (batch, n, 4), shares of the picture.
        classes: int (batch, n), -1 where there is no object.

    Returns:
        the changes, and corners and classes after them: an object whose centre is no longer shown is gone.
    """
    batch = len(corners)
    windows = np.stack([_window(c[k >= 0], part, rng) for c, k in zip(corners, classes, strict=True)])
    mirrored = (rng.random(batch) < 0.5) & part.flip
    moved, left = move_boxes(corners, classes, windows, mirrored)

    def half_of_the_time(low: float, high: float, otherwise: float) -> np.ndarray:
        chosen = (rng.random(batch) < 0.5) & part.photometric
        return np.where(chosen, rng.uniform(low, high, batch), otherwise).astype(np.float32)

    shuffled = (rng.random(batch) < 0.5) & part.photometric
    orders = np.stack([rng.permutation(3) if each else np.arange(3) for each in shuffled])
    colours = np.eye(3, dtype=np.float32)[orders] * half_of_the_time(0.5, 1.5, 1)[:, None, None]
    drawn = Drawn(
        windows,
        mirrored,
        colours,
        brightness=half_of_the_time(-32, 32, 0),
        saturation=half_of_the_time(0.5, 1.5, 1),
        hue=half_of_the_time(-18 / 360, 18 / 360, 0),
    )
    return drawn, moved, left


def move_boxes(
    corners: np.ndarray, classes: np.ndarray, windows: np.ndarray, mirrored: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where the objects of a batch are when each picture shows its window only; clipped to it."""
    low, sides = windows[:, None, :2], windows[:, None, 2:] - windows[:, None, :2]
    places = ((corners.reshape(*corners.shape[:2], 2, 2) - low[:, :, None]) / sides[:, :, None]).reshape(
        corners.shape
    )
    centres = (places[..., :2] + places[..., 2:]) / 2
    shown = ((centres > 0) & (centres < 1)).all(axis=-1) & (classes >= 0)
    places = np.clip(places, 0, 1)
    turned = np.stack([1 - places[..., 2], places[..., 1], 1 - places[..., 0], places[..., 3]], axis=-1)
    places = np.where(mirrored[:, None, None], turned, places)
    return np.where(shown[..., None], places, 0).astype(np.float32), np.where(shown, classes, -1)


def matrices(drawn: Drawn, *, height: int, width: int) -> np.ndarray:
    """The windows and mirrorings as rows for `augment.warp`, float32 (batch, 8)."""
    xmin, ymin, xmax, ymax = drawn.windows.T
    # Output pixel i, whose centre is at i + 1/2, reads the input at start + (i + 1/2)·step - 1/2.
    step_x, step_y = xmax - xmin, ymax - ymin
    start_x = np.where(drawn.mirrored, xmax, xmin) * width
    step_x = np.where(drawn.mirrored, -step_x, step_x)
    zero = np.zeros_like(step_x)
    rows = [
        step_x, zero, start_x + step_x / 2 - 0.5,
        zero, step_y, ymin * height + step_y / 2 - 0.5,
        zero, zero,
    ]  # fmt: skip
    return np.stack(rows, axis=1).astype(np.float32)


@tf.function(jit_compile=True)
def recolour(
    pixels: tf.Tensor, colours: tf.Tensor, brightness: tf.Tensor, saturation: tf.Tensor, hue: tf.Tensor
) -> tf.Tensor:
    """float32 pixels 0..255 (batch, height, width, channels) → the same; grey pictures have no hue to change."""
    if pixels.shape[-1] == 3:
        pixels = tf.einsum("bhwc,bdc->bhwd", pixels, colours)
    else:
        pixels = pixels * tf.reduce_sum(colours, axis=[1, 2])[:, None, None, None] / 3
    pixels = tf.clip_by_value(pixels + brightness[:, None, None, None], 0.0, 255.0)
    if pixels.shape[-1] == 1:
        return pixels
    h, s, v = tf.unstack(tf.image.rgb_to_hsv(pixels / 255.0), axis=-1)
    h = tf.math.floormod(h + hue[:, None, None], 1.0)
    s = tf.clip_by_value(s * saturation[:, None, None], 0.0, 1.0)
    return tf.image.hsv_to_rgb(tf.stack([h, s, v], axis=-1)) * 255.0


def _window(corners: np.ndarray, part: DetectionPart, rng: np.random.Generator) -> np.ndarray:
    """What one picture shows: float32 (4,), corners as shares of it."""
    window = _WHOLE
    if part.expand > 1 and rng.random() < 0.5:
        ratio = rng.uniform(1, part.expand)
        left, top = rng.uniform(0, ratio - 1, 2)
        window = np.array([-left, -top, ratio - left, ratio - top], np.float32)
    choice = rng.integers(len(_LEAST_OVERLAPS) + 1)
    if not part.crop or choice == len(_LEAST_OVERLAPS):
        return window
    crop = _crop(_within(corners, window), _LEAST_OVERLAPS[choice], rng)
    low, sides = window[:2], window[2:] - window[:2]
    return np.concatenate([low + crop[:2] * sides, low + crop[2:] * sides]).astype(np.float32)


def _crop(corners: np.ndarray, least: float | None, rng: np.random.Generator) -> np.ndarray:
    """The first of fifty random parts that is no sliver and overlaps some object enough; the whole if none does."""
    sides = rng.uniform(0.3, 1, (_TRIALS, 2))
    low = rng.uniform(0, 1, (_TRIALS, 2)) * (1 - sides)
    crops = np.concatenate([low, low + sides], axis=1).astype(np.float32)
    ratios = sides[:, 0] / sides[:, 1]
    good = (ratios >= 0.5) & (ratios <= 2)
    if len(corners):
        centres = (corners[:, :2] + corners[:, 2:]) / 2
        inside = (centres[None] > crops[:, None, :2]) & (centres[None] < crops[:, None, 2:])
        good &= inside.all(axis=-1).any(axis=-1)
        if least is not None:
            good &= iou(crops, corners).max(axis=1) >= least
    return crops[good.argmax()] if good.any() else _WHOLE


def _within(corners: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Corners as shares of the window."""
    low, sides = window[:2], window[2:] - window[:2]
    return ((corners.reshape(-1, 2, 2) - low) / sides).reshape(-1, 4).astype(np.float32)
