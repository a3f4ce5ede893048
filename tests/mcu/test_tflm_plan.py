"""The planned arena is the interpreter's: head exactly, total within 2 %, for every kernel and every model."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from keras_tiny.models.table import read_table
from mcu.errors import ModelFileError
from mcu.tflm import TflmInterpreter, measure_arena
from mcu.tflm_plan import plan_tflm
from tests.mcu.compiler.cases import OPERATORS, Adder
from tests.mcu.compiler.long_run import graph_of
from tests.support import require
from tests.tflite_networks import residual_network, segmenter
from tests.tflite_writer import Graph

TOTAL_SHARE = 0.02
DEPLOYABLE = {row.name: row for row in read_table() if row.tflite_bytes is not None}
# How far the tail of a single kernel may be off: alignment, and a list of axes here and there.
KERNEL_TAIL_BYTES = 32


def head_and_tail(model_bytes: bytes) -> tuple[int, int]:
    """By the interpreter's own report."""
    interpreter = TflmInterpreter(model_bytes)
    interpreter.invoke([np.zeros(spec.shape, spec.dtype) for spec in interpreter.inputs])
    said = interpreter.allocations()
    head, tail = (re.search(rf"allocation {part} (\d+) bytes", said) for part in ("head", "tail"))
    assert head is not None
    assert tail is not None
    return int(head[1]), int(tail[1])


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_the_head_is_the_interpreters_for_random_operators(operator: str):
    require("module:tflite_micro")

    @settings(
        max_examples=1,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(OPERATORS[operator], min_size=8, max_size=8))
    def check(adders: list[Adder]) -> None:
        model_bytes = graph_of(adders)
        head, tail = head_and_tail(model_bytes)
        plan = plan_tflm(model_bytes)
        assert plan.head_bytes == head
        assert abs(plan.tail_bytes - tail) <= KERNEL_TAIL_BYTES * len(adders)

    check()


@pytest.mark.parametrize("network", [residual_network, segmenter])
def test_the_total_is_the_smallest_arena_that_runs(network):
    require("module:tflite_micro")
    measured, plan = measure_arena(network()), plan_tflm(network())
    assert plan.head_bytes == measured.head_bytes
    assert measured.total_bytes <= plan.total_bytes <= measured.total_bytes * (1 + TOTAL_SHARE) + 256


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", DEPLOYABLE)
def test_every_model_of_the_garden_is_planned_as_the_interpreter_does_it(name: str):
    for module in ("tensorflow", "tf_keras", "tflite_micro"):
        require(f"module:{module}")
    from keras_tiny.export.untrained import untrained_file
    from keras_tiny.keras_api import keras
    from keras_tiny.models.variants import variants
    from keras_tiny.profile.count_variant import build_variant

    (variant,) = (each for each in variants() if each.name == name)
    keras.utils.set_random_seed(0)
    model_bytes = untrained_file(build_variant(variant))
    measured, plan = measure_arena(model_bytes), plan_tflm(model_bytes)
    row = DEPLOYABLE[name]
    assert plan.head_bytes == measured.head_bytes
    for planned, real in (
        (plan.total_bytes, measured.total_bytes),
        (plan.total_bytes_32bit, measured.total_bytes_32bit),
        (plan.total_bytes, row.arena_bytes),
        (plan.total_bytes_32bit, row.arena_bytes_32bit),
    ):
        assert real is not None
        assert abs(planned - real) <= TOTAL_SHARE * real


def test_the_peak_names_what_is_alive_then_the_largest_first():
    plan = plan_tflm(segmenter())
    sizes = [buffer.bytes for buffer in plan.at_peak]
    assert sizes == sorted(sizes, reverse=True)
    assert plan.at_peak[0].name.startswith("scratch of up")  # int32 sums of the transposed convolution
    assert sum(sizes) == plan.head_bytes


def test_no_two_buffers_that_live_together_overlap():
    buffers = plan_tflm(residual_network()).buffers
    for one in buffers:
        for other in buffers:
            if one is other or one.first > other.last or other.first > one.last:
                continue
            assert one.offset + one.bytes <= other.offset or other.offset + other.bytes <= one.offset


def test_a_model_without_operators_is_refused():
    graph = Graph()
    x = graph.input("x", (1, 4))
    with pytest.raises(ModelFileError, match="no operators"):
        plan_tflm(graph.build(outputs=(x,)))


def test_planning_needs_neither_the_wheel_nor_tensorflow(tmp_path: Path):
    path = tmp_path / "model.tflite"
    path.write_bytes(segmenter())
    code = (
        "import sys; from pathlib import Path; from mcu.tflm_plan import plan_tflm;"
        f" print(plan_tflm(Path({str(path)!r}).read_bytes()).head_bytes);"
        " print(sorted({name.partition('.')[0] for name in sys.modules} & {'tensorflow', 'keras', 'tflite_micro'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[1] == "[]"
