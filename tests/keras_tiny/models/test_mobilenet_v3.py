"""MobileNetV3 is the network of keras.applications, under either width rule."""

from __future__ import annotations

import pytest

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras
from keras_tiny.models.mobilenet_v3 import (
    mobilenet_v3_large,
    mobilenet_v3_large_features,
    mobilenet_v3_small,
    mobilenet_v3_small_features,
)
from tests.keras_tiny.models.reference import (
    assert_same_logits,
    cached_build,
    copy_weights,
    images,
    randomise,
)

BUILDERS = {
    "small": (mobilenet_v3_small, keras.applications.MobileNetV3Small),
    "large": (mobilenet_v3_large, keras.applications.MobileNetV3Large),
}


@pytest.mark.parametrize(
    ("variant", "width", "side", "minimalistic"),
    [
        # 5×5 kernels at stride 2 pad (1, 2) on even sides and (2, 2) on odd ones, both by hand and with `same`.
        ("small", 0.5, 96, False),
        ("small", 0.75, 97, False),
        pytest.param("small", 0.5, 64, True, marks=pytest.mark.slow),
        ("large", 0.5, 64, False),
        ("large", 0.75, 97, False),
        *(
            pytest.param(*case, False, marks=pytest.mark.slow)
            for case in (("small", 0.5, 97), ("small", 0.75, 96), ("large", 0.5, 97), ("large", 0.75, 64))
        ),
    ],
)
def test_logits_equal_keras_applications_with_its_weights(
    variant: str, width: float, side: int, minimalistic: bool
) -> None:
    build, build_reference = BUILDERS[variant]
    shape = (side, side, 3)
    reference = build_reference(
        input_shape=shape,
        alpha=width,
        minimalistic=minimalistic,
        weights=None,
        classes=10,
        classifier_activation=None,
        include_preprocessing=False,
    )
    x = images(shape)
    randomise(reference, x, seed=side)
    ours = build(shape, num_classes=10, width=width, width_rule="keras", minimalistic=minimalistic)
    copy_weights(reference, ours)
    assert_same_logits(ours, reference, x)


def full_width(name: str, width_rule: str = "torchvision") -> keras.Model:
    """The model at width 1, shared between tests."""
    return cached_build(name, input_shape=(32, 32, 3), num_classes=2, width=1.0, width_rule=width_rule)


def test_the_width_rules_agree_at_width_1() -> None:
    by_torchvision, by_keras = (
        [tuple(weight.shape) for weight in full_width("mobilenet_v3_small", rule).weights]
        for rule in ("torchvision", "keras")
    )
    assert by_torchvision == by_keras


def test_squeeze_widths_are_those_of_the_paper_at_width_1() -> None:
    def squeezes(name: str) -> list[int]:
        return [layer.filters for layer in full_width(name).layers if layer.name.endswith("_se_squeeze_conv")]

    assert squeezes("mobilenet_v3_small") == [8, 24, 64, 64, 32, 40, 72, 144, 144]
    assert squeezes("mobilenet_v3_large") == [24, 32, 32, 120, 168, 168, 240, 240]


def test_minimalistic_has_3x3_kernels_relu_and_no_gate() -> None:
    model = mobilenet_v3_small((32, 32, 3), num_classes=2, minimalistic=True)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert not kinds & {"HardSwish", "HardSigmoid", "Multiply"}
    assert {
        layer.kernel_size for layer in model.layers if isinstance(layer, keras.layers.DepthwiseConv2D)
    } == {(3, 3)}


def test_features_end_each_stride_level() -> None:
    small = mobilenet_v3_small_features((64, 64, 3))
    large = mobilenet_v3_large_features((64, 64, 3))
    assert [tuple(f.shape[1:]) for f in small.outputs] == [
        (16, 16, 16),
        (8, 8, 24),
        (4, 4, 48),
        (2, 2, 96),
        (2, 2, 576),
    ]
    assert [tuple(f.shape[1:]) for f in large.outputs] == [
        (32, 32, 16),
        (16, 16, 24),
        (8, 8, 40),
        (4, 4, 112),
        (2, 2, 160),
        (2, 2, 960),
    ]


def test_an_unknown_width_rule_is_answered_with_the_near_name() -> None:
    with pytest.raises(BadInput, match='Did you mean "torchvision"'):
        mobilenet_v3_small(num_classes=2, width_rule="torch_vision")
