"""The compiler: an int8 .tflite file → plain C99 with a static memory plan, for the KerasTinyNN kernels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from mcu.compiler.check import check_tensors
from mcu.compiler.emit import emit_files
from mcu.compiler.operators import ALIASES, EMITTERS
from mcu.compiler.problems import UnsupportedModel, unsupported
from mcu.compiler.schedule import Names, Schedule, make_schedule
from mcu.compiler.stage import Constant, Context, Stage
from mcu.errors import BadInput
from mcu.tensor import TensorSpec
from mcu.tflite import TfliteModel, TfliteOperator, read_model

Kernels = Literal["portable", "dsp"]


@dataclass(frozen=True)
class CompiledModel:
    """A model as C.

    Attributes:
        arena_bytes: RAM for all tensors and scratch; the only RAM besides the stack.
        const_bytes: by role: "weights", "bias", "requantization", "table"; flash.
        peak_operator: operator that needs most of the arena, as "index NAME (layer)"; several that run row by row
            together are joined by " + ".
        operators: index -> (name, layer, multiply-accumulates) of every operator that runs.
    """

    name: str
    kernels: Kernels
    arena_bytes: int
    const_bytes: Mapping[str, int]
    peak_operator: str
    operators: Mapping[int, tuple[str, str, int]] = field(repr=False)
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    model: TfliteModel = field(repr=False)
    schedule: Schedule = field(repr=False)
    names: Names = field(repr=False)

    @cached_property
    def files(self) -> Mapping[str, str]:
        """File name -> text: the model's header and source, the kernels it uses, and sources.txt."""
        return emit_files(self.model, self.schedule, self.names, name=self.name)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What runs, in order."""
        return tuple(stage for group in self.schedule.groups for stage in group)

    @property
    def sources(self) -> tuple[str, ...]:
        """The C files to compile."""
        return tuple(sorted(name for name in self.files if name.endswith(".c")))

    @property
    def macs(self) -> int:
        return sum(macs for _, _, macs in self.operators.values())


def compile_model(
    model: bytes | TfliteModel, *, name: str = "model", kernels: Kernels = "portable"
) -> CompiledModel:
    """Turn a .tflite file into C whose output bytes equal TensorFlow Lite Micro's.

    Args:
        model: an audited int8 .tflite file with a batch of 1: its bytes, or what `mcu.tflite` read from them.
        name: part of the C names: kt_<name>.h, kt_<name>_invoke.
        kernels: "dsp" for Cortex-M4, M7 and M33 (Arm's DSP instructions, GCC or Clang); "portable" for everything.

    Raises:
        ModelFileError: not a .tflite file.
        UnsupportedModel: an operator, a type or a shape that the engine does not run, with the layer's name.
        BadInput: a name that is no C identifier.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name):
        raise BadInput(
            f"'{name}' cannot be part of a C name.", hint="Use lower-case letters, digits and '_'."
        )
    if kernels not in ("portable", "dsp"):
        raise BadInput(f"There are no kernels '{kernels}'.", hint="Choose 'portable' or 'dsp'.")
    if isinstance(model, bytes):
        model = read_model(model)
    if model.subgraph_count > 1:
        raise UnsupportedModel(
            f"The model has {model.subgraph_count} subgraphs; control flow is not supported."
        )
    check_tensors(model)
    stages, names = _stages(model, fast=kernels == "dsp")
    schedule = make_schedule(model, stages, names)
    return CompiledModel(
        name=name,
        kernels=kernels,
        arena_bytes=schedule.placement.arena_bytes,
        const_bytes=_constant_bytes(stages),
        peak_operator=_peak(model, schedule),
        operators={s.operator.index: (s.operator.name, s.layer, s.macs) for s in stages},
        inputs=tuple(model.tensors[index].spec() for index in model.inputs),
        outputs=tuple(model.tensors[index].spec() for index in model.outputs),
        model=model,
        schedule=schedule,
        names=names,
    )


def emit(compiled: CompiledModel, directory: str | Path) -> Path:
    """Write the files into a folder, made if it is not there; returns the folder."""
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in compiled.files.items():
        (folder / name).write_text(text, encoding="ascii")
    return folder


def _stages(model: TfliteModel, *, fast: bool) -> tuple[list[Stage], Names]:
    for index in (*model.inputs, *model.outputs):
        tensor = model.tensors[index]
        if tensor.dtype != "int8":
            raise UnsupportedModel(
                f"The tensor '{tensor.name}' at the model's edge is {tensor.dtype}; the engine takes int8.",
                hint="Convert with int8 input and output.",
            )
    producers = {index: op.index for op in model.operators for index in op.outputs}
    context = Context(model, fast, producers)
    root = {tensor.index: tensor.index for tensor in model.tensors}
    stages: list[Stage] = []
    known = {tensor.index for tensor in model.tensors if tensor.is_constant} | set(model.inputs)
    for operator in model.operators:
        _check_order(model, operator, known)
        if operator.name in ALIASES:
            root[operator.outputs[0]] = root[_alias(model, operator)]
        elif operator.name in EMITTERS:
            stage = EMITTERS[operator.name](context, operator)
            if stage.source >= 0 and model.tensors[stage.source].is_constant:
                raise unsupported(model, operator, "computes something constant")
            stages.append(stage)
        else:
            raise unsupported(
                model,
                operator,
                "is not supported by the compiled engine",
                hint=f"It runs {', '.join(sorted(EMITTERS))}.",
            )
        known.update(operator.outputs)
    for index in model.outputs:
        if index not in known or model.tensors[index].is_constant:
            raise UnsupportedModel(
                f"The output '{model.tensors[index].name}' is not computed by any operator."
            )
    members: dict[int, set[int]] = {}
    for index, storage in root.items():
        members.setdefault(storage, set()).add(index)
    return stages, Names(root, {storage: frozenset(each) for storage, each in members.items()})


def _check_order(model: TfliteModel, operator: TfliteOperator, known: set[int]) -> None:
    # A file may be well-formed and still read what nobody has computed, or compute the same tensor twice.
    for index in operator.inputs:
        if index >= 0 and index not in known:
            raise unsupported(model, operator, f"reads '{model.tensors[index].name}' before it is computed")
    if len(operator.outputs) != 1 or operator.outputs[0] < 0 or operator.outputs[0] in known:
        raise unsupported(model, operator, "does not have one output of its own")


def _alias(model: TfliteModel, operator: TfliteOperator) -> int:
    source, target = model.tensors[operator.inputs[0]], model.tensors[operator.outputs[0]]
    if source.dtype != "int8" or source.nbytes != target.nbytes or source.is_constant:
        raise unsupported(model, operator, f"turns {source.dtype} {source.shape} into {target.shape}")
    return source.index


def _constant_bytes(stages: list[Stage]) -> dict[str, int]:
    totals = dict.fromkeys(("weights", "bias", "requantization", "table"), 0)
    for stage in stages:
        for value in (*stage.fields.values(), stage.second):
            if isinstance(value, Constant):
                for role, count in value.bytes_by_role.items():
                    totals[role] += count
    return totals


def _peak(model: TfliteModel, schedule: Schedule) -> str:
    if not schedule.groups:
        return ""
    group = schedule.groups[schedule.peak_step]
    return " + ".join(f"{s.operator.index} {s.operator.name} ({model.layer_of(s.operator)})" for s in group)
