"""Operators of the compiled engine with their kernels, as Markdown: `python -m mcu.compiler.operators_page`.

Written to docs/reference/operators.md. Kernels are read from the emit functions' own code, so none can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import fill
from types import CodeType, FunctionType
from typing import Any

from mcu.compiler.operators import ALIASES, EMITTERS
from mcu.compiler.stage import Kernel
from mcu.tflite.tflm_operators import ADD_METHODS

_HEAD = """\
# Operators

Written by `python -m mcu.compiler.operators_page > docs/reference/operators.md` from the emit functions in
`mcu/compiler/operators/` and the kernels in `sketches/libraries/KerasTinyNN/src/`.

The compiled engine runs the int8 operators below, each with the bytes of TensorFlow Lite Micro. A kernel computes one
output row; `…_dsp` is chosen with `kernels="dsp"` on a Cortex-M with DSP instructions wherever its arithmetic is exact,
layer by layer, and the portable one everywhere else. [The compiler](compiler.md) says what of an operator is refused
and why; [how to add an operator](../how_to/add_an_operator.md) adds one.

| operator | kernel | on Cortex-M with DSP | C files |
|---|---|---|---|
"""
_TAIL = """
Functions of one int8 (`kt_lut_row`) are tables of 256 answers, computed at compile time. {aliases}
cost nothing: their output is another name for their input.

## TensorFlow Lite Micro alone

The other engine runs every operator that its resolver knows; [the audit](audit.md) holds an exported file to that list.
Beyond the ones above these are:

{others}.
"""


def markdown() -> str:
    """The page."""
    rows = []
    for operator, emitter in sorted(EMITTERS.items()):
        kernels = sorted(set(kernels_of(emitter)), key=lambda kernel: kernel.function)
        fast = [kernel for kernel in kernels if kernel.function.endswith("_dsp")]
        plain = [kernel for kernel in kernels if kernel not in fast]
        cells = (plain, fast)
        named = (", ".join(f"`{kernel.function}`" for kernel in cell) or "the same" for cell in cells)
        files = ", ".join(f"`{source}`" for source in sorted({kernel.source for kernel in kernels}))
        rows.append(f"| `{operator}` | {' | '.join(named)} | {files} |\n")
    aliases = ", ".join(f"`{name}`" for name in sorted(ALIASES))
    others = ", ".join(f"`{name}`" for name in sorted({*ADD_METHODS} - {*EMITTERS} - ALIASES))
    tail = _TAIL.format(aliases=aliases, others=fill(others, 120, break_on_hyphens=False))
    return _HEAD + "".join(rows) + tail


def kernels_of(emitter: Callable[..., Any]) -> Iterator[Kernel]:
    """Every kernel that an emit function, or a function of this package that it calls, can choose."""
    seen: set[CodeType] = set()
    waiting: list[Any] = [emitter]
    while waiting:
        function = waiting.pop()
        code = function.__code__
        if code in seen:
            continue
        seen.add(code)
        for name in _names(code):
            meant = function.__globals__.get(name)
            if isinstance(meant, Kernel):
                yield meant
            elif isinstance(meant, FunctionType) and meant.__module__.startswith("mcu.compiler.operators"):
                waiting.append(meant)


def _names(code: CodeType) -> Iterator[str]:
    """Global names in a function and in the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


if __name__ == "__main__":
    print(markdown(), end="")
