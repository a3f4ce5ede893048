"""Optimizers step as their papers say; weight decay is decoupled and leaves biases and BatchNorm alone."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.keras_api import tf
from keras_tiny.recipe import OptimizerPart
from keras_tiny.training.optimizer import build_optimizer


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_lion_steps_as_in_its_paper(decay: float):
    """Algorithm 2 of arXiv:2302.06675, in float32 as the variables are."""
    rng = np.random.default_rng(0)
    kernel = tf.Variable(rng.normal(size=(3, 4)).astype(np.float32), name="layer/kernel:0")
    bias = tf.Variable(rng.normal(size=4).astype(np.float32), name="layer/bias:0")
    expected = {variable.name: variable.numpy() for variable in (kernel, bias)}
    momenta = {name: np.zeros_like(value) for name, value in expected.items()}
    optimizer = build_optimizer(OptimizerPart(name="lion", weight_decay=decay), variables=[kernel, bias])
    for step in range(7):
        rate = np.float32(0.05 / (1 + step))
        optimizer.learning_rate.assign(rate)
        gradients = [rng.normal(size=variable.shape).astype(np.float32) for variable in (kernel, bias)]
        optimizer.apply_gradients(zip(map(tf.constant, gradients), (kernel, bias), strict=True))
        for variable, gradient in zip((kernel, bias), gradients, strict=True):
            weight, m = expected[variable.name], momenta[variable.name]
            update = np.sign(np.float32(0.9) * m + np.float32(0.1) * gradient)
            own_decay = np.float32(decay if "kernel" in variable.name else 0.0)
            expected[variable.name] = weight - rate * (update + own_decay * weight)
            momenta[variable.name] = np.float32(0.99) * m + np.float32(0.01) * gradient
            np.testing.assert_allclose(variable.numpy(), expected[variable.name], rtol=2e-6, atol=1e-7)


def test_lion_moves_every_weight_by_the_learning_rate_whatever_its_gradient():
    weights = tf.Variable(np.zeros(3, np.float32), name="kernel:0")
    optimizer = build_optimizer(OptimizerPart(name="lion"), variables=[weights])
    optimizer.learning_rate.assign(0.01)
    optimizer.apply_gradients([(tf.constant([1e-6, -300.0, 0.0]), weights)])
    np.testing.assert_allclose(weights.numpy(), [-0.01, 0.01, 0.0], rtol=1e-6)
