"""Losses over masks give the numbers that NumPy gives, and void has no part in them."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.data.sample import VOID
from keras_tiny.keras_api import tf
from keras_tiny.losses.class_weights import mask_class_weights
from keras_tiny.losses.segmentation import MASK_LOSSES, mask_loss

WEIGHTS = np.array([0.5, 2.0, 1.0], np.float32)


def case(channels: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, max(2, channels), (2, 5, 4)).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.2] = VOID
    return truth, rng.normal(0, 2, (2, 5, 4, channels)).astype(np.float32)


def expected(name: str, truth: np.ndarray, logits: np.ndarray, weights: np.ndarray | None) -> float:
    """The same, pixel by pixel, in float64."""
    logits = logits.astype(np.float64)
    channels = logits.shape[-1]
    judged = truth != VOID
    if channels == 1:
        foreground = 1 / (1 + np.exp(-logits[..., 0]))
        p = np.stack([1 - foreground, foreground], -1)
    else:
        p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    true_p = np.array([p[i][truth[i]] for i in np.ndindex(truth.shape) if judged[i]])
    pixel = np.array([1.0 if weights is None else weights[c] for c in truth[judged]])
    if name == "cross_entropy":
        return float((-np.log(true_p) * pixel).sum() / pixel.sum())
    if name == "focal":
        return float((-np.log(true_p) * (1 - true_p) ** 2 * pixel).sum() / pixel.sum())
    values = []
    for c in [1] if channels == 1 else range(channels):
        wanted, share = (truth[judged] == c).astype(float), p[judged][:, c]
        both, total = (wanted * share).sum(), wanted.sum() + share.sum()
        overlap = (2 * both + 1) / (total + 1) if name == "dice" else (both + 1) / (total - both + 1)
        values.append(1 - overlap)
    return float(np.average(values, weights=weights if channels > 1 else None))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", MASK_LOSSES)
def test_a_loss_is_what_numpy_computes(name: str, channels: int, weights: np.ndarray | None):
    truth, logits = case(channels)
    weights = weights if weights is None or channels == 3 else weights[:2]
    found = MASK_LOSSES[name](
        tf.constant(truth),
        tf.constant(logits),
        class_weights=None if weights is None else tf.constant(weights),
    )
    assert float(found) == pytest.approx(expected(name, truth, logits, weights), rel=2e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", MASK_LOSSES)
def test_void_pixels_have_no_gradient_and_all_others_do(name: str, channels: int):
    truth, logits = case(channels)
    scores = tf.Variable(logits)
    with tf.GradientTape() as tape:
        loss = MASK_LOSSES[name](tf.constant(truth), scores)
    gradient = np.abs(tape.gradient(loss, scores).numpy()).sum(-1)
    assert (gradient[truth == VOID] == 0).all()
    assert (gradient[truth != VOID] > 0).all()


@pytest.mark.parametrize("name", MASK_LOSSES)
def test_a_batch_that_is_void_costs_nothing(name: str):
    void = tf.fill([1, 2, 2], tf.constant(VOID, tf.uint8))
    assert float(MASK_LOSSES[name](void, tf.ones([1, 2, 2, 3]))) == 0


@pytest.mark.parametrize("name", MASK_LOSSES)
def test_a_sure_right_answer_costs_almost_nothing_and_a_sure_wrong_one_much(name: str):
    truth = np.arange(3).repeat(60).reshape(1, 12, 15).astype(np.uint8)
    right = 20 * np.eye(3, dtype=np.float32)[truth]
    loss = MASK_LOSSES[name]
    assert float(loss(tf.constant(truth), tf.constant(right))) < 1e-4
    assert float(loss(tf.constant(truth), tf.constant(-right))) > 0.5


def test_a_sum_of_losses_is_their_weighted_sum_and_names_its_parts():
    truth, logits = (tf.constant(array) for array in case(3))
    found = mask_loss(truth, logits, parts={"cross_entropy": 1.0, "dice": 0.5})
    assert set(found) == {"loss", "cross_entropy_loss", "dice_loss"}
    assert float(found["loss"]) == pytest.approx(
        float(found["cross_entropy_loss"]) + 0.5 * float(found["dice_loss"]), rel=1e-6
    )


MASKS = np.array(
    [
        [[0, 0, 0, 0], [0, 0, 1, VOID]],  # 6 of 7 are class 0, 1 of 7 is class 1
        [[0, 0, 0, 0], [0, 0, 0, 0]],
        [[1, 1, 1, 0], [0, 0, 0, VOID]],  # 4 of 7, 3 of 7
    ],
    np.uint8,
)


def test_median_frequency_counts_a_class_where_it_occurs():
    frequency = np.array([18 / 22, 4 / 14])
    median = frequency.mean()  # of two
    found = mask_class_weights(MASKS, num_classes=3, kind="median_frequency")
    assert found.tolist() == pytest.approx([*(median / frequency), 0.0], rel=1e-6)


def test_enet_weights_are_those_of_the_formula_also_for_a_class_without_pixels():
    share = np.array([18, 4, 0]) / 22
    found = mask_class_weights(MASKS, num_classes=3, kind="enet")
    assert found.tolist() == pytest.approx((1 / np.log(1.1 + share)).tolist(), rel=1e-6)


def test_balanced_weights_are_one_in_the_mean_over_the_pixels():
    found = mask_class_weights(MASKS, num_classes=3, kind="balanced")
    assert float((found * [18, 4, 0]).sum() / 22) == pytest.approx(1.0)
