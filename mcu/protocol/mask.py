"""The objects MASK and MASK_RUNS: the class of each pixel (docs/reference/protocol.md, "Masks")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from mcu.postprocess.mask_object import HEAD, packed_bytes, unpack_mask
from mcu.protocol.fetch import fetch_object
from mcu.protocol.link import Link
from mcu.protocol.messages import Object
from mcu.protocol.timer import RetransmitTimer
from mcu.tensor import TensorSpec

MaskForm = Literal["packed", "runs"]


def fetch_mask(
    link: Link,
    request: int,
    tensor: TensorSpec,
    *,
    form: MaskForm,
    timer: RetransmitTimer,
    timeout_s: float,
    clock: Callable[[], float],
) -> np.ndarray:
    """The mask of the request that has just run, uint8 (height, width).

    The board makes it in the place of its output: the output must be here already.

    Args:
        tensor: the output that it is made of.

    Raises:
        RemoteError: the board has none.
        LinkError: it does not arrive in `timeout_s`, or is not what the board announced.
    """
    end = clock() + timeout_s
    wanted = Object.MASK if form == "packed" else Object.MASK_RUNS

    def fetch(offset: int, length: int) -> bytes:
        return fetch_object(
            link, request, wanted, offset=offset, length=length, timer=timer, end=end, clock=clock
        )

    # How long a packed mask is, both ends know; of runs the head says it.
    block = fetch(0, packed_bytes(tensor) if form == "packed" else HEAD.size)
    size = HEAD.unpack_from(block)[1]
    if HEAD.size + size > len(block) and size <= tensor.nbytes:
        block += fetch(len(block), HEAD.size + size - len(block))
    return unpack_mask(block, tensor)
