"""Losses over masks: (truth, logits) → one number; void pixels take no part in any of them.

All are computed in float32. `truth` is an integer tensor (batch, height, width) with 255 for void; `logits` is
(batch, height, width, channels), one channel for two classes told apart by one sigmoid, else one channel per class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from keras_tiny.data.sample import VOID
from keras_tiny.keras_api import tf
from keras_tiny.recipe import MaskLossName

# Added to both sides of an overlap's fraction: a class that is nowhere costs nothing.
_SMOOTH = 1.0

MaskLoss = Callable[..., tf.Tensor]


def cross_entropy(
    truth: tf.Tensor, logits: tf.Tensor, *, class_weights: tf.Tensor | None = None
) -> tf.Tensor:
    """Softmax cross-entropy, or binary cross-entropy of a single channel: the mean over the pixels that are judged.

    Args:
        class_weights: float32 (classes,); the mean is then the weighted one, so that its size does not depend on
            which classes a batch has.
    """
    per_pixel = _pixel_cross_entropy(truth, logits)
    return _weighted_mean(per_pixel, _pixel_weights(truth, class_weights))


def focal(
    truth: tf.Tensor, logits: tf.Tensor, *, class_weights: tf.Tensor | None = None, gamma: float = 2.0
) -> tf.Tensor:
    """Cross-entropy times (1 - p)^gamma, p being the probability of the true class (arXiv:1708.02002)."""
    per_pixel = _pixel_cross_entropy(truth, logits)
    return _weighted_mean(
        per_pixel * (1.0 - tf.exp(-per_pixel)) ** gamma, _pixel_weights(truth, class_weights)
    )


def dice(truth: tf.Tensor, logits: tf.Tensor, *, class_weights: tf.Tensor | None = None) -> tf.Tensor:
    """1 - soft Dice, 2 Σpt / (Σp + Σt) over the whole batch, mean over the classes (arXiv:1606.04797)."""
    product, total = _overlap(truth, logits)
    return _over_classes(1.0 - (2.0 * product + _SMOOTH) / (total + _SMOOTH), class_weights)


def jaccard(truth: tf.Tensor, logits: tf.Tensor, *, class_weights: tf.Tensor | None = None) -> tf.Tensor:
    """1 - soft intersection over union, Σpt / (Σp + Σt - Σpt) over the whole batch, mean over the classes."""
    product, total = _overlap(truth, logits)
    return _over_classes(1.0 - (product + _SMOOTH) / (total - product + _SMOOTH), class_weights)


# Name in a recipe → loss.
MASK_LOSSES: dict[MaskLossName, MaskLoss] = {
    "cross_entropy": cross_entropy,
    "dice": dice,
    "jaccard": jaccard,
    "focal": focal,
}


def mask_loss(
    truth: tf.Tensor,
    logits: tf.Tensor,
    *,
    parts: Mapping[MaskLossName, float],
    class_weights: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """The weighted sum of several losses as "loss", and each of them, unweighted, as "<name>_loss".

    Args:
        parts: name in `MASK_LOSSES` → its weight in the sum.
        class_weights: float32 (classes,), used by every part.
    """
    found = {name: MASK_LOSSES[name](truth, logits, class_weights=class_weights) for name in parts}
    total = tf.add_n([parts[name] * value for name, value in found.items()])
    each = {f"{name}_loss": value for name, value in found.items()} if len(parts) > 1 else {}
    return {"loss": total, **each}


def _judged(truth: tf.Tensor) -> tf.Tensor:
    return tf.cast(truth != VOID, tf.float32)


def _classes(truth: tf.Tensor) -> tf.Tensor:
    """int32, void as class 0: an index must be one, and its weight is zero."""
    truth = tf.cast(truth, tf.int32)
    return tf.where(truth == VOID, 0, truth)


def _pixel_cross_entropy(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    logits = tf.cast(logits, tf.float32)
    classes = _classes(truth)
    if logits.shape[-1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(
            labels=tf.cast(classes, tf.float32), logits=logits[..., 0]
        )
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=logits)


def _pixel_weights(truth: tf.Tensor, class_weights: tf.Tensor | None) -> tf.Tensor:
    weights = _judged(truth)
    return weights if class_weights is None else weights * tf.gather(class_weights, _classes(truth))


def _weighted_mean(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    # A batch that is all void has nothing to say: 0, not 0/0.
    return tf.math.divide_no_nan(tf.reduce_sum(values * weights), tf.reduce_sum(weights))


def _overlap(truth: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Σ p·t and Σ p + Σ t per class, float32 (classes,); of a single channel, of its foreground alone."""
    logits = tf.cast(logits, tf.float32)
    judged, classes = _judged(truth)[..., None], _classes(truth)
    if logits.shape[-1] == 1:
        share, wanted = tf.sigmoid(logits), tf.cast(classes, tf.float32)[..., None]
    else:
        share, wanted = tf.nn.softmax(logits), tf.one_hot(classes, logits.shape[-1])
    share, wanted = share * judged, wanted * judged
    axes = [0, 1, 2]
    return tf.reduce_sum(share * wanted, axes), tf.reduce_sum(share + wanted, axes)


def _over_classes(values: tf.Tensor, class_weights: tf.Tensor | None) -> tf.Tensor:
    if class_weights is None or values.shape[0] == 1:
        return tf.reduce_mean(values)
    return tf.reduce_sum(values * class_weights) / tf.reduce_sum(class_weights)
