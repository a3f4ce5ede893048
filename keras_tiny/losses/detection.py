"""The multibox loss of SSD (Liu et al., arXiv:1512.02325, section 2.2), defined on every batch.

Where no picture of a batch has an object, the usual formula is 0/0: here the divisor is at least 1, and every picture
teaches at least a few background anchors.
"""

from __future__ import annotations

from keras_tiny.boxes.matching import BACKGROUND
from keras_tiny.keras_api import tf
from keras_tiny.losses.boxes import mine


def multibox_loss(
    labels: tf.Tensor,
    offsets: tf.Tensor,
    class_logits: tf.Tensor,
    box_outputs: tf.Tensor,
    *,
    negatives_per_positive: float = 3.0,
    min_negatives: int = 3,
) -> tuple[tf.Tensor, tf.Tensor]:
    """How wrong the classes and the boxes of a batch are.

    Args:
        labels: int32 (batch, count), 0 for background, 1 + class for an anchor that answers for an object.
        offsets: float32 (batch, count, 4), what the box outputs of those anchors should say.
        class_logits: (batch, count, 1 + classes).
        box_outputs: (batch, count, 4).
        negatives_per_positive, min_negatives: see `boxes.matching.mine`.

    Returns:
        class loss and box loss, scalars: cross-entropy over the object anchors and the hardest background, and
        smooth L1 over the object anchors, each summed and divided by the batch's number of object anchors.
    """
    class_logits = tf.cast(class_logits, tf.float32)
    objects = tf.cast(labels != BACKGROUND, tf.float32)
    found = tf.maximum(tf.reduce_sum(objects), 1.0)
    background_loss = -tf.nn.log_softmax(class_logits)[..., BACKGROUND]
    kept = mine(
        tf.stop_gradient(background_loss), labels, ratio=negatives_per_positive, minimum=min_negatives
    )
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=class_logits)
    class_loss = tf.reduce_sum(tf.where(kept, entropy, 0.0)) / found
    off = tf.abs(tf.cast(box_outputs, tf.float32) - offsets)
    smooth = tf.where(off < 1.0, 0.5 * off * off, off - 0.5)
    box_loss = tf.reduce_sum(smooth * objects[..., None]) / found
    return class_loss, box_loss
