"""Models as files, a firmware cache of the tests' own, and every kind of board that runs here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import require
from tests.tflite_networks import residual_network, segmenter

TOOLS = {
    "virtual_tflm": ("module:tflite_micro",),
    "virtual_c": ("cc",),
    "qemu_stm32f405": ("arm-none-eabi-gcc", "qemu-system-arm"),
    "qemu_mps2_an500": ("arm-none-eabi-gcc", "qemu-system-arm"),
    "qemu_riscv_virt": ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"),
}
EMULATED = tuple(name for name in TOOLS if name.startswith("qemu"))


@pytest.fixture(scope="session", autouse=True)
def firmware_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    before = os.environ.get("XDG_CACHE_HOME")
    folder = tmp_path_factory.mktemp("cache")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    yield folder / "keras-tiny" / "firmware"
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name → .tflite file."""
    folder = tmp_path_factory.mktemp("models")
    files = {}
    for name, model in (("classifier", residual_network()), ("segmenter", segmenter())):
        files[name] = folder / f"{name}.tflite"
        files[name].write_bytes(model)
    return files


@pytest.fixture(params=TOOLS)
def board(request: pytest.FixtureRequest) -> str:
    """A kind of board; skipped, with the reason, where its tools are missing."""
    for tool in TOOLS[request.param]:
        require(tool)
    return str(request.param)


def url_of(board: str, model: Path) -> str:
    """The port of a board of this kind with this model."""
    return {
        "virtual_tflm": f"virtual://{model}",
        "virtual_c": f"virtual://{model}?engine=c",
    }.get(board, f"qemu://{model}?board={board}")
