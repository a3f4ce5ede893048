"""Losses that pull a student towards its teacher: softened answers, and maps on the way to them."""

from __future__ import annotations

from keras_tiny.keras_api import tf


def soft_answers(
    teacher: tf.Tensor,
    student: tf.Tensor,
    *,
    temperature: float,
    class_weights: tf.Tensor | None = None,
) -> tf.Tensor:
    """T² · KL(teacher at T ‖ student at T), mean over batch and pixels (Hinton et al., arXiv:1503.02531).

    The factor keeps the gradient's size whatever the temperature. One channel is one sigmoid, its other side 1 - p.

    Args:
        teacher, student: logits (batch, …, channels) of one shape.
        temperature: T > 0; the higher, the more the teacher's second thoughts count.
        class_weights: float32 (classes,), as the loss of the truth has them; the mean is then weighted by what the
            teacher takes a pixel for (at T = 1), so that the rare classes are taught as loudly as they are told.
    """
    teacher, student = (_both_sides(tf.cast(logits, tf.float32)) for logits in (teacher, student))
    share, log_student = tf.nn.softmax(teacher / temperature), tf.nn.log_softmax(student / temperature)
    divergence = tf.reduce_sum(share * (tf.nn.log_softmax(teacher / temperature) - log_student), -1)
    if class_weights is None:
        return temperature**2 * tf.reduce_mean(divergence)
    weights = tf.reduce_sum(tf.nn.softmax(teacher) * class_weights, -1)
    return temperature**2 * tf.math.divide_no_nan(tf.reduce_sum(divergence * weights), tf.reduce_sum(weights))


def _both_sides(logits: tf.Tensor) -> tf.Tensor:
    """One channel is the second of two classes: softmax of (0, x) is (1 - sigmoid of x, sigmoid of x)."""
    return tf.concat([tf.zeros_like(logits), logits], -1) if logits.shape[-1] == 1 else logits


def squared_distance(teacher: tf.Tensor, student: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of two maps of one shape, in units of the teacher's own mean square (arXiv:1412.6550).

    Without the unit a wide ReLU map would drown every other loss.
    """
    teacher, student = (tf.cast(maps, tf.float32) for maps in (teacher, student))
    return tf.math.divide_no_nan(
        tf.reduce_mean(tf.square(teacher - student)), tf.reduce_mean(tf.square(teacher))
    )


def attention_distance(teacher: tf.Tensor, student: tf.Tensor) -> tf.Tensor:
    """Attention transfer: where the maps are strong, whatever their channels are (arXiv:1612.03928, equation 2).

    A map's attention is the mean of its squares over the channels, of length 1 over the pixels of a picture; the
    distance of the two is squared and averaged over the batch: 0 is equal, 2 is nothing in common.

    Args:
        teacher, student: (batch, height, width, channels); the channels may differ.
    """

    def attention(maps: tf.Tensor) -> tf.Tensor:
        strength = tf.reduce_mean(tf.square(tf.cast(maps, tf.float32)), -1)
        flat = tf.reshape(strength, [tf.shape(strength)[0], -1])
        return tf.math.l2_normalize(flat, axis=1, epsilon=1e-20)

    return tf.reduce_mean(tf.reduce_sum(tf.square(attention(teacher) - attention(student)), 1))
