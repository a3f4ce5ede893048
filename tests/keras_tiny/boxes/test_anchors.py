"""The anchors of TinyML_Det's table, to the digit."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.boxes import AnchorSpec, anchor_spec

ETINYNET_256 = [(32, 32), (16, 16), (8, 8), (4, 4), (2, 2), (1, 1)]
SQUEEZENET_256 = [(31, 31), (15, 15), (8, 8), (4, 4), (2, 2), (1, 1)]


def test_the_first_four_anchors_are_the_published_ones():
    table = anchor_spec(ETINYNET_256).table()
    expected = [
        [0.01562, 0.01562, 0.10156, 0.10156],
        [0.01562, 0.01562, 0.16304, 0.16304],
        [0.01562, 0.01562, 0.14363, 0.07182],
        [0.01562, 0.01562, 0.07182, 0.14363],
    ]
    np.testing.assert_allclose(table[:4], expected, atol=1e-5)
    assert table.dtype == np.float32


@pytest.mark.parametrize(
    ("maps", "ends"),
    [
        (ETINYNET_256, [4096, 5632, 6016, 6112, 6128, 6132]),
        (SQUEEZENET_256, [3844, 5194, 5578, 5674, 5690, 5694]),
    ],
)
def test_the_rows_of_each_map_are_where_the_table_says(maps: list[tuple[int, int]], ends: list[int]):
    spec = anchor_spec(maps)
    assert np.cumsum([part.count for part in spec.maps]).tolist() == ends
    assert (spec.count, spec.table().shape) == (ends[-1], (ends[-1], 4))


def test_all_numbers_are_those_of_the_published_formula():
    """Written out here cell by cell, in pixels of 256, as TinyML_Det computes them."""
    sizes = [26, 67, 108, 149, 190, 231, 256]
    rows = []
    for k, (side, ratios) in enumerate(
        zip([32, 16, 8, 4, 2, 1], [[2], [2, 3], [2, 3], [2, 3], [2], [2]], strict=True)
    ):
        low, high = sizes[k], sizes[k + 1]
        for y in range(side):
            for x in range(side):
                cx, cy = (x + 0.5) * (256 // side) / 256, (y + 0.5) * (256 // side) / 256
                boxes = [(low, low), ((low * high) ** 0.5,) * 2]
                for ratio in ratios:
                    boxes += [(low * ratio**0.5, low / ratio**0.5), (low / ratio**0.5, low * ratio**0.5)]
                rows += [[cx, cy, w / 256, h / 256] for w, h in boxes]
    table = anchor_spec(ETINYNET_256).table()
    np.testing.assert_allclose(table, np.clip(rows, 0, 1), atol=3e-8)
    assert (np.array(rows) > 1).any(axis=1).sum() == 42  # those whose size was clipped


def test_rows_go_first_then_columns_then_shapes():
    table = anchor_spec([(2, 3)], min_sizes=(0.2,), max_sizes=(0.4,), aspect_ratios=((),)).table()
    assert table.shape == (2 * 3 * 2, 4)
    np.testing.assert_allclose(table[::2, 0], [1 / 6, 3 / 6, 5 / 6] * 2, rtol=1e-6)
    np.testing.assert_allclose(table[::2, 1], [1 / 4] * 3 + [3 / 4] * 3, rtol=1e-6)


def test_no_centre_lies_outside_of_the_picture_whatever_the_stride():
    table = anchor_spec(SQUEEZENET_256).table()
    assert table[:, :2].max() < 1
    assert table[:, :2].min() > 0


def test_a_spec_comes_back_from_json_as_it_was():
    spec = anchor_spec(SQUEEZENET_256)
    assert AnchorSpec.model_validate_json(spec.model_dump_json()) == spec
