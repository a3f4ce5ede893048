"""Losses of distillation give the numbers that NumPy gives."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.keras_api import tf
from keras_tiny.losses.distillation import attention_distance, soft_answers, squared_distance


def logits(channels: int) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.random.default_rng(0).normal(0, 3, (2, 2, 3, 4, channels)).astype(np.float32))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("channels", [1, 5])
def test_softened_answers_are_a_divergence_times_the_square_of_the_temperature(
    channels: int, temperature: float
):
    shares = []
    for scores in logits(channels):
        scaled = scores.astype(np.float64) / temperature
        if channels == 1:
            p = 1 / (1 + np.exp(-scaled[..., 0]))
            shares.append(np.stack([p, 1 - p], -1))
        else:
            shares.append(np.exp(scaled) / np.exp(scaled).sum(-1, keepdims=True))
    teacher, student = shares
    expected = temperature**2 * (teacher * np.log(teacher / student)).sum(-1).mean()
    found = soft_answers(*map(tf.constant, logits(channels)), temperature=temperature)
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("channels", [1, 5])
def test_class_weights_count_by_what_the_teacher_takes_a_pixel_for(channels: int):
    classes = max(2, channels)
    weights = np.random.default_rng(1).uniform(0.1, 9, classes).astype(np.float32)
    teacher, student = (
        np.concatenate([np.zeros_like(scores), scores], -1) if channels == 1 else scores
        for scores in (each.astype(np.float64) for each in logits(channels))
    )

    def shares(scores: np.ndarray) -> np.ndarray:
        return np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)

    divergence = (shares(teacher / 2) * np.log(shares(teacher / 2) / shares(student / 2))).sum(-1)
    expected = 4 * np.average(divergence, weights=shares(teacher) @ weights)
    sides = [tf.constant(scores) for scores in logits(channels)]
    found = soft_answers(*sides, temperature=2.0, class_weights=tf.constant(weights))
    assert float(found) == pytest.approx(expected, rel=1e-5)
    same = soft_answers(*sides, temperature=2.0, class_weights=tf.fill([classes], 3.0))
    assert float(same) == pytest.approx(float(soft_answers(*sides, temperature=2.0)), rel=1e-5)


@pytest.mark.parametrize("channels", [1, 5])
def test_a_student_that_answers_as_its_teacher_costs_nothing(channels: int):
    teacher = tf.constant(logits(channels)[0])
    assert float(soft_answers(teacher, teacher, temperature=2.0)) == pytest.approx(0, abs=1e-6)
    assert float(squared_distance(teacher, teacher)) == 0
    assert float(attention_distance(teacher, teacher)) == pytest.approx(0, abs=1e-6)


def test_the_squared_distance_is_in_units_of_the_teacher():
    teacher, student = logits(3)
    expected = ((teacher - student) ** 2).mean() / (teacher**2).mean()
    for factor in (1.0, 100.0):
        found = squared_distance(tf.constant(factor * teacher), tf.constant(factor * student))
        assert float(found) == pytest.approx(expected, rel=1e-5)


def test_attention_looks_at_no_single_channel_and_at_no_scale():
    teacher, student = logits(6)
    expected = []
    for t, s in zip(teacher, student[..., :4], strict=True):
        a, b = ((m**2).mean(-1).ravel() for m in (t, s))
        expected.append(((a / np.linalg.norm(a) - b / np.linalg.norm(b)) ** 2).sum())
    found = attention_distance(tf.constant(teacher), tf.constant(7 * student[..., :4]))
    assert float(found) == pytest.approx(np.mean(expected), rel=1e-5)
    shuffled = teacher[..., [3, 1, 5, 0, 2, 4]]
    assert float(attention_distance(tf.constant(teacher), tf.constant(shuffled))) == pytest.approx(
        0, abs=1e-6
    )
