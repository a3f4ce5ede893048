"""The operators that firmware with TensorFlow Lite Micro brings are those of the garden."""

from __future__ import annotations

import re

from mcu.compiler import SUPPORTED_OPERATORS
from mcu.compiler.emit import sketches_folder
from mcu.tflite.tflm_operators import ADD_METHODS

HEADER = (sketches_folder() / "libraries/KerasTinyTFLM/src/kt_operators.h").read_text("utf-8")


def test_firmware_for_models_that_come_later_has_every_operator_of_the_garden():
    added = re.findall(r"to\.(Add\w+)\(\)", HEADER)
    assert added == sorted(ADD_METHODS[operator] for operator in SUPPORTED_OPERATORS)
    (room,) = re.findall(r"MicroMutableOpResolver<(\d+)>", HEADER)
    assert int(room) == len(added)
