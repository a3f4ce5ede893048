"""From pixels to the model's input: float and int8 agree on every byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_tiny.errors import BadInput
from keras_tiny.preprocessing.image import normalise, prepare, resize
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.preprocessing.to_int8 import to_int8
from mcu.tensor import TensorSpec


def tensor_for(spec: PreprocessingSpec, *, scale: float = 1 / 128, zero_point: int = 0) -> TensorSpec:
    shape = (1, spec.height, spec.width, spec.channels)
    return TensorSpec(name="input", shape=shape, scale=scale, zero_point=zero_point)


def test_with_the_default_specification_int8_is_pixel_minus_128_for_all_256_pixels():
    spec = PreprocessingSpec(height=16, width=16, channels=1)
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    expected = (pixels.astype(np.int16) - 128).astype(np.int8)
    np.testing.assert_array_equal(to_int8(pixels, spec, tensor_for(spec))[0], expected)
    np.testing.assert_array_equal(to_int8(pixels, spec, tensor_for(spec))[0], (pixels ^ 0x80).view(np.int8))


@settings(max_examples=60, deadline=None)
@given(
    mean=st.lists(st.floats(0, 255, width=32), min_size=3, max_size=3),
    std=st.lists(st.floats(1, 255, width=32), min_size=3, max_size=3),
    scale=st.floats(1e-4, 1.0),
    zero_point=st.integers(-128, 127),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])),
    filter=st.sampled_from(["nearest", "bilinear", "bicubic"]),
    seed=st.integers(0, 2**16),
)
def test_to_int8_is_the_quantized_prepare_for_any_specification(
    mean, std, scale, zero_point, shape, filter, seed
):
    spec = PreprocessingSpec(height=5, width=6, channels=3, resize=filter, mean=tuple(mean), std=tuple(std))
    image = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    tensor = tensor_for(spec, scale=scale, zero_point=zero_point)
    found = to_int8(image, spec, tensor)
    assert found.dtype == np.int8
    assert found.shape == tensor.shape
    np.testing.assert_array_equal(found, tensor.quantize(prepare(image, spec))[None])


def test_the_default_normalisation_reaches_from_minus_one_to_127_128ths():
    spec = PreprocessingSpec(height=1, width=2, channels=1)
    found = prepare(np.array([[[0], [255]]], np.uint8), spec)
    assert found.dtype == np.float32
    assert found.ravel().tolist() == [-1.0, 127 / 128]
    assert spec.input_range == (-1.0, 127 / 128)


def test_each_channel_has_its_own_mean_and_std():
    spec = PreprocessingSpec(height=1, width=1, channels=3, mean=(10, 20, 30), std=(1, 2, 4))
    assert prepare(np.array([[[12, 24, 38]]], np.uint8), spec).ravel().tolist() == [2.0, 2.0, 2.0]


def test_a_picture_of_the_right_size_passes_the_resize_unchanged_and_is_a_copy():
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    found = resize(image, PreprocessingSpec(height=4, width=6))
    np.testing.assert_array_equal(found, image)
    assert not np.shares_memory(found, image)


def test_shrinking_is_antialiased():
    checkerboard = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)[:, :, None]
    found = resize(checkerboard, PreprocessingSpec(height=8, width=8, channels=1))
    assert (abs(found.astype(int) - 127.5) < 8).all()  # every other pixel would give all 0 or all 255


def test_height_and_width_are_not_exchanged():
    image = np.zeros((10, 20, 3), np.uint8)
    image[:5] = 255  # the upper half
    found = resize(image, PreprocessingSpec(height=4, width=2))
    assert found.shape == (4, 2, 3)
    assert found[0].min() > 200
    assert found[3].max() < 50


def test_grey_is_repeated_into_colour_and_colour_is_weighed_into_grey():
    grey = np.full((2, 2, 1), 9, np.uint8)
    assert resize(grey, PreprocessingSpec(height=2, width=2, channels=3)).tolist() == [[[9] * 3] * 2] * 2
    green = np.array([[[0, 255, 0]]], np.uint8)
    assert resize(green, PreprocessingSpec(height=1, width=1, channels=1)).ravel().tolist() == [150]


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 300, 3), (500, 1, 3)])
def test_extreme_shapes_are_resized(shape):
    found = resize(np.full(shape, 200, np.uint8), PreprocessingSpec(height=7, width=3))
    assert np.unique(found).tolist() == [200]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_pixels_of_another_form_are_refused_with_what_was_received(image):
    with pytest.raises(BadInput, match=rf"got {image.dtype} \({image.shape[0]}"):
        prepare(image, PreprocessingSpec(height=4, width=4))


def test_a_tensor_of_another_shape_or_type_is_refused():
    spec = PreprocessingSpec(height=4, width=4)
    image = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(BadInput, match="same bundle"):
        to_int8(image, spec, tensor_for(PreprocessingSpec(height=4, width=5)))
    with pytest.raises(BadInput, match="float32"):
        to_int8(image, spec, tensor_for(spec).model_copy(update={"dtype": "float32"}))


def test_a_whole_batch_is_normalised_as_each_of_its_pictures():
    spec = PreprocessingSpec(height=3, width=3, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
    batch = np.random.default_rng(0).integers(0, 256, (4, 3, 3, 3), dtype=np.uint8)
    for image, found in zip(batch, normalise(batch, spec), strict=True):
        np.testing.assert_array_equal(found, prepare(image, spec))
