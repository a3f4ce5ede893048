"""Masks survive every form they travel in, and nothing else is taken for one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mcu.errors import BadInput
from mcu.postprocess.argmax import argmax
from mcu.postprocess.masks import MaskError, decode_runs, encode_runs, pack, packed_bits, unpack
from mcu.postprocess.threshold import int8_threshold, threshold
from mcu.tensor import TensorSpec
from tests.vectors.make_masks import PATH, vectors

VECTORS = json.loads(PATH.read_text())


def of(text: str, dtype: type = np.uint8) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(text), dtype)


@st.composite
def areas(draw: st.DrawFn, classes: int = 16) -> np.ndarray:
    """Masks as networks make them: runs of all lengths."""
    runs = draw(st.lists(st.tuples(st.integers(0, classes - 1), st.integers(1, 400)), max_size=20))
    return np.concatenate([np.zeros(0, np.uint8), *(np.full(n, c, np.uint8) for c, n in runs)])


def test_the_file_is_what_its_generator_writes():
    assert json.loads(json.dumps(vectors())) == VECTORS


@pytest.mark.parametrize("vector", VECTORS["argmax"], ids=lambda v: v["channels"])
def test_argmax(vector: dict):
    scores = of(vector["scores"], np.int8).reshape(-1, vector["channels"])
    assert (argmax(scores) == of(vector["mask"])).all()


@pytest.mark.parametrize("vector", VECTORS["threshold"], ids=lambda v: v["above"])
def test_threshold(vector: dict):
    assert (threshold(of(vector["scores"], np.int8), above=vector["above"]) == of(vector["mask"])).all()


@pytest.mark.parametrize("vector", VECTORS["masks"], ids=lambda v: v["name"])
def test_masks_are_written_as_the_vectors_say_and_read_back(vector: dict):
    mask = of(vector["mask"])
    for bits, packed in vector["packed"].items():
        assert pack(mask, bits=int(bits)).hex() == packed
        assert (unpack(bytes.fromhex(packed), pixels=mask.size, bits=int(bits)) == mask).all()
    assert encode_runs(mask).hex() == vector["runs"]
    assert (decode_runs(bytes.fromhex(vector["runs"]), pixels=mask.size) == mask).all()


@pytest.mark.parametrize("vector", VECTORS["not_runs"], ids=lambda v: v["name"])
def test_bytes_that_are_no_runs_of_so_many_pixels_are_refused(vector: dict):
    with pytest.raises(MaskError):
        decode_runs(bytes.fromhex(vector["runs"]), pixels=vector["pixels"])


@pytest.mark.parametrize("vector", VECTORS["not_packed"], ids=lambda v: v["name"])
def test_bytes_that_are_no_packed_mask_are_refused(vector: dict):
    with pytest.raises(MaskError):
        unpack(bytes.fromhex(vector["packed"]), pixels=vector["pixels"], bits=vector["bits"])


@given(areas())
def test_runs_give_back_any_mask_and_never_take_more_bytes_than_pixels(mask: np.ndarray):
    runs = encode_runs(mask)
    assert (decode_runs(runs, pixels=mask.size) == mask).all()
    assert len(runs) <= mask.size


@given(st.sampled_from([1, 2, 4]), st.data())
def test_a_packed_mask_gives_back_any_mask(bits: int, data: st.DataObject):
    mask = data.draw(arrays.arrays(np.uint8, st.integers(0, 70), elements=st.integers(0, (1 << bits) - 1)))
    packed = pack(mask, bits=bits)
    assert len(packed) == -(-mask.size * bits // 8)
    assert (unpack(packed, pixels=mask.size, bits=bits) == mask).all()


@given(st.binary(max_size=12), st.integers(0, 60))
def test_any_bytes_are_runs_or_are_refused(runs: bytes, pixels: int):
    try:
        mask = decode_runs(runs, pixels=pixels)
    except MaskError:
        return
    assert mask.shape == (pixels,)
    assert (decode_runs(encode_runs(mask), pixels=pixels) == mask).all()


@pytest.mark.parametrize(("classes", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (11, 4), (16, 4)])
def test_classes_get_the_fewest_bits_that_tell_them_apart(classes: int, bits: int):
    assert packed_bits(classes) == bits


def test_more_classes_than_fit_are_refused():
    with pytest.raises(BadInput, match="17 classes do not fit"):
        packed_bits(17)
    with pytest.raises(MaskError, match="Class 16 does not fit into a run"):
        encode_runs(np.array([0, 16]))
    with pytest.raises(MaskError, match="Class 2 does not fit into 1 bits"):
        pack(np.array([2]), bits=1)
    with pytest.raises(BadInput, match="1, 2 or 4 bits"):
        pack(np.array([2]), bits=3)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.2), st.integers(-128, 127), st.booleans())
def test_a_threshold_on_int8_passes_exactly_what_it_passes_on_probabilities(
    probability: float, scale: float, zero_point: int, logits: bool
):
    tensor = TensorSpec(name="y", shape=(1, 16, 16, 1), scale=scale, zero_point=zero_point)
    every = np.arange(-128, 128).astype(np.int8)
    scores = (every.astype(np.float64) - zero_point) * scale
    limit = np.log(probability / (1 - probability)) if logits else probability
    sure = np.abs(scores - limit) > 1e-9
    passed = threshold(every, above=int8_threshold(probability, tensor, logits=logits)).astype(bool)
    assert (passed == (scores > limit))[sure].all()


@pytest.mark.parametrize("probability", [0.0, 1.0, -1.0, 2.0])
def test_a_threshold_that_is_no_probability_is_refused(probability: float):
    with pytest.raises(BadInput, match="between 0 and 1"):
        int8_threshold(probability, TensorSpec(name="y", shape=(1,), scale=1.0), logits=True)


def test_other_types_than_int8_are_refused():
    with pytest.raises(ValueError, match="expected int8"):
        argmax(np.zeros((2, 3), np.uint8))
    with pytest.raises(ValueError, match="expected int8"):
        threshold(np.zeros(2, np.uint8), above=0)
