"""The model of the MLPerf Tiny vectors, and how their exchanges are held against a device."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mcu.tensor import TensorSpec
from tests.mcu.protocol.loop import Invert

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors/mlperf.json").read_text())
SESSIONS: dict[str, list[tuple[str, list[str]]]] = VECTORS["sessions"]
MODEL_ID: str = VECTORS["model"]["id"]


class VectorModel(Invert):
    """`Invert` with the vectors' scales, which fails when its input begins with FAIL, as the one in C does."""

    def __init__(self) -> None:
        sizes = [output["bytes"] for output in VECTORS["model"]["outputs"]]
        super().__init__(inputs=(VECTORS["model"]["input_bytes"],), outputs=sizes)
        self.outputs = tuple(
            TensorSpec(
                name=f"out{i}",
                shape=(1, output["bytes"]),
                scale=output["scale"],
                zero_point=output["zero_point"],
            )
            for i, output in enumerate(VECTORS["model"]["outputs"])
        )

    def invoke(self, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        self.fails = inputs[0].tobytes().startswith(b"FAIL")
        return super().invoke(inputs)


def lines_of(answer: bytes) -> list[str]:
    """Lines of an answer, each ended by CR LF; the time in laps is a star."""
    text = answer.decode("ascii")
    assert text.endswith("\r\n") or not text
    return [re.sub(r"^(m-lap-us-)\d+$", r"\1*", line) for line in text.split("\r\n")[:-1]]


def hold(feed: Callable[[bytes], bytes], exchanges: Sequence[tuple[str, list[str]]]) -> None:
    """Every command of a session gets the lines that the vectors have."""
    for command, expected in exchanges:
        assert lines_of(feed(command.encode("ascii"))) == expected, command
