"""The segmenters: features in TinyMachines' order, the three ways to upsample, their options and their refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keras_tiny import models
from keras_tiny.blocks.space_to_depth import SpaceToDepth
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras
from keras_tiny.models.aliases import ESPnet, MobileUNet, UNet4, UNet5
from keras_tiny.training.checkpoint import save_weights
from keras_tiny.training.warm_start import warm_start
from tests.keras_tiny.models.reference import cached_build, images

# Side at a 64×64 input and channels, in the specified order.
FEATURES = {
    "unet5": [(64, 8), (32, 16), (16, 32), (8, 64), (4, 128), (8, 64), (16, 32), (32, 16), (64, 8), (64, 2)],
    "unet4": [(64, 8), (32, 16), (16, 32), (8, 64), (16, 32), (32, 16), (64, 8), (64, 2)],
    "mobile_unet": [
        *[(32, 16), (16, 24), (8, 32), (4, 96), (2, 1280)],
        *[(4, 96), (4, 96), (8, 32), (8, 32), (16, 24), (16, 24), (32, 16), (32, 16)],
        (64, 2),
    ],
    "espnet": [
        *[(32, 3), (32, 16), (32, 19), (16, 3), (16, 64), (16, 64), (16, 131), (8, 128), (8, 128), (8, 256)],
        *[(32, 2), (16, 2), (8, 2)],
        *[(16, 2), (16, 4), (32, 2), (32, 4)],
        (64, 2),
    ],
    "efficient_unet": [(64, 8), (32, 16), (16, 32), (8, 64), (16, 32), (32, 16), (64, 8), (64, 2)],
}
SMALL = {"unet5": {"alpha": 8}, "unet4": {"alpha": 8}, "efficient_unet": {"features": (8, 16, 32, 64)}}
MULTIPLES = {"unet5": 16, "unet4": 8, "mobile_unet": 32, "espnet": 8, "efficient_unet": 8}


def small(name: str, upsample: str = "transpose") -> keras.Model:
    """The model at 64×64 with two classes and its features."""
    return cached_build(
        name,
        input_shape=(64, 64, 3),
        num_classes=2,
        upsample=upsample,
        return_features=True,
        **SMALL.get(name, {}),
    )


@pytest.mark.parametrize("name", FEATURES)
def test_features_come_in_the_specified_order_and_end_in_the_logits(name: str) -> None:
    y, features = small(name).output
    assert [tuple(f.shape[1:]) for f in features] == [(side, side, c) for side, c in FEATURES[name]]
    assert features[-1] is y


@pytest.mark.parametrize("name", FEATURES)
def test_features_are_taken_after_dropout(name: str) -> None:
    model = small(name)
    outputs = {id(feature) for feature in model.output[1]}
    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert bool(dropouts) == (name != "efficient_unet")
    assert all(id(layer.output) in outputs for layer in dropouts)


@pytest.mark.parametrize(
    ("name", "upsample"),
    [
        *((name, "transpose") for name in FEATURES),
        ("unet5", "nearest"),
        ("mobile_unet", "nearest"),
        ("unet4", "bilinear"),
        ("espnet", "bilinear"),
        ("efficient_unet", "nearest"),
    ],
)
def test_each_way_to_upsample_uses_its_own_layers_alone(name: str, upsample: str) -> None:
    model = small(name, upsample)
    assert model.output_shape[0] == (None, 64, 64, 2)
    transposed = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    resized = [layer.interpolation for layer in model.layers if isinstance(layer, keras.layers.UpSampling2D)]
    if upsample == "transpose":
        assert transposed
        assert not resized
    else:
        assert not transposed
        assert set(resized) == {upsample}


@pytest.mark.parametrize("name", FEATURES)
def test_a_side_that_is_not_the_needed_multiple_is_refused_with_its_neighbours(name: str) -> None:
    multiple = MULTIPLES[name]
    with pytest.raises(BadInput) as error:
        models.build(name, input_shape=(4 * multiple, 2 * multiple + 2, 3))
    assert f"width is {2 * multiple + 2}, this model needs a multiple of {multiple}" in str(error.value)
    assert f"Take {2 * multiple} or {3 * multiple}" in str(error.value)


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("unet5", {"alpha": 65}, "alpha=65 leaves no channel of 64"),
        ("unet5", {"alpha": 0}, "alpha must be a whole number of at least 1"),
        ("unet4", {"dropout": (0.1, 0.2)}, "dropout must be 4 numbers"),
        ("unet4", {"num_classes": 0}, "num_classes must be a whole number of at least 1"),
        ("unet4", {"upsample": "bilinar"}, 'Did you mean "bilinear"?'),
        ("mobile_unet", {"width": 0.05, "rounding": "floor"}, "leaves no channel of 16"),
        ("mobile_unet", {"last_conv": 0}, "None leaves the convolution out"),
        ("mobile_unet", {"output_stride": 4}, "output_stride must be 1 or 2"),
        ("unet5", {"output_stride": 4}, "output_stride must be 1 or 2"),
        (
            "unet4",
            {"output_stride": 2, "input_shape": (32, 40, 3)},
            "width is 40, this model needs a multiple of 16",
        ),
        ("espnet", {"output_stride": 4}, "output_stride must be 1, 2 or 8"),
        ("espnet", {"alpha2": 0}, "alpha2 must be a whole number of at least 1"),
        ("espnet", {"decoder_channels": 0}, "decoder_channels must be a whole number of at least 1"),
        ("espnet", {"fusion": "papers"}, 'Did you mean "paper"?'),
        ("efficient_unet", {"features": (8, 16, 32)}, "features must be 4 numbers of channels"),
        ("efficient_unet", {"gate": "sigmoid"}, '"hard_sigmoid"'),
    ],
)
def test_bad_arguments_are_answered_with_one_clear_error(name: str, arguments: dict, says: str) -> None:
    with pytest.raises(BadInput) as error:
        models.build(name, **arguments)
    assert says in str(error.value)


def test_aliases_are_the_builders_under_tinymachines_signatures() -> None:
    for model, layers, ends in [
        (UNet5(1, 2, "relu", 16, input_size=32), {"enc5_b_bn"}, "softmax"),
        (MobileUNet(3, 3, input_size=32), {"last_conv"}, "softmax"),
        (ESPnet(3, 1, "relu", 1, 4, input_size=32), {"level2_esp1_add", "level3_esp4_add"}, "sigmoid"),
    ]:
        names = {layer.name for layer in model.layers}
        assert layers <= names
        assert model.layers[-1].name == ends
    y, features = UNet4(3, 1, "relu", 16, True, input_size=32).output
    assert y.shape[-1] == 1
    assert len(features) == 8
    assert features[0].shape[1:] == (32, 32, 4)
    assert models.ESPnet is ESPnet


def test_paper_fusion_leaves_the_first_branch_out_of_the_sums() -> None:
    def parts(fusion: str) -> list[np.ndarray]:
        model = models.build("espnet", input_shape=(32, 32, 3), alpha2=1, alpha3=1, fusion=fusion)
        suffix = "relu" if fusion == "seed" else "conv"
        names = [f"level2_esp1_d{d}_{suffix}" for d in (1, 2, 4, 8)] + ["level2_esp1_concat"]
        inner = keras.Model(model.input, [model.get_layer(name).output for name in names])
        return [t.numpy() for t in inner(images((32, 32, 3)))]

    b1, b2, b4, b8, concat = parts("seed")
    np.testing.assert_allclose(
        concat, np.concatenate([b1, b1 + b2, b1 + b2 + b4, b1 + b2 + b4 + b8], -1), atol=1e-5
    )
    b1, b2, b4, b8, concat = parts("paper")
    np.testing.assert_allclose(concat, np.concatenate([b1, b2, b2 + b4, b2 + b4 + b8], -1), atol=1e-5)


def test_a_widened_espnet_decoder_ends_in_one_more_1x1() -> None:
    model = models.build("espnet", input_shape=(32, 32, 3), num_classes=2, decoder_channels=8)
    assert model.get_layer("bridge1_conv").filters == 8
    assert model.get_layer("d1_transpose").filters == 8
    assert model.output_shape == (None, 32, 32, 2)


@pytest.mark.parametrize(
    ("options", "left"), [({}, set()), ({"decoder_channels": 8, "upsample": "bilinear"}, {"logits_conv"})]
)
def test_espnets_encoder_is_trained_first_and_starts_the_whole_network(
    options: dict, left: set[str], tmp_path: Path
) -> None:
    """The authors' two stages: ESPNet-C at an eighth of the labels' size, then everything with a decoder."""
    arguments = {"input_shape": (32, 64, 3), "num_classes": 5, "alpha2": 1, "alpha3": 1, **options}
    encoder = models.build("espnet", **arguments, output_stride=8)
    assert encoder.output_shape == (None, 4, 8, 5)
    save_weights(tmp_path / "float.npz", encoder)
    whole = models.build("espnet", **arguments)
    started = warm_start(whole, tmp_path)
    assert set(started.taken) == {layer.name for layer in encoder.layers if layer.weights} - left
    assert set(started.other_shape) == left
    assert not started.unused
    assert all(name.startswith(("bridge1", "bridge2", "d1", "d2", "d3")) for name in started.missing)
    image = images((32, 64, 3))
    inner = [
        keras.Model(each.input, each.get_layer("bridge3_conv").output)(image) for each in (encoder, whole)
    ]
    np.testing.assert_allclose(*inner, atol=1e-5)


@pytest.mark.parametrize("upsample", ["transpose", "bilinear"])
def test_espnet_may_leave_the_last_enlargement_to_the_host(upsample: str) -> None:
    half = models.build("espnet", input_shape=(32, 64, 3), num_classes=5, upsample=upsample, output_stride=2)
    assert half.output_shape == (None, 16, 32, 5)


def test_mobile_unet_batch_norm_after_every_projection() -> None:
    model = models.build("mobile_unet", input_shape=(32, 32, 3), width=0.25, last_conv=None, project_bn=True)
    names = {layer.name for layer in model.layers}
    convolutions = [n for n in names if n.endswith(("_project_conv", "_shortcut_conv"))]
    assert len(convolutions) > 20
    assert {n.removesuffix("_conv") + "_bn" for n in convolutions} <= names
    assert "last_conv" not in names


@pytest.mark.parametrize("upsample", ["transpose", "bilinear"])
def test_mobile_unet_may_leave_the_last_upsampling_to_the_host(upsample: str) -> None:
    half = models.build(
        "mobile_unet", input_shape=(32, 64, 3), num_classes=5, width=0.35, upsample=upsample, output_stride=2
    )
    assert half.output_shape == (None, 16, 32, 5)


@pytest.mark.parametrize("name", ["unet4", "unet5"])
def test_a_unet_of_half_the_sides_reads_every_pixel_and_leaves_the_last_enlargement_to_the_host(
    name: str,
) -> None:
    half = models.build(name, input_shape=(32, 64, 3), num_classes=5, alpha=16, output_stride=2)
    assert half.output_shape == (None, 16, 32, 5)
    assert half.get_layer("enc1_a_conv").input_shape == (None, 16, 32, 12)
    whole = models.build(name, input_shape=(16, 32, 12), num_classes=5, alpha=16)
    assert half.count_params() == whole.count_params()


def test_efficient_unet_gate_bounds_the_attention() -> None:
    model = models.build(
        "efficient_unet", input_shape=(32, 32, 3), features=(4, 8, 8, 8), gate="hard_sigmoid"
    )
    gates = [model.get_layer(f"{part}_attention_gate").output for part in ("down1", "down3", "up2")]
    for gate in keras.Model(model.input, gates)(1000.0 * images((32, 32, 3))):
        assert gate.numpy().min() >= 0.0
        assert gate.numpy().max() <= 1.0


def test_space_to_depth_orders_channels_by_row_then_column() -> None:
    x = np.arange(2 * 2 * 3, dtype=np.float32).reshape(1, 2, 2, 3)
    np.testing.assert_array_equal(SpaceToDepth(2)(x).numpy(), x.reshape(1, 1, 1, 12))
