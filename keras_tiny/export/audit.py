"""The audit that every exported file must pass: would this .tflite run as int8 in TensorFlow Lite Micro?

The rules are in `audit_rules.py` and `audit_layers.py`, each with its reason; docs/reference/audit.md lists them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from keras_tiny.export.audit_layers import LAYER_RULES, quantize_names
from keras_tiny.export.audit_rules import FILE_RULES, Graph, Problem
from mcu.errors import MissingExtra, ModelFileError
from mcu.model_file import read_tflite
from mcu.tflite import FLOAT_TYPES, read_model
from mcu.tflm import TflmInterpreter


@dataclass(frozen=True)
class AuditReport:
    """What the audit found.

    Attributes:
        problems: everything for which the file must not be exported; none if `ok`.
        float_tensors: names of all tensors of a floating-point type.
        operators: operator name → how often.
        quantize_ops: each QUANTIZE operator, named; allowed where two branches with different ranges meet.
        notes: what is allowed but costs something.
        tried: whether TensorFlow Lite Micro itself has allocated and prepared the model.
    """

    problems: tuple[Problem, ...]
    float_tensors: tuple[str, ...]
    operators: dict[str, int]
    quantize_ops: tuple[str, ...]
    notes: tuple[str, ...] = ()
    tried: bool = False

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """The keys of `keras-tiny audit --json` (docs/reference/audit.md)."""
        return {
            "ok": self.ok,
            "problems": [asdict(problem) for problem in self.problems],
            "float_tensors": list(self.float_tensors),
            "operators": dict(self.operators),
            "quantize_ops": list(self.quantize_ops),
        }

    def to_text(self) -> str:
        """The same for people, with the notes."""
        lines = ["Operators: " + ", ".join(f"{name} {count}" for name, count in self.operators.items())]
        for title, entries in (
            ("Problem", map(str, self.problems)),
            ("Quantize operator", self.quantize_ops),
            ("Note", self.notes),
        ):
            lines += [f"{title}: {entry}" for entry in entries]
        if self.ok:
            tried = "; TensorFlow Lite Micro runs it." if self.tried else "."
            lines.append(f"Passed: int8 from input to output{tried}")
        else:
            lines.append(f"Failed: {len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}.")
        return "\n".join(lines)


def audit(model: bytes | str | Path) -> AuditReport:
    """Judge a .tflite file, given as bytes or as a path; needs no TensorFlow.

    Raises:
        BadInput: no such file.
        ModelFileError: not a .tflite file, or a damaged one.
    """
    model_bytes = model if isinstance(model, bytes) else read_tflite(Path(model))
    graph = Graph.of(read_model(model_bytes))
    problems = list(chain.from_iterable(rule(graph) for rule in FILE_RULES))
    notes: list[str] = []
    for rule in LAYER_RULES:
        for found in rule(graph):
            if isinstance(found, Problem):
                problems.append(found)
            else:
                notes.append(found)
    tried = False
    if not problems:
        try:
            TflmInterpreter(model_bytes)
            tried = True
        except ModelFileError as error:
            problems.append(Problem("", "", "", error.message))
        except MissingExtra as error:
            notes.append(f"not tried in TensorFlow Lite Micro: {error}")
    return AuditReport(
        tuple(problems),
        tuple(tensor.name for tensor in graph.model.tensors if tensor.dtype in FLOAT_TYPES),
        graph.model.operator_counts,
        quantize_names(graph),
        tuple(notes),
        tried,
    )
