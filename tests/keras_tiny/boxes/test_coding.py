"""Encoding and decoding are inverses and always finite."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keras_tiny.boxes.coding import decode, encode, to_centred, to_corners
from tests.keras_tiny.boxes.strategies import ANCHORS, corners


@given(corners(min_count=1), st.integers(0, 10**6))
def test_decoding_gives_back_what_was_encoded(boxes: np.ndarray, seed: int):
    chosen = np.random.default_rng(seed).integers(0, len(boxes), len(ANCHORS))
    offsets = encode(boxes[chosen], ANCHORS)
    np.testing.assert_allclose(decode(offsets, ANCHORS), boxes[chosen], atol=2e-6)


def test_an_anchor_s_own_box_encodes_to_zeros():
    np.testing.assert_allclose(encode(to_corners(ANCHORS), ANCHORS), 0, atol=1e-5)


def test_a_shift_by_a_tenth_of_the_anchor_is_one_and_e_to_a_fifth_is_one():
    anchor = np.array([[0.5, 0.5, 0.2, 0.4]], np.float32)
    moved = np.array([[0.52, 0.46, 0.2 * np.e**0.2, 0.4 * np.e**-0.2]], np.float32)
    np.testing.assert_allclose(encode(to_corners(moved), anchor), [[1, -1, 1, -1]], atol=1e-5)


def test_a_box_without_area_encodes_to_finite_numbers_and_a_wild_output_decodes_to_finite_ones():
    flat = np.zeros_like(ANCHORS)
    assert np.isfinite(encode(flat, ANCHORS)).all()
    assert np.isfinite(decode(np.full_like(ANCHORS, 1e6), ANCHORS)).all()


@given(corners())
def test_corners_and_centres_are_two_words_for_one_box(boxes: np.ndarray):
    np.testing.assert_allclose(to_corners(to_centred(boxes)), boxes, atol=1e-7)
