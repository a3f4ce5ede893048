"""Which operators of a model an engine has, and with which kernel it runs them."""

from __future__ import annotations

from collections import Counter

from mcu.compiler import ALIASES, SUPPORTED_OPERATORS, CompiledModel
from mcu.firmware.verdict import Cover
from mcu.tflite import TfliteModel
from mcu.tflite.tflm_operators import ADD_METHODS


def cover_compiled(compiled: CompiledModel) -> tuple[Cover, ...]:
    """Every operator of a model that the compiled engine runs."""
    found = Counter(
        (stage.operator.name, "dsp" if stage.kernel.source.endswith("_dsp.c") else "portable")
        for stage in compiled.stages
    )
    found.update((operator.name, "none") for operator in compiled.model.operators if operator.name in ALIASES)
    return _sorted(found)


def cover_tflm(graph: TfliteModel) -> tuple[Cover, ...]:
    """Every operator: TensorFlow Lite Micro can register it, or not."""
    return _sorted(
        Counter(
            {
                (name, "registered" if name in ADD_METHODS else "missing"): count
                for name, count in graph.operator_counts.items()
            }
        )
    )


def cover_refused(graph: TfliteModel) -> tuple[Cover, ...]:
    """Of a model that the compiled engine refuses: what it has at all, whatever the kernel would be."""
    return _sorted(
        Counter(
            {
                (name, "portable" if name in SUPPORTED_OPERATORS else "missing"): count
                for name, count in graph.operator_counts.items()
            }
        )
    )


def _sorted(found: Counter[tuple[str, str]]) -> tuple[Cover, ...]:
    return tuple(Cover(name, kernel, count) for (name, kernel), count in sorted(found.items()))
