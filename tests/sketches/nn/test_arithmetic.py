"""The kernels' integer arithmetic equals its Python twin and the real numbers, at the edges and in between."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mcu.compiler.arithmetic import (
    Factor,
    divide_by_power_of_two,
    high_multiply,
    quantize_multiplier,
    rescale,
    round_half_away,
)
from mcu.compiler.emit import LIBRARY, sketches_folder
from mcu.firmware.gcc import SANITIZE, TARGETS, compile_objects, link

MAIN = """
#include <stdio.h>
#include "kt_math.h"
int main(void)
{
    long x, multiplier, shift;
    while (scanf("%ld %ld %ld", &x, &multiplier, &shift) == 3) {
        printf("%ld\\n", (long)kt_rescale((int32_t)x, (int32_t)multiplier, (int32_t)shift));
    }
    return 0;
}
"""
EDGES = (-(2**31), -(2**31) + 1, -(2**30), -3, -2, -1, 0, 1, 2, 3, 2**30 - 1, 2**30, 2**31 - 2, 2**31 - 1)


def test_the_kernels_rescale_as_python_does_without_undefined_behaviour(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cases = [(x, m, s) for x in EDGES for m in (0, 2**30, 2**30 + 1, 2**31 - 1) for s in (-31, -8, -1, 0)]
    cases += [
        (int(rng.integers(-(2**31), 2**31)), int(rng.integers(2**30, 2**31)), int(rng.integers(-31, 1)))
        for _ in range(5000)
    ]
    cases += [
        (int(rng.integers(-(2**8), 2**8)), int(rng.integers(2**30, 2**31)), int(rng.integers(1, 20)))
        for _ in range(500)
    ]
    source = tmp_path / "main.c"
    source.write_text(MAIN)
    flags = (*SANITIZE, f"-I{sketches_folder() / LIBRARY}")
    host = TARGETS["host"]
    objects = compile_objects(host, [source], out_dir=tmp_path / "o", flags=flags)
    program = link(host, objects, made=tmp_path / "main", flags=SANITIZE)
    sent = "".join(f"{x} {m} {s}\n" for x, m, s in cases)
    done = subprocess.run([program], input=sent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [int(line) for line in done.stdout.split()] == [rescale(x, Factor(m, s)) for x, m, s in cases]


@pytest.mark.parametrize("exponent", [1, 2, 7, 30, 31])
def test_division_rounds_halves_away_from_zero(exponent: int) -> None:
    half = 1 << (exponent - 1)
    for x in {*EDGES, half, -half, half - 1, 1 - half, 3 * half if exponent < 30 else 0}:
        assert divide_by_power_of_two(x, exponent) == round_half_away_exactly(Fraction(x, 1 << exponent))


def round_half_away_exactly(value: Fraction) -> int:
    whole = (abs(value) + Fraction(1, 2)).__floor__()
    return whole if value >= 0 else -whole


def test_the_high_product_rounds_halves_up() -> None:
    assert high_multiply(1, 2**30) == 1
    assert high_multiply(-1, 2**30) == 0
    assert high_multiply(-(2**31), -(2**31)) == 2**31 - 1


def test_a_factor_is_the_nearest_31_bit_fraction() -> None:
    for factor in (1.0, 0.5, 0.75, 1e-3, 3.0, 2.0**-31, 0.9999999999):
        found = quantize_multiplier(factor)
        assert found.multiplier == 0 or 2**30 <= found.multiplier < 2**31
        assert abs(found.multiplier * 2.0 ** (found.shift - 31) - factor) <= factor * 2.0**-31
    assert quantize_multiplier(2.0**-40) == Factor(0, 0)
    assert quantize_multiplier(0.0) == Factor(0, 0)


def test_halves_round_away_from_zero() -> None:
    assert [round_half_away(x) for x in (-2.5, -0.5, 0.5, 1.49, 2.5)] == [-3, -1, 1, 1, 3]


@pytest.mark.parametrize("shift", range(1, 31))
def test_the_fast_requantization_equals_the_reference(shift: int) -> None:
    """The algebra of kt_dsp.h: one SMMLAR, a shift by n - 1, and SSAT with a shift by one."""
    rng = np.random.default_rng(shift)
    for _ in range(300):
        multiplier, zero = int(rng.integers(2**30, 2**31)), int(rng.integers(-128, 128))
        x = int(
            rng.choice([*EDGES[1:], int(rng.integers(-(2**31), 2**31)), int(rng.integers(-(2**20), 2**20))])
        )
        product = x + ((x * (2 * multiplier - 2**32) + 2**31) >> 32)
        assert product == high_multiply(x, multiplier)
        away = product + (product >> 31)
        fast = min(max(((away >> (shift - 1)) + 1 + 2 * zero) >> 1, -128), 127)
        exact = rescale(x, Factor(multiplier, -shift)) + zero
        assert fast == min(max(exact, -128), 127)
        behind_relu = min(max(((product >> (shift - 1)) + 1 - 256) >> 1, -128), 127)
        assert behind_relu == min(max(rescale(x, Factor(multiplier, -shift)) - 128, -128), 127)
