"""The link's own 64-bit division equals Python's, at the edges and in between."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

from mcu.firmware.gcc import SANITIZE, TARGETS, compile_objects, link
from tests.sketches.link.c_board import LIBRARY

MAIN = """
#include <inttypes.h>
#include <stdio.h>
#include "kt_divide.h"
int main(void)
{
    uint64_t a;
    uint32_t b;
    while (scanf("%" SCNu64 " %" SCNu32, &a, &b) == 2) {
        printf("%" PRIu64 "\\n", kt_divide(a, b));
    }
    return 0;
}
"""
EDGES = (0, 1, 2, 3, 999, 1000, 2**31 - 1, 2**31, 2**32 - 1)


def test_quotients_are_those_of_python(tmp_path: Path):
    rng = random.Random(0)
    cases = [(a, b) for a in (*EDGES, 2**32, 2**63 - 1, 2**63, 2**64 - 1) for b in EDGES if b]
    cases += [
        (rng.getrandbits(rng.randint(1, 64)), 1 + rng.getrandbits(rng.randint(1, 31))) for _ in range(2000)
    ]
    source = tmp_path / "main.c"
    source.write_text(MAIN)
    host = TARGETS["host"]
    flags = (*SANITIZE, f"-I{LIBRARY}")
    objects = compile_objects(host, [source, LIBRARY / "kt_divide.c"], out_dir=tmp_path / "o", flags=flags)
    program = link(host, objects, made=tmp_path / "main", flags=SANITIZE)
    sent = "".join(f"{a} {b}\n" for a, b in cases)
    done = subprocess.run([program], input=sent, capture_output=True, text=True, check=True)
    assert [int(line) for line in done.stdout.split()] == [a // b for a, b in cases]
