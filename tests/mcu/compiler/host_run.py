"""Compile a model for this host with sanitizers and run it as its own process."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mcu.compiler import CompiledModel, compile_model, emit
from mcu.firmware.gcc import SANITIZE, TARGETS, compile_objects, link
from mcu.tflm import TflmInterpreter
from tests.mcu.compiler.kernel_objects import kernel_objects

MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "kt_{name}.h"
int main(void)
{{
    static const size_t in_bytes[] = {{{in_bytes}}};
    static const size_t out_bytes[] = {{{out_bytes}}};
    int8_t *const arena = malloc(KT_{upper}_ARENA_BYTES); /* exactly as much: a byte too far is seen */
    for (;;) {{
        for (int i = 0; i < KT_{upper}_INPUTS; ++i) {{
            if (fread(kt_{name}_input(arena, i), 1, in_bytes[i], stdin) != in_bytes[i]) {{
                free(arena);
                return i == 0 ? 0 : 3;
            }}
        }}
        if (kt_{name}_invoke(arena, NULL) != 0) {{
            return 4;
        }}
        for (int i = 0; i < KT_{upper}_OUTPUTS; ++i) {{
            fwrite(kt_{name}_output(arena, i), 1, out_bytes[i], stdout);
        }}
    }}
}}
"""


def run_on_host(
    compiled: CompiledModel,
    samples: Sequence[Sequence[np.ndarray]],
    *,
    flags: Sequence[str] = ("-O1", *SANITIZE),
) -> list[tuple[np.ndarray, ...]]:
    """Outputs for every sample; a sanitizer's report is an AssertionError."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = emit(compiled, Path(temporary) / "model")
        main = folder / "main.c"
        main.write_text(
            MAIN.format(
                name=compiled.name,
                upper=compiled.name.upper(),
                in_bytes=", ".join(str(spec.nbytes) for spec in compiled.inputs),
                out_bytes=", ".join(str(spec.nbytes) for spec in compiled.outputs),
            )
        )
        own = f"kt_{compiled.name}.c"
        host = TARGETS["host"]
        objects = compile_objects(host, [main, folder / own], out_dir=folder / "o", flags=flags)
        objects += kernel_objects(compiled, host, tuple(flags))
        program = link(host, objects, made=folder / "program", flags=flags)
        sent = b"".join(array.tobytes() for sample in samples for array in sample)
        done = subprocess.run([program], input=sent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    answers, at = [], 0
    for _ in samples:
        outputs = []
        for spec in compiled.outputs:
            outputs.append(np.frombuffer(done.stdout, np.int8, spec.nbytes, at).reshape(spec.shape))
            at += spec.nbytes
        answers.append(tuple(outputs))
    assert at == len(done.stdout)
    return answers


def random_samples(interpreter: TflmInterpreter, count: int, *, seed: int = 0) -> list[list[np.ndarray]]:
    """Inputs of all kinds: any byte, and one sample of each extreme."""
    rng = np.random.default_rng(seed)
    samples = [
        [rng.integers(-128, 128, spec.shape, np.int8) for spec in interpreter.inputs] for _ in range(count)
    ]
    if count > 2:
        samples[0] = [np.full(spec.shape, -128, np.int8) for spec in interpreter.inputs]
        samples[1] = [np.full(spec.shape, 127, np.int8) for spec in interpreter.inputs]
    return samples


def assert_equals_tflm(model_bytes: bytes, *, samples: int = 3, seed: int = 0) -> CompiledModel:
    """The compiled model's bytes equal TensorFlow Lite Micro's, under ASan and UBSan."""
    interpreter = TflmInterpreter(model_bytes)
    inputs = random_samples(interpreter, samples, seed=seed)
    expected = [interpreter.invoke(sample) for sample in inputs]
    compiled = compile_model(interpreter.model)
    for index, (ours, theirs) in enumerate(zip(run_on_host(compiled, inputs), expected, strict=True)):
        for position, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            wrong = np.flatnonzero(a.reshape(-1) != b.reshape(-1))
            assert wrong.size == 0, (
                f"sample {index}, output {position} '{compiled.outputs[position].name}' {b.shape}: {wrong.size} bytes "
                f"differ, first at {wrong[0]}: {a.reshape(-1)[wrong[0]]} instead of {b.reshape(-1)[wrong[0]]}"
            )
    return compiled
