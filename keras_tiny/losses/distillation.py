"""Losses that pull a student towards its teacher: softened answers, and maps on the way to them."""

from __future__ import annotations

from keras_tiny.keras_api import tf


def soft_answers(teacher: tf.Tensor, student: tf.Tensor, *, temperature: float) -> tf.Tensor:
    """T² · KL(teacher at T ‖ student at T), mean over batch and pixels (Hinton et al., arXiv:1503.02531).

    The factor keeps the gradient's size whatever the temperature. One channel is one sigmoid, its other side 1 - p.

    Args:
        teacher, student: logits (batch, …, channels) of one shape.
        temperature: T > 0; the higher, the more the teacher's second thoughts count.
    """
    teacher, student = (tf.cast(logits, tf.float32) / temperature for logits in (teacher, student))
    if teacher.shape[-1] == 1:
        share = tf.sigmoid(teacher)
        cross = tf.nn.sigmoid_cross_entropy_with_logits(labels=share, logits=student)
        own = tf.nn.sigmoid_cross_entropy_with_logits(labels=share, logits=teacher)
        return temperature**2 * tf.reduce_mean(cross - own)
    share = tf.nn.softmax(teacher)
    divergence = share * (tf.nn.log_softmax(teacher) - tf.nn.log_softmax(student))
    return temperature**2 * tf.reduce_mean(tf.reduce_sum(divergence, -1))


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
