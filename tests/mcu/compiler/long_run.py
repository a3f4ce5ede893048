"""A hundred thousand random cases of every operator against TensorFlow Lite Micro; may be interrupted and goes on.

    python -m tests.mcu.compiler.long_run [OPERATOR …] [--machine host] [--cases 100000] [--jobs 2] [--state FILE]

On this host the engine is plain C under ASan and UBSan; on an emulated machine it has the kernels of that machine.

Cases come in chunks: one model of independent operators, drawn from the chunk's number, so that a chunk that fails can
be repeated alone. Chunks of all operators take turns: whenever it ends, all are equally far. The state counts the
chunks that are done; remove the file when the engine has changed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

from hypothesis.control import BuildContext
from hypothesis.errors import StopTest
from hypothesis.internal.conjecture.data import ConjectureData

from tests.benchmarks.qemu_bench import MACHINES
from tests.mcu.compiler.cases import OPERATORS, Adder
from tests.mcu.compiler.emulated_run import assert_machine_equals_tflm
from tests.mcu.compiler.host_run import assert_equals_tflm
from tests.tflite_writer import Graph

HOST = "host"
# Operators of one model; all inputs lie in the arena at once, and the Cortex-M4 has 128 KiB.
CHUNK = {HOST: 250, "cortex_m4": 50, "cortex_m7": 250, "riscv": 250}
SAMPLES = 4  # inputs of every case: both extremes, then noise


def draw(operator: str, count: int, *, number: int) -> list[Adder]:
    """Cases of one operator, the same for the same number.

    Hypothesis draws, but without its engine, which is there to find and shrink one failure: it repeats up to a sixth
    of the cases to vary them, and takes three times as long.
    """
    random, drawn = Random(f"{operator} {number}"), list[Adder]()
    while len(drawn) < count:
        choices = ConjectureData(random=random)
        try:
            with BuildContext(choices, wrapped_test=draw):
                drawn.append(choices.draw(OPERATORS[operator]))
        except StopTest:  # these choices make no case
            continue
    return drawn


def graph_of(adders: Sequence[Adder]) -> bytes:
    """A model of independent operators, each with its own inputs and output."""
    graph = Graph()
    return graph.build(outputs=[add(graph, f"case{index}") for index, add in enumerate(adders)])


def check_chunk(task: tuple[str, int], *, machine: str = HOST) -> tuple[str, int]:
    """Compare one chunk; (operator, its cases)."""
    operator, number = task
    adders = draw(operator, CHUNK[machine], number=number)
    try:
        if machine == HOST:
            assert_equals_tflm(graph_of(adders), samples=SAMPLES, seed=number)
        else:
            assert_machine_equals_tflm(graph_of(adders), MACHINES[machine], samples=SAMPLES, seed=number)
    except Exception as error:
        raise AssertionError(f"{operator}, chunk {number} on {machine}: {error}") from error
    return operator, len(adders)


def run(
    operators: Sequence[str],
    *,
    cases: int,
    machine: str = HOST,
    jobs: int = 1,
    state: Path | None = None,
    report: Callable[[str], None] = print,
) -> Mapping[str, int]:
    """Check until every operator has `cases` cases; operator → cases that are done, those of earlier runs included."""
    done: dict[str, int] = json.loads(state.read_text()) if state is not None and state.is_file() else {}
    size = CHUNK[machine]
    chunks = -(-cases // size)
    tasks = [
        (operator, number)
        for number in range(chunks)
        for operator in operators
        if number >= done.get(operator, 0)
    ]
    begin, checked = time.monotonic(), 0
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        for operator, count in pool.map(partial(check_chunk, machine=machine), tasks):
            done[operator] = done.get(operator, 0) + 1
            checked += count
            if state is not None:
                state.parent.mkdir(parents=True, exist_ok=True)
                state.write_text(json.dumps(done, indent=1))
            rate = checked / (time.monotonic() - begin)
            report(f"{operator}: {done[operator] * size:,} of {chunks * size:,}; {rate:.0f} cases/s")
    return {operator: done.get(operator, 0) * size for operator in operators}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("operators", nargs="*", choices=[*sorted(OPERATORS), []], metavar="OPERATOR")
    parser.add_argument("--machine", choices=list(CHUNK), default=HOST, help="where the compiled engine runs")
    parser.add_argument("--cases", type=int, default=100_000, help="of every operator")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--state", type=Path, help="build/long_run_MACHINE.json by default")
    chosen = parser.parse_args(arguments)
    run(
        chosen.operators or sorted(OPERATORS),
        cases=chosen.cases,
        machine=chosen.machine,
        jobs=chosen.jobs,
        state=chosen.state or Path(f"build/long_run_{chosen.machine}.json"),
        report=partial(print, flush=True),
    )


if __name__ == "__main__":
    main()
