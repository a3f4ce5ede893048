"""Writes a schedule as C99: the model's header, its tables, and the kernels it uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from mcu.compiler.schedule import Names, Schedule
from mcu.compiler.stage import Constant, Stage, TensorOffset, Value
from mcu.tflite import TfliteModel

LIBRARY = Path("libraries") / "KerasTinyNN" / "src"
ALWAYS = ("kt_nn.h", "kt_math.h", "kt_run.c")
LINE_WIDTH = 118
MANY_ITEMS, MANY_PER_LINE = 4096, 20


def sketches_folder() -> Path:
    """Where the C sources are: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    inside, beside = package / "sketches", package.parent / "sketches"
    return inside if inside.is_dir() else beside


@cache
def library_file(name: str) -> str:
    return (sketches_folder() / LIBRARY / name).read_text(encoding="ascii")


def emit_files(model: TfliteModel, schedule: Schedule, names: Names, *, name: str) -> dict[str, str]:
    """File name -> text of everything the model needs; sources.txt lists the files to compile."""
    stages = [stage for group in schedule.groups for stage in group]
    wanted = {*ALWAYS, *(stage.kernel.header for stage in stages), *(stage.kernel.source for stage in stages)}
    files = {each: library_file(each) for each in sorted(wanted)}
    _add_included(files)
    files[f"kt_{name}.h"] = _header(model, schedule, names, name)
    files[f"kt_{name}.c"] = _source(model, schedule, names, name)
    files["sources.txt"] = "".join(f"{each}\n" for each in sorted(files) if each.endswith(".c"))
    return files


def _add_included(files: dict[str, str]) -> None:
    """Add the library's headers that the files include, and those that these include."""
    todo = list(files.values())
    while todo:
        for line in todo.pop().splitlines():
            if line.startswith('#include "'):
                header = line.split('"')[1]
                if header not in files:
                    files[header] = library_file(header)
                    todo.append(files[header])


def _offset(schedule: Schedule, names: Names, tensor: int) -> int:
    return schedule.placement.offsets["tensor", names.root[tensor]]


def _header(model: TfliteModel, schedule: Schedule, names: Names, name: str) -> str:
    upper = name.upper()
    lines = [
        f"/* {name}: a compiled int8 neural network. Written by `mcu build --emit`; do not edit.",
        " *",
        f" *   static int8_t arena[KT_{upper}_ARENA_BYTES] KT_ALIGNED;",
        f" *   memcpy(kt_{name}_input(arena, 0), pixels, KT_{upper}_INPUT_0_BYTES);",
        f" *   kt_{name}_invoke(arena, NULL);",
        f" *   const int8_t *answer = kt_{name}_output(arena, 0);",
        " *",
        " * The arena is the caller's, aligned to 8 bytes, and all the RAM that is used besides 1 KiB of stack.",
        " * Inputs and outputs lie inside it: write the inputs before every inference (computing overwrites them),",
        " * read the outputs before the next. Nothing blocks, allocates or fails.",
        " *",
    ]
    for kind, indices in (("Input", model.inputs), ("Output", model.outputs)):
        for position, index in enumerate(indices):
            tensor = model.tensors[index]
            lines.append(
                f" * {kind} {position}: {_ascii(tensor.name)}, int8 {tensor.shape}, "
                f"real = (q - {tensor.zero_point}) * {tensor.scale!r}".replace("- -", "+ ")
            )
    lines += [
        " */",
        f"#ifndef KT_{upper}_H",
        f"#define KT_{upper}_H",
        "",
        '#include "kt_nn.h"',
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f"#define KT_{upper}_ARENA_BYTES {max(schedule.placement.arena_bytes, 8)}",
        f"#define KT_{upper}_INPUTS {len(model.inputs)}",
        f"#define KT_{upper}_OUTPUTS {len(model.outputs)}",
        f"#define KT_{upper}_OPERATORS {len(model.operators)} /* in the .tflite file; profiles count in these */",
    ]
    for kind, indices in (("INPUT", model.inputs), ("OUTPUT", model.outputs)):
        for position, index in enumerate(indices):
            lines.append(f"#define KT_{upper}_{kind}_{position}_BYTES {model.tensors[index].nbytes}")
    lines += [
        "",
        "/* Computes the outputs; returns 0. `profile` may be NULL (see kt_nn.h). */",
        f"int kt_{name}_invoke(int8_t *arena, const kt_profile *profile);",
        "",
        "/* Where input and output i lie in the arena; NULL if there is no such one. */",
        f"int8_t *kt_{name}_input(int8_t *arena, int32_t i);",
        f"const int8_t *kt_{name}_output(const int8_t *arena, int32_t i);",
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _source(model: TfliteModel, schedule: Schedule, names: Names, name: str) -> str:
    stages = [stage for group in schedule.groups for stage in group]
    headers = sorted({stage.kernel.header for stage in stages})
    parts = [
        f"/* {name}: constants, memory plan and steps. Written by `mcu build --emit`; do not edit. */",
        f'#include "kt_{name}.h"',
        *(f'#include "{header}"' for header in headers),
        "",
    ]
    for stage in stages:
        parts += _operator_constants(stage, schedule, names)
    if schedule.groups:
        parts += _steps(schedule, names)
        run = f"kt_run(steps, {len(schedule.groups)}, arena, profile);"
    else:
        run = "(void)arena;\n    (void)profile;"
    parts += [
        f"int kt_{name}_invoke(int8_t *arena, const kt_profile *profile)",
        "{",
        f"    {run}",
        "    return 0;",
        "}",
        "",
        *_edge(
            f"int8_t *kt_{name}_input(int8_t *arena, int32_t i)",
            [_offset(schedule, names, i) for i in model.inputs],
        ),
        *_edge(
            f"const int8_t *kt_{name}_output(const int8_t *arena, int32_t i)",
            [_offset(schedule, names, i) for i in model.outputs],
        ),
    ]
    return "\n".join(parts)


def _edge(signature: str, offsets: Sequence[int]) -> list[str]:
    numbers = ", ".join(map(str, offsets))
    return [
        signature,
        "{",
        f"    static const uint32_t offsets[] = {{{numbers}}};",
        f"    return i >= 0 && i < {len(offsets)} ? arena + offsets[i] : NULL;",
        "}",
        "",
    ]


def _operator_constants(stage: Stage, schedule: Schedule, names: Names) -> Iterator[str]:
    index = stage.operator.index
    yield f"/* {index} {stage.operator.name}: {_ascii(stage.layer)} */"
    fields = []
    for key, value in stage.fields.items():
        if isinstance(value, Constant):
            yield from _array(f"{key}_{index}", value, schedule, names)
            fields.append(f".{key} = {key}_{index}")
        else:
            fields.append(f".{key} = {_value(value, schedule, names)}")
    if isinstance(stage.second, Constant):
        yield from _array(f"second_{index}", stage.second, schedule, names)
    yield f"static const {stage.kernel.struct} op_{index} = {{"
    yield _wrapped(fields)
    yield "};"
    yield ""


def _array(symbol: str, constant: Constant, schedule: Schedule, names: Names) -> Iterator[str]:
    if isinstance(constant.values, np.ndarray):
        items = [_number(value) for value in constant.values.tolist()]
    else:
        items = []
        for number, row in enumerate(constant.values):
            cells: list[Value] = []
            for value in row:
                if isinstance(value, Constant):
                    yield from _array(f"{symbol}_{number}", value, schedule, names)
                    value = f"{symbol}_{number}"
                cells.append(value)
            items.append(_row(cells, schedule, names))
    yield f"static const {constant.c_type} {symbol}[] KT_ALIGNED = {{"
    yield _wrapped(items)
    yield "};"


def _value(value: Value, schedule: Schedule, names: Names) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, TensorOffset):
        return str(_offset(schedule, names, value.tensor))
    if isinstance(value, int | np.integer):
        return _number(int(value))
    if isinstance(value, str):
        return value
    assert not isinstance(value, Constant), "named by its caller"
    return _row(value, schedule, names)


def _number(value: int) -> str:
    return str(value) if value != -(2**31) else "INT32_MIN"  # C has no negative literals


def _row(values: Sequence[Value], schedule: Schedule, names: Names) -> str:
    return "{" + ", ".join(_value(each, schedule, names) for each in values) + "}"


def _wrapped(items: Sequence[str]) -> str:
    if (
        len(items) > MANY_ITEMS
    ):  # weights: measuring every line of millions of numbers takes longer than compiling them
        rows = range(0, len(items), MANY_PER_LINE)
        return "\n".join(f"    {', '.join(items[at : at + MANY_PER_LINE])}," for at in rows)
    lines, line = [], ""
    for item in items:
        if line and len(line) + len(item) + 2 > LINE_WIDTH:
            lines.append(line)
            line = ""
        line += f"{item}, " if line else f"    {item}, "
    lines.append(line)
    return "\n".join(each.rstrip() for each in lines)


def _steps(schedule: Schedule, names: Names) -> Iterator[str]:
    counts = []
    for step, group in enumerate(schedule.groups):
        yield f"static const kt_stage stages_{step}[] = {{"
        for position, stage in enumerate(group):
            yield (
                "    {"
                + _wrapped(_stage_fields(stage, group, step, position, schedule, names)).strip()
                + "},"
            )
        yield "};"
        counts.append(f"{{stages_{step}, {len(group)}}}")
    yield ""
    yield "static const kt_step steps[] = {"
    yield _wrapped(counts)
    yield "};"
    yield ""


def _stage_fields(
    stage: Stage, group: Sequence[Stage], step: int, position: int, schedule: Schedule, names: Names
) -> list[str]:
    at = schedule.placement.offsets
    streamed_in, streamed_out = position > 0, position + 1 < len(group)
    fields = {"kernel": stage.kernel.function, "op": f"&op_{stage.operator.index}"}
    if isinstance(stage.second, Constant):
        fields["second_constant"] = f"second_{stage.operator.index}"
    if isinstance(stage.second, int):
        fields["second"] = str(_offset(schedule, names, stage.second))
    else:
        fields["second"] = "KT_NO_SECOND"
    if streamed_in:
        fields["in"] = str(at["ring", step, position])
    else:
        fields["in"] = "0" if stage.source < 0 else str(_offset(schedule, names, stage.source))
    fields["in_ring"] = str(stage.ring_rows if streamed_in else stage.in_height)
    if streamed_out:
        fields["out"], fields["out_ring"] = (
            str(at["ring", step, position + 1]),
            str(group[position + 1].ring_rows),
        )
    else:
        fields["out"], fields["out_ring"] = str(_offset(schedule, names, stage.target)), str(stage.out_height)
    if stage.scratch_bytes:
        fields["scratch"] = str(at["scratch", step, position])
    fields |= {
        "in_row_bytes": str(stage.in_row_bytes),
        "out_row_bytes": str(stage.out_row_bytes),
        "in_height": str(stage.in_height),
        "out_height": str(stage.out_height),
        "window": str(stage.window),
        "dilation": str(stage.dilation),
        "stride": str(stage.stride),
        "pad_top": str(stage.pad_top),
        "operator_index": str(stage.operator.index),
    }
    return [f".{key} = {value}" for key, value in fields.items()]


def _ascii(text: str) -> str:
    """Names come from the file: nothing in them may end a comment."""
    return "".join(c if c.isascii() and c.isprintable() and c not in "*\\" else "_" for c in text)[:100]
