"""Boards whose model is a segmenter of known answers."""

from __future__ import annotations

import numpy as np

from mcu.postprocess.mask_object import mask_of
from mcu.tensor import TensorSpec
from tests.mcu.protocol.loop import Invert

# (1, height, width, channels), scale, zero point: logits of many and of few classes, of one, and a probability.
OUTPUTS = {
    "eleven classes": ((1, 9, 13, 11), 0.1, 3),
    "sixteen classes": ((1, 40, 30, 16), 0.1, -4),
    "four classes": ((1, 7, 5, 4), 0.1, 0),
    "two classes": ((1, 3, 3, 2), 0.1, 0),
    "a logit": ((1, 6, 7, 1), 0.05, -17),
    "a probability": ((1, 6, 7, 1), 1 / 256, -128),
    "one pixel": ((1, 1, 1, 3), 0.1, 0),
}


class Segmenter(Invert):
    """`Invert` with as many input as output bytes, seen as scores of pixels."""

    def __init__(self, output: str):
        shape, scale, zero_point = OUTPUTS[output]
        super().__init__(inputs=(int(np.prod(shape)),))
        self.outputs = (TensorSpec(name="scores", shape=shape, scale=scale, zero_point=zero_point),)

    def scores(self, *, seed: int = 0) -> tuple[bytes, np.ndarray]:
        """Input bytes, and the scores (1, height, width, channels) that they give, in patches as pictures have."""
        rng = np.random.default_rng(seed)
        (spec,) = self.outputs
        _, height, width, channels = spec.shape
        coarse = rng.integers(-128, 128, (-(-height // 4), -(-width // 4), channels))
        scores = coarse.repeat(4, axis=0).repeat(4, axis=1)[:height, :width].astype(np.int8)
        return (~scores).tobytes(), scores[None]

    def mask(self, scores: np.ndarray) -> np.ndarray:
        return mask_of(scores[0], self.outputs[0])
