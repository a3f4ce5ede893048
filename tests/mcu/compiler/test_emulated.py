"""The compiled engine on emulated machines gives TensorFlow Lite Micro's bytes, with fast kernels and with plain C."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mcu.compiler import compile_model
from mcu.firmware.gcc import TARGETS
from mcu.tflm import TflmInterpreter
from tests.benchmarks.qemu_bench import MACHINES, Machine, run_on_qemu
from tests.mcu.compiler.cases import OPERATORS, Adder
from tests.mcu.compiler.emulated_run import assert_machine_equals_tflm
from tests.support import require
from tests.tflite_networks import residual_network, segmenter
from tests.tflite_writer import Graph

FAST = ("ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
PER_GRAPH = 40


def check_random(strategies: Sequence[st.SearchStrategy[Adder]], machine: Machine, *, graphs: int) -> None:
    """Graphs of PER_GRAPH independent operators."""

    @settings(
        max_examples=graphs,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.one_of(*strategies), min_size=PER_GRAPH, max_size=PER_GRAPH), st.integers(0, 2**16))
    def run(adders: list[Adder], seed: int) -> None:
        graph = Graph()
        outputs = [add(graph, f"case{index}") for index, add in enumerate(adders)]
        assert_machine_equals_tflm(graph.build(outputs=outputs), machine, seed=seed)

    run()


@pytest.fixture(params=sorted(MACHINES))
def machine(request: pytest.FixtureRequest) -> Machine:
    """Every emulated machine whose tools are there."""
    chosen = MACHINES[request.param]
    require("module:tflite_micro")
    require(chosen.qemu[0])
    require(TARGETS[chosen.target].compiler[0])
    return chosen


@pytest.mark.parametrize("model_bytes", [residual_network(), segmenter()], ids=["residual", "segmenter"])
def test_whole_networks_give_the_same_bytes(machine: Machine, model_bytes: bytes) -> None:
    assert_machine_equals_tflm(model_bytes, machine)


@pytest.mark.parametrize("operator", FAST)
def test_operators_with_fast_kernels_give_the_same_bytes(machine: Machine, operator: str) -> None:
    graphs = 5 if machine.target == "cortex_m4" else 1
    check_random([OPERATORS[operator]], machine, graphs=graphs)


def test_every_operator_gives_the_same_bytes(machine: Machine) -> None:
    check_random([OPERATORS[name] for name in sorted(OPERATORS)], machine, graphs=2)


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_two_hundred_cases_of_every_operator_give_the_same_bytes(machine: Machine, operator: str) -> None:
    check_random([OPERATORS[operator]], machine, graphs=5)


def test_dead_channels_with_huge_biases_leave_a_layer_to_the_fast_kernel() -> None:
    """Real files have them: no weights to speak of, a tiny scale, and a bias that saturates or vanishes."""
    chosen = MACHINES["cortex_m4"]
    for tool in ("module:tflite_micro", chosen.qemu[0], TARGETS[chosen.target].compiler[0]):
        require(tool)
    rng = np.random.default_rng(8)
    graph = Graph()
    x = graph.input("x", (1, 5, 7, 4), scale=0.02, zero_point=-3)
    scales = [0.01, 1e-12, 0.013, 1e-7, 0.008, 1e-7, 0.01, 2e-8]
    biases = [900, 7, -1200, 2**30, 0, -(2**30), 77, 2**27]
    zeros = (0,) * len(scales)
    weights = rng.integers(-127, 128, (len(scales), 3, 3, 4), np.int8)
    w = graph.constant("w", weights, scales=scales, zero_points=zeros)
    b = graph.constant(
        "b", np.array(biases, np.int32), scales=[0.02 * each for each in scales], zero_points=zeros
    )
    options = {
        "padding": "SAME",
        "stride_h": 1,
        "stride_w": 1,
        "dilation_h_factor": 1,
        "dilation_w_factor": 1,
    }
    y = graph.add("CONV_2D", (x, w, b), "y", (1, 5, 7, 8), scale=0.05, zero_point=5, options=options)
    model_bytes = graph.build(outputs=[y])
    assert "kt_conv_row_dsp, .op" in compile_model(model_bytes, kernels="dsp").files["kt_model.c"]
    assert_machine_equals_tflm(model_bytes, chosen)


def test_two_runs_take_the_same_number_of_instructions() -> None:
    chosen = MACHINES["cortex_m4"]
    require("module:tflite_micro")
    require(chosen.qemu[0])
    require(TARGETS[chosen.target].compiler[0])
    model_bytes = residual_network()
    interpreter = TflmInterpreter(model_bytes)
    inputs = [[np.zeros(spec.shape, np.int8) for spec in interpreter.inputs]] * 2
    expected = [interpreter.invoke(sample) for sample in inputs]
    compiled = compile_model(model_bytes, kernels="dsp")
    runs = [run_on_qemu(compiled, chosen, inputs, expected) for _ in range(2)]
    assert runs[0].instructions == runs[1].instructions > 0
    assert runs[0].by_operator == runs[1].by_operator
