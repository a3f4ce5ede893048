"""A small real model, as a file and as a bundle, and ports to open."""

from __future__ import annotations

import contextlib
import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from mcu.bundle import Bundle, npy_bytes, write_bundle
from mcu.tflm import TflmInterpreter
from tests.support import require
from tests.tflite_networks import residual_network


class Pty(NamedTuple):
    """A line: what is written to `board_fd` comes out of the port at `path`."""

    board_fd: int
    port_fd: int
    path: str


@pytest.fixture
def line() -> Iterator[Pty]:
    board_fd, port_fd = pty.openpty()
    tty.setraw(port_fd)
    yield Pty(board_fd, port_fd, os.ttyname(port_fd))
    for descriptor in (board_fd, port_fd):
        with contextlib.suppress(OSError):  # the test may have closed it
            os.close(descriptor)


@pytest.fixture(scope="session")
def model() -> bytes:
    require("module:tflite_micro")
    return residual_network()


@pytest.fixture(scope="session")
def model_path(model: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "residual.tflite"
    path.write_bytes(model)
    return path


@pytest.fixture(scope="session")
def desk(model: bytes) -> TflmInterpreter:
    """The same model without a link."""
    return TflmInterpreter(model)


@pytest.fixture
def bundle(tmp_path: Path, model: bytes, desk: TflmInterpreter) -> Bundle:
    (image,), (scores,) = desk.inputs, desk.outputs
    return write_bundle(
        tmp_path / "a bundle? 100%",
        files={
            "model.tflite": model,
            "golden_inputs.npy": npy_bytes(np.zeros((1, *image.shape[1:]), np.int8)),
            "golden_outputs.npy": npy_bytes(desk.invoke([np.zeros(image.shape, np.int8)])[0]),
        },
        manifest_fields={
            "name": "residual",
            "task": "classification",
            "labels": tuple("0123456789"),
            "inputs": (image,),
            "outputs": (scores,),
            "preprocessing": {"height": 8, "width": 8, "channels": 3},
            "operators": {},
            "arena_bytes": None,
            "arena_bytes_32bit": None,
            "macs": None,
            "params": None,
        },
    )
