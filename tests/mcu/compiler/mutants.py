"""Damaged .tflite files through reader, compiler and emitted C: an error or clean C, never a crash or a hang.

    python -m tests.mcu.compiler.mutants [--files 100000] [--first 0]

Every CHUNK files are drawn from their number: a chunk that fails, or a run that was interrupted, goes on with --first.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

from mcu.compiler import compile_model
from mcu.errors import KerasTinyError
from tests.mcu.compiler.host_run import run_on_host
from tests.tflite_networks import residual_network, segmenter

CHUNK = 200
RUN_EVERY = 20  # of the files that compile, one in so many runs under ASan and UBSan
MAX_ARENA_BYTES = 1 << 22
HANG_S = 120.0  # far beyond what any file takes on a busy machine


def mutate(model_bytes: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes, bits or 32-bit words changed."""
    data = bytearray(model_bytes)
    for _ in range(rng.integers(1, 6)):
        at, kind = int(rng.integers(0, len(data) - 4)), rng.integers(0, 4)
        if kind == 0:
            data[at] = int(rng.integers(0, 256))
        elif kind == 1:
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 2:
            data[at : at + 4] = int(rng.choice([0, 1, 255, 2**31 - 1, 2**32 - 1])).to_bytes(4, "little")
        else:
            data[at] = (data[at] + 1) % 256
    return bytes(data)


def check_chunk(number: int, *, run_every: int = RUN_EVERY) -> tuple[int, int]:
    """How many of the chunk's files compiled, and how many of those ran."""
    rng = np.random.default_rng([20, number])
    originals = [residual_network(), segmenter()]
    compiled_count = ran = 0
    for index in range(CHUNK):
        mutant = mutate(originals[index % len(originals)], rng)
        start = time.process_time()
        try:
            compiled = compile_model(mutant)
        except KerasTinyError:
            continue
        finally:
            assert time.process_time() - start < HANG_S, f"chunk {number}, file {index}"
        if (number + compiled_count) % run_every == 0 and compiled.arena_bytes < MAX_ARENA_BYTES:
            run_on_host(compiled, [[np.zeros(spec.shape, np.int8) for spec in compiled.inputs]])
            ran += 1
        compiled_count += 1
    return compiled_count, ran


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="chunk to begin with")
    chosen = parser.parse_args(arguments)
    compiled_count = ran = 0
    for number in range(chosen.first, -(-chosen.files // CHUNK)):
        found = check_chunk(number)
        compiled_count, ran = compiled_count + found[0], ran + found[1]
        done = (number + 1) * CHUNK
        print(
            f"chunk {number}: {done:,} files; since the start {compiled_count:,} compiled, {ran:,} ran",
            flush=True,
        )


if __name__ == "__main__":
    main()
