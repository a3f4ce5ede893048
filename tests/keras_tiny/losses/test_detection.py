"""The multibox loss: its value on paper, and a finite one on every batch."""

from __future__ import annotations

import numpy as np

from keras_tiny.keras_api import tf
from keras_tiny.losses.detection import multibox_loss


def test_the_value_is_the_one_on_paper():
    """One object among six anchors: its own entropy and that of the three hardest, and two box errors."""
    labels = np.array([[1, 0, 0, 0, 0, 0]], np.int32)
    logits = np.zeros((1, 6, 2), np.float32)
    logits[0, 1:, 1] = [0.0, 1.0, 2.0, -3.0, 3.0]
    offsets, outputs = np.zeros((1, 6, 4), np.float32), np.zeros((1, 6, 4), np.float32)
    outputs[0, 0] = [0.5, -2.0, 0.0, 0.0]
    outputs[0, 1] = 100.0  # background has no box
    class_loss, box_loss = multibox_loss(labels, offsets, logits, outputs)
    expected = np.log(2) + np.log1p(np.exp(3)) + np.log1p(np.exp(2)) + np.log1p(np.exp(1))
    np.testing.assert_allclose(class_loss, expected, rtol=1e-6)
    np.testing.assert_allclose(box_loss, 0.5 * 0.25 + 1.5, rtol=1e-6)


def test_a_batch_without_objects_has_a_finite_loss_and_teaches_background():
    logits = tf.Variable(np.random.default_rng(0).normal(size=(2, 20, 3)).astype(np.float32))
    zeros = np.zeros((2, 20, 4), np.float32)
    with tf.GradientTape() as tape:
        class_loss, box_loss = multibox_loss(np.zeros((2, 20), np.int32), zeros, logits, zeros)
    gradient = tape.gradient(class_loss, logits).numpy()
    assert np.isfinite(float(class_loss))
    assert float(box_loss) == 0.0
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).sum(axis=-1) > 0).sum(axis=1).tolist() == [3, 3]


def test_twice_the_batch_is_the_same_loss():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, (1, 30)).astype(np.int32)
    logits, outputs = rng.normal(size=(1, 30, 3)), rng.normal(size=(1, 30, 4))
    once = multibox_loss(labels, np.zeros((1, 30, 4), np.float32), logits, outputs.astype(np.float32))
    double = multibox_loss(
        np.repeat(labels, 2, 0),
        np.zeros((2, 30, 4), np.float32),
        np.repeat(logits, 2, 0),
        np.repeat(outputs, 2, 0).astype(np.float32),
    )
    np.testing.assert_allclose(once, double, rtol=1e-5)
