"""Cross-entropy over class logits."""

from __future__ import annotations

from keras_tiny.keras_api import tf


def cross_entropy(targets: tf.Tensor, logits: tf.Tensor, *, label_smoothing: float = 0.0) -> tf.Tensor:
    """Softmax cross-entropy per sample, natural logarithm.

    Args:
        targets: float32 (batch, classes), a probability per class.
        logits: (batch, classes); computed in float32 whatever comes in.
        label_smoothing: share of the probability that is spread evenly over all classes (arXiv:1512.00567).

    Returns:
        float32 (batch,).
    """
    classes = float(logits.shape[-1])
    smoothed = targets * (1.0 - label_smoothing) + label_smoothing / classes
    return tf.nn.softmax_cross_entropy_with_logits(labels=smoothed, logits=tf.cast(logits, tf.float32))
