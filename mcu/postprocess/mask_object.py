"""A segmenter's output as the objects MASK and MASK_RUNS of the link: the twin of `kt_mask_object.c`.

docs/reference/protocol.md, "Masks", has every byte.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from math import prod

import numpy as np

from mcu.errors import LinkError
from mcu.postprocess.argmax import argmax
from mcu.postprocess.masks import MOST_CLASSES, decode_runs, encode_runs, pack, packed_bits, unpack
from mcu.postprocess.threshold import int8_threshold, threshold
from mcu.tensor import TensorSpec

HEAD = struct.Struct(
    "<IIIBBH"
)  # pixels, bytes and CRC-32 of what follows, bits per pixel (0: runs), reserved
_RANK = 4  # (1, height, width, channels)
# LOGISTIC always answers with these (TFLite quantization specification).
_SHARE_SCALE, _SHARE_ZERO_POINT = np.float32(1 / 256), -128


def mask_tensor(outputs: Sequence[TensorSpec]) -> TensorSpec | None:
    """The output tensor that a mask is made of; None unless it is the only one, int8, with 1 to 16 channels."""
    if len(outputs) != 1 or outputs[0].dtype != "int8" or len(outputs[0].shape) != _RANK:
        return None
    return outputs[0] if outputs[0].shape[-1] <= MOST_CLASSES else None


def mask_of(scores: np.ndarray, tensor: TensorSpec) -> np.ndarray:
    """int8 (…, channels) → uint8 (…): the largest score, the lowest index of equal ones.

    One channel: class 1 where the probability is above one half. It is a probability if the tensor has the scale and
    zero point that LOGISTIC gives, else a logit.
    """
    if scores.shape[-1] > 1:
        return argmax(scores)
    share = tensor.zero_point == _SHARE_ZERO_POINT and np.float32(tensor.scale) == _SHARE_SCALE
    return threshold(scores[..., 0], above=int8_threshold(0.5, tensor, logits=not share))


def pack_mask(scores: bytes, tensor: TensorSpec, *, runs: bool) -> bytes:
    """The object: `HEAD`, then the mask of these output bytes, packed or as runs."""
    mask = mask_of(np.frombuffer(scores, np.int8).reshape(tensor.shape), tensor)
    bits = 0 if runs else bits_of(tensor)
    data = encode_runs(mask) if runs else pack(mask, bits=bits)
    return HEAD.pack(mask.size, len(data), zlib.crc32(data), bits, 0, 0) + data


def unpack_mask(block: bytes, tensor: TensorSpec) -> np.ndarray:
    """The inverse: uint8 (height, width).

    Raises:
        LinkError: bytes that are no mask of the tensor's pixels, or not those that were announced.
    """
    _, height, width, _ = tensor.shape
    pixels, size, crc, bits, *_ = HEAD.unpack_from(block)
    data = block[HEAD.size :]
    if (pixels, size, crc) != (height * width, len(data), zlib.crc32(data)) or bits not in (
        0,
        bits_of(tensor),
    ):
        raise LinkError("The mask is not what the board announced.", hint="Infer again.")
    mask = unpack(data, pixels=pixels, bits=bits) if bits else decode_runs(data, pixels=pixels)
    return mask.reshape(height, width)


def bits_of(tensor: TensorSpec) -> int:
    """Bits per pixel of a packed mask; one channel has two classes."""
    return packed_bits(max(2, tensor.shape[-1]))


def packed_bytes(tensor: TensorSpec) -> int:
    """Size of the packed object, its head included."""
    return HEAD.size + -(-prod(tensor.shape[1:3]) * bits_of(tensor) // 8)
