"""Suggestions are computed on the graph: what they promise is what the changed network takes."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.errors import BadInput
from keras_tiny.profile.suggest import long_skips, suggest, transposed_convolutions
from mcu.tflite import read_model
from mcu.tflm import measure_arena
from tests.support import require
from tests.tflite_networks import conv, residual_network, segmenter, transpose_conv
from tests.tflite_writer import Graph

SIDE = 32
POOL = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
UP, SKIPS = 'upsample="bilinear" or "nearest"', "half the channels in the long skips"


def unet(*, upsample: str = "transpose", skip: int = 8, side: int = SIDE) -> bytes:
    """One level down, six convolutions there, one level up, with a skip over all of them."""
    graph = Graph()
    half = side // 2
    image = graph.input("image", (1, side, side, 4), scale=0.02, zero_point=0)

    def layer(x: str, name: str, shape: tuple[int, ...], channels_in: int, size: int = 3) -> str:
        options = {"channels_in": channels_in, "channels_out": shape[-1], "side": size}
        return conv(graph, x, shape, name=name, scale_in=0.02, scale_out=0.02, **options)

    top = layer(image, "skip", (1, side, side, skip), 4)
    x = graph.add(
        "MAX_POOL_2D", (top,), "pool", (1, half, half, skip), scale=0.02, zero_point=0, options=POOL
    )
    x = layer(x, "first", (1, half, half, 8), skip)
    for number in range(6):
        x = layer(x, f"inner{number}", (1, half, half, 8), 8)
    shape = (1, side, side, 8)
    if upsample == "transpose":
        x = transpose_conv(
            graph, x, shape, name="up", channels_in=8, scale_in=0.02, scale_out=0.02, zero_point_out=0
        )
    else:
        x = layer(x, "up", (1, half, half, 8), 8, size=1)
        size = graph.constant("size", np.array([side, side], np.int32))
        options = {"align_corners": False, "half_pixel_centers": True}
        x = graph.add(
            "RESIZE_BILINEAR", (x, size), "resize", shape, scale=0.02, zero_point=0, options=options
        )
    joined = {"axis": 3, "fused_activation_function": "NONE"}
    x = graph.add(
        "CONCATENATION",
        (x, top),
        "concat",
        (1, side, side, 8 + skip),
        scale=0.02,
        zero_point=0,
        options=joined,
    )
    return graph.build(outputs=(layer(x, "logits", (1, side, side, 2), 8 + skip, size=1),))


def promised(model: bytes, *, ram_bytes: int = 1) -> dict[str, int]:
    return {each.option: each.arena_bytes for each in suggest(model, ram_bytes=ram_bytes)}


@pytest.mark.parametrize(
    ("option", "changes"),
    [
        (UP, {"upsample": "bilinear"}),
        (SKIPS, {"skip": 4}),
        (f"{UP}, and {SKIPS}", {"upsample": "bilinear", "skip": 4}),
    ],
)
def test_an_option_saves_what_the_network_built_with_it_saves(option: str, changes: dict):
    require("module:tflite_micro")
    # The interpreter takes a few hundred bytes more or less for another number of operators.
    assert promised(unet())[option] == pytest.approx(
        measure_arena(unet(**changes)).total_bytes_32bit, abs=1500
    )


def test_a_smaller_picture_is_the_largest_one_that_fits():
    require("module:tflite_micro")
    now = measure_arena(unet()).total_bytes_32bit
    found = {each.option: each for each in suggest(unet(), ram_bytes=now * 2 // 3)}
    smaller = found["input_shape 24x24"]
    assert smaller.fits
    assert smaller.arena_bytes == pytest.approx(measure_arena(unet(side=24)).total_bytes_32bit, abs=1500)


def test_a_network_that_fits_needs_nothing():
    assert suggest(unet(), ram_bytes=10_000_000) == ()


def test_an_option_that_is_enough_says_so():
    options = promised(unet())
    fits = {each.option: each.fits for each in suggest(unet(), ram_bytes=options[UP])}
    assert fits[UP]


def test_only_what_saves_is_suggested():
    assert UP not in promised(unet(upsample="bilinear"))
    assert all(each.saved_bytes > 0 for each in suggest(residual_network(), ram_bytes=1))


def test_the_cost_of_transposed_convolutions_is_four_times_their_output():
    (cost,) = transposed_convolutions(segmenter())
    assert (cost.layer, cost.bytes) == ("up", 4 * 8 * 8 * 4)
    assert transposed_convolutions(unet(upsample="bilinear")) == ()


def test_a_skip_over_the_whole_network_is_long_and_a_shortcut_of_a_residual_is_not():
    (cost,) = long_skips(unet()).values()
    assert (cost.layer, cost.bytes) == ("skip", SIDE * SIDE * 8)
    assert long_skips(residual_network()) == {}


def test_a_graph_that_was_read_before_is_judged_by_its_activations_alone():
    model = unet()
    of_file, of_graph = suggest(model, ram_bytes=1), suggest(read_model(model), ram_bytes=1)
    assert [each.option for each in of_file] == [each.option for each in of_graph]
    assert [each.saved_bytes for each in of_file] == [each.saved_bytes for each in of_graph]


def test_no_ram_at_all_is_refused():
    with pytest.raises(BadInput, match="ram_bytes is 0"):
        suggest(unet(), ram_bytes=0)
