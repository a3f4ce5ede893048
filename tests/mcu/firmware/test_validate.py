"""Two hundred real pictures on an emulated STM32F405: the same bytes and metric as the virtual board's, twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mcu
from tests.mcu.firmware.conftest import TOOLS
from tests.mcu.hil.digits_bundle import digits, write_digits_bundle
from tests.support import require

IMAGES = 200


@pytest.mark.timeout(300)
def test_validation_on_the_emulated_chip_equals_the_virtual_boards_and_itself(tmp_path: Path):
    for tool in (*TOOLS["qemu_stm32f405"], *TOOLS["virtual_tflm"]):
        require(tool)
    bundle = write_digits_bundle(tmp_path / "bundle")
    data = digits().test
    runs = {
        name: mcu.validate(bundle, data, board=board, limit=IMAGES, out_dir=tmp_path / name)
        for name, board in (
            ("first", "qemu_stm32f405"),
            ("second", "qemu_stm32f405"),
            ("virtual", "virtual"),
        )
    }
    assert all(run.samples == IMAGES and run.bit_exact for run in runs.values())
    assert runs["first"].metrics == runs["second"].metrics == runs["virtual"].metrics
    assert runs["first"].metrics["accuracy"] > 0.9
    outputs = [np.load(tmp_path / name / "outputs.npy") for name in runs]
    assert all(np.array_equal(each, outputs[0]) for each in outputs)
    assert runs["first"].engine == "c"
    counts = {runs["first"].instructions_per_inference, runs["second"].instructions_per_inference}
    assert len(counts) == 1
    assert None not in counts
