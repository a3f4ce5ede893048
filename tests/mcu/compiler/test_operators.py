"""Every operator, over random shapes, windows, scales and zero points, gives TensorFlow Lite Micro's bytes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mcu.compiler import ALIASES, EMITTERS
from tests.mcu.compiler.cases import OPERATORS, Adder
from tests.mcu.compiler.host_run import assert_equals_tflm
from tests.mcu.compiler.long_run import graph_of, run
from tests.support import require
from tests.tflite_writer import Graph

# Many cases share one C file, one compilation and one process: 5 graphs of 40 operators are 200 cases.
PER_GRAPH = 40
GRAPHS = 5
LONG_RUN_CASES = 100_000


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_random_operators_give_the_bytes_of_tensorflow_lite_micro(operator: str) -> None:
    require("module:tflite_micro")

    # No shrinking: every attempt compiles forty operators; the message names the case, its shape and the first byte.
    @settings(
        max_examples=GRAPHS,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(OPERATORS[operator], min_size=PER_GRAPH, max_size=PER_GRAPH), st.integers(0, 2**16))
    def check(adders: list[Adder], seed: int) -> None:
        assert_equals_tflm(graph_of(adders), samples=4, seed=seed)

    check()


@pytest.mark.parametrize(
    ("scale", "target", "alpha"),
    [
        # Every eighth negative value is a tie, which only a mirrored factor hits.
        (10.646047592163086, 8 * 10.646047592163086, -1.0),
        # 200 input steps are half of 138.5 output steps with float64 factors, and a hair less with float32.
        (0.0012417417019605637, 0.0035862575750797987, 2.0),
    ],
    ids=["mirrored", "float64"],
)
def test_a_leaky_relus_ties_round_as_the_references_do(scale: float, target: float, alpha: float) -> None:
    require("module:tflite_micro")
    graph = Graph()
    source = graph.input("x", (1, 4096), scale=scale, zero_point=-125 if alpha > 0 else 127)
    graph.add("LEAKY_RELU", (source,), "y", (1, 4096), scale=target, options={"alpha": alpha})
    assert_equals_tflm(graph.build(outputs=["y"]), samples=4, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_a_hundred_thousand_random_operators_give_the_bytes_of_tensorflow_lite_micro(operator: str) -> None:
    require("module:tflite_micro")
    assert run([operator], cases=LONG_RUN_CASES) == {operator: LONG_RUN_CASES}


def test_every_supported_operator_has_cases() -> None:
    tested_with_another = {"PADV2": "PAD", "SQUEEZE": "RESHAPE", "EXPAND_DIMS": "RESHAPE"}
    assert {tested_with_another.get(name, name) for name in {*EMITTERS, *ALIASES}} == set(OPERATORS)
