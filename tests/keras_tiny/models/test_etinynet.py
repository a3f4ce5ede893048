"""EtinyNet: its channels, its two wirings and its two norm orders are the ones described."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras
from keras_tiny.models.etinynet import etinynet, etinynet_features
from tests.keras_tiny.models.reference import images, randomise


@pytest.mark.parametrize(
    ("rounding", "channels"),
    [("floor", [11, 44, 67, 179]), ("divisible", [16, 48, 64, 176])],
)
def test_stage_ends_at_width_0_35(rounding: str, channels: list[int]) -> None:
    backbone = etinynet_features((64, 64, 3), width=0.35, rounding=rounding)
    assert [tuple(f.shape[1:]) for f in backbone.outputs] == [
        (side, side, c) for side, c in zip((16, 8, 4, 2), channels, strict=True)
    ]


def test_project_wiring_is_the_sum_of_both_halves_and_the_input() -> None:
    """Recomputed from the block's inner tensors, once where the shape stays and once where it changes."""
    model = etinynet((32, 32, 3), num_classes=2, width=0.25, shortcut="project")
    randomise(model, images((32, 32, 3)), seed=1)

    def tensors(*names: str) -> list[np.ndarray]:
        inner = keras.Model(model.input, [model.get_layer(name).output for name in names])
        return [t.numpy() for t in inner(images((32, 32, 3)))]

    x, a, z, y = tensors(
        "stage_3_block_1_shortcut_add",
        "stage_3_block_2_inner_add",
        "stage_3_block_2_last_depthwise_relu",
        "stage_3_block_2_shortcut_add",
    )
    np.testing.assert_allclose(y, z + x + a, atol=1e-6)
    a, z, p, y = tensors(
        "stage_4_block_1_point_relu",
        "stage_4_block_1_last_depthwise_relu",
        "stage_4_block_1_shortcut_conv",
        "stage_4_block_1_shortcut_add",
    )
    np.testing.assert_allclose(y, z + a + p, atol=1e-6)


def test_identity_wiring_has_no_projection() -> None:
    project, identity = (
        {layer.name for layer in etinynet_features((32, 32, 3), shortcut=shortcut, width=0.25).layers}
        for shortcut in ("project", "identity")
    )
    assert identity < project
    assert all("_shortcut" in name for name in project - identity)


def test_relu_bn_swaps_batch_norm_and_activation_and_nothing_else() -> None:
    folds, does_not = (
        etinynet((32, 32, 3), num_classes=2, width=0.25, norm_order=order) for order in ("bn_relu", "relu_bn")
    )
    assert sorted(tuple(w.shape) for w in folds.weights) == sorted(tuple(w.shape) for w in does_not.weights)
    norm = does_not.get_layer("stage_1_block_1_point_bn")
    assert isinstance(norm.input._keras_history.layer, keras.layers.ReLU)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"channels": (32, 128, 192, 256)}, "channels must be 5 numbers, received 4"),
        ({"channels": (32, 128, 192, 256, 0)}, "at least 1, received 0"),
        ({"shortcut": "projection"}, 'Did you mean "project"?'),
        ({"norm_order": "bn"}, '"bn_relu", "relu_bn"'),
        ({"input_shape": (28, 28, 1)}, "height is 28, this model needs at least 32"),
    ],
)
def test_bad_arguments_are_answered_with_one_clear_error(arguments: dict, says: str) -> None:
    with pytest.raises(BadInput) as error:
        etinynet(**{"num_classes": 10, **arguments})
    assert says in str(error.value)
