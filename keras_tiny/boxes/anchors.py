"""Anchors of SSD (Liu et al., arXiv:1512.02325, section 2.2): the boxes that a detector's outputs are told against.

The sizes are those of TinyML_Det, as shares of the input: at 256 pixels its table reads min 26, 67, 108, 149, 190, 231
and max 67, 108, 149, 190, 231, 256. Centres are at (i + 0.5) / map size, so that none lies outside of the picture.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

MIN_SIZES = tuple(size / 256 for size in (26, 67, 108, 149, 190, 231))
MAX_SIZES = tuple(size / 256 for size in (67, 108, 149, 190, 231, 256))
ASPECT_RATIOS: tuple[tuple[float, ...], ...] = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))


class AnchorMap(BaseModel):
    """The anchors of one feature map: the same few in every cell.

    Args:
        height, width: cells of the map.
        min_size, max_size: sides of the two squares, min and √(min·max), as shares of the picture's sides.
        aspect_ratios: each adds a box r times as wide as high and one r times as high as wide, of min's area.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(ge=1)
    width: int = Field(ge=1)
    min_size: float = Field(gt=0)
    max_size: float = Field(gt=0)
    aspect_ratios: tuple[float, ...] = ()

    @property
    def per_cell(self) -> int:
        return 2 + 2 * len(self.aspect_ratios)

    @property
    def count(self) -> int:
        return self.height * self.width * self.per_cell


class AnchorSpec(BaseModel):
    """All anchors of a detector, and the two numbers that scale its box outputs; it travels into the bundle.

    Args:
        maps: from fine to coarse, in the order of the detector's outputs.
        center_variance, size_variance: box outputs times these are shares of the anchor's side, and logarithms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    maps: tuple[AnchorMap, ...]
    center_variance: float = Field(0.1, gt=0)
    size_variance: float = Field(0.2, gt=0)

    @property
    def count(self) -> int:
        return sum(part.count for part in self.maps)

    def table(self) -> np.ndarray:
        """float32 (count, 4): centre x, centre y, width, height as shares of the picture, clamped to [0, 1].

        In the order of the outputs: map by map, row by row, in a cell the two squares and then the ratios.
        """
        return np.concatenate([_boxes_of(part) for part in self.maps]).astype(np.float32)


def anchor_spec(
    map_shapes: list[tuple[int, int]],
    *,
    min_sizes: tuple[float, ...] = MIN_SIZES,
    max_sizes: tuple[float, ...] = MAX_SIZES,
    aspect_ratios: tuple[tuple[float, ...], ...] = ASPECT_RATIOS,
) -> AnchorSpec:
    """The anchors over maps of these (height, width), one size and one row of ratios for each map."""
    rows = zip(map_shapes, min_sizes, max_sizes, aspect_ratios, strict=True)
    return AnchorSpec(
        maps=tuple(
            AnchorMap(height=height, width=width, min_size=low, max_size=high, aspect_ratios=tuple(ratios))
            for (height, width), low, high, ratios in rows
        )
    )


def _boxes_of(part: AnchorMap) -> np.ndarray:
    """float64 (part.count, 4)."""
    sides = [(part.min_size, part.min_size), (np.sqrt(part.min_size * part.max_size),) * 2]
    for ratio in part.aspect_ratios:
        wide, narrow = part.min_size * np.sqrt(ratio), part.min_size / np.sqrt(ratio)
        sides += [(wide, narrow), (narrow, wide)]
    y, x = np.meshgrid(
        (np.arange(part.height) + 0.5) / part.height,
        (np.arange(part.width) + 0.5) / part.width,
        indexing="ij",
    )
    centres = np.stack([x, y], axis=-1).reshape(-1, 1, 2)
    cells = np.broadcast_to(centres, (len(centres), part.per_cell, 2))
    sizes = np.broadcast_to(np.array(sides), (len(centres), part.per_cell, 2))
    return np.clip(np.concatenate([cells, sizes], axis=-1).reshape(-1, 4), 0, 1)
