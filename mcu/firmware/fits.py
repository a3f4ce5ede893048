"""Does a model fit a board? Flash, RAM and latency of the firmware, before anything is built: `fits`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from mcu.boards import Board, get_board, load_boards
from mcu.compiler import CompiledModel, UnsupportedModel, compile_model
from mcu.compiler.compiled import Kernels
from mcu.errors import BadInput
from mcu.firmware.changes import changes
from mcu.firmware.code_bytes import CodeBytes, port_bytes
from mcu.firmware.cover import cover_compiled, cover_refused, cover_tflm
from mcu.firmware.estimate import (
    Estimate,
    engine_flash_bytes,
    firmware_estimate,
    model_flash_bytes,
    model_ram_bytes,
)
from mcu.firmware.latency import Latency, estimate_latency
from mcu.firmware.measured import measured_latency, run_records
from mcu.firmware.ports import Port, core_hz, port_for
from mcu.firmware.source import MODEL_NAME
from mcu.firmware.verdict import ENGINES, Cover, Engine, Verdict
from mcu.model_file import model_bytes_of
from mcu.tflite import TfliteModel, read_model
from mcu.tflm_plan import plan_tflm

ALL_BOARDS = "all"
ALL_ENGINES = "all"
_PEAK_TENSORS = 4  # that a verdict names

# Where our firmware is a sketch inside somebody else's framework: assumptions, not measured here, for the framework,
# our link and its receive buffer. What others publish: docs/reference/compiler.md, "Before a build".
ESP32_FRAMEWORK = CodeBytes("esp32", "framework", 384 << 10, 48 << 10)
STM32_FRAMEWORK = CodeBytes("stm32duino", "framework", 32 << 10, 12 << 10)
ASSUMED = (ESP32_FRAMEWORK, STM32_FRAMEWORK)
# TensorFlow Lite Micro with its reference kernels for 19 operators took 116 KB on a Cortex-M4 (compiler.md).
TFLM_CODE_BYTES = 120 << 10


@dataclass(frozen=True)
class _Model:
    """What is known of a model: its bytes, its graph, what was measured of it.

    Attributes:
        tflm_arena_bytes: by TensorFlow Lite Micro, for a microcontroller, and `tflm_arena_source` who says so.
    """

    content: bytes
    graph: TfliteModel
    tflm_arena_bytes: int
    tflm_arena_source: str
    records: tuple[tuple[Path, dict[str, Any]], ...] = ()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def fits(
    bundle: str | Path,
    *,
    board: str | Board = ALL_BOARDS,
    engine: Engine | Literal["all"] = "c",
    measure: bool = False,
    build: bool = False,
    runs: str | Path | None = None,
) -> tuple[Verdict, ...]:
    """Judge a bundle, or a .tflite file, against one board or all of them, with one engine or each.

    Args:
        board: an id, a board, or "all".
        engine: "c" is what `mcu build` and `mcu flash` put on a board; "tflm" TensorFlow Lite Micro; "all" both.
        measure: let the interpreter say what arena TensorFlow Lite Micro needs, instead of planning it.
        build: compile and link where a compiler is needed for nothing else: the linker's numbers, no estimate.
        runs: a folder in which to look for run records too; those beside the bundle are found without it.

    Raises:
        BadInput: no such board, engine or folder. BundleError, ModelFileError: no model there.
        MissingExtra: `measure` without the interpreter, `build` without a compiler.
    """
    engines = ENGINES if engine == ALL_ENGINES else (engine,)
    if not {*engines} <= {*get_args(Engine)}:
        raise BadInput(
            f"There is no engine '{engine}'.", hint=f"Choose {', '.join(get_args(Engine))} or {ALL_ENGINES}."
        )
    boards = _boards(board)
    model = _open(Path(bundle), measure=measure, runs=None if runs is None else Path(runs))
    judge = _linked_verdict if build else _verdict
    return tuple(judge(model, each, one) for each in boards for one in engines)  # type: ignore[arg-type]


def _boards(board: str | Board) -> list[Board]:
    if isinstance(board, Board):
        return [board]
    return [*load_boards().values()] if board == ALL_BOARDS else [get_board(board)]


def _open(path: Path, *, measure: bool, runs: Path | None) -> _Model:
    arena_bytes, source = None, ""
    if path.is_file() or path.suffix == ".tflite":
        content = model_bytes_of(path)
    else:
        from mcu.bundle import Bundle

        opened = Bundle.open(path)
        content = opened.model_bytes
        arena_bytes, source = opened.manifest.arena_bytes_32bit, "manifest"
    graph = _graph(content)
    if measure:
        from mcu.tflm import measure_arena

        arena_bytes, source = measure_arena(content).total_bytes_32bit, "measured"
    if not arena_bytes:
        arena_bytes, source = plan_tflm(graph).total_bytes_32bit, "planned"
    return _Model(content, graph, arena_bytes, source, run_records(path, runs=runs))


def _verdict(model: _Model, board: Board, engine: Engine) -> Verdict:
    return _compiled_verdict(model, board) if engine == "c" else _tflm_verdict(model, board)


def _compiled_verdict(model: _Model, board: Board) -> Verdict:
    kernels: Kernels = "dsp" if _port(board, dsp=True) else "portable"
    try:
        compiled = _compiled(model.content, kernels)
    except UnsupportedModel as error:
        return _refused(board, "c", cover_refused(model.graph), str(error))
    port = _port(board)
    clock_hz = core_hz(port, board) if port else board.clock_hz
    verdict = _judged(
        model,
        board,
        "c",
        need=_need_compiled(model.content, kernels, board),
        peak=compiled.peak_operator,
        arena_bytes=compiled.arena_bytes,
        model_flash_bytes=_model_flash_bytes(model.content, kernels),
    )
    return replace(
        verdict,
        operators=cover_compiled(compiled),
        arena_source="planned",
        peak_tensors=_peak_tensors(compiled),
        latency=_measured(model, board, "c") or estimate_latency(compiled, board, clock_hz=clock_hz),
    )


def _tflm_verdict(model: _Model, board: Board) -> Verdict:
    cover = cover_tflm(model.graph)
    missing = [each.operator for each in cover if each.kernel == "missing"]
    if missing:
        said = f"TensorFlow Lite Micro does not have {', '.join(missing)}."
        return _refused(board, "tflm", cover, said)
    plan = plan_tflm(model.graph)
    operator = model.graph.operators[plan.peak_index]
    verdict = _judged(
        model,
        board,
        "tflm",
        need=_need_tflm(len(model.content), model.tflm_arena_bytes, board),
        peak=f"{operator.index} {operator.name} ({model.graph.layer_of(operator)})",
        arena_bytes=model.tflm_arena_bytes,
        model_flash_bytes=len(model.content),
    )
    if not verdict.fits:
        ours = _compiled_verdict(model, board)
        if ours.fits and ours.ram_bytes is not None:
            said = f"The compiled engine fits, with {ours.ram_bytes:,} bytes of RAM: --engine c."
            verdict = replace(verdict, suggestion=f"{said} {verdict.suggestion}")
    return replace(
        verdict,
        operators=cover,
        arena_source=model.tflm_arena_source,
        peak_tensors=tuple((each.name, each.bytes) for each in plan.at_peak[:_PEAK_TENSORS]),
        latency=_measured(model, board, "tflm"),
    )


def _refused(board: Board, engine: Engine, cover: tuple[Cover, ...], said: str) -> Verdict:
    missing = tuple(each.operator for each in cover if each.kernel == "missing")
    return Verdict(board.id, engine, False, None, None, None, None, "", 0, 0, missing, said, operators=cover)


def _judged(
    model: _Model,
    board: Board,
    engine: Engine,
    *,
    need: Estimate,
    peak: str,
    arena_bytes: int,
    model_flash_bytes: int,
) -> Verdict:
    around = _framework(board)
    assumed = around if around in ASSUMED else None
    flash_spare = _flash_for_an_application(board, spare_of=need.flash_bytes)
    ram_spare = None if board.ram_bytes is None else board.ram_bytes - need.ram_bytes
    spares = {"flash": flash_spare, "RAM": ram_spare}
    short = {name: -spare for name, spare in spares.items() if spare is not None and spare < 0}
    return Verdict(
        board=board.id,
        engine=engine,
        fits=not short,
        flash_bytes=need.flash_bytes,
        flash_spare=flash_spare,
        ram_bytes=need.ram_bytes,
        ram_spare=ram_spare,
        peak_operator=peak,
        assumed_flash_bytes=assumed.flash_bytes if assumed else 0,
        assumed_ram_bytes=assumed.ram_bytes if assumed else 0,
        operators_missing=(),
        suggestion=" ".join(
            changes(
                model.graph,
                board,
                short,
                engine=engine,
                peak=peak,
                arena_bytes=arena_bytes,
                model_flash_bytes=model_flash_bytes,
            )
        ),
        arena_bytes=arena_bytes,
    )


def _measured(model: _Model, board: Board, engine: Engine) -> Latency | None:
    if board.flash.method in ("qemu", "virtual"):  # their clock is not that of silicon
        return None
    return measured_latency(model.records, model_sha256=model.sha256, board=board.id, engine=engine)


def _linked_verdict(model: _Model, board: Board, engine: Engine) -> Verdict:
    """With the linker's numbers, where our own firmware is linked for this board."""
    verdict = _verdict(model, board, engine)
    if engine != "c" or verdict.flash_bytes is None or _port(board) is None:
        return verdict
    from mcu.firmware.builder import DoesNotFit, build_firmware

    try:
        size = build_firmware(model.content, board=board).size
    except DoesNotFit:
        return verdict
    if size is None:
        return verdict
    flash_spare = _flash_for_an_application(board, spare_of=size.flash_bytes)
    ram_spare = None if board.ram_bytes is None else board.ram_bytes - size.ram_bytes
    return replace(
        verdict,
        fits=True,  # it was linked
        flash_bytes=size.flash_bytes,
        flash_spare=flash_spare,
        ram_bytes=size.ram_bytes,
        ram_spare=ram_spare,
        suggestion="",
        bytes_source="linked",
    )


def _peak_tensors(compiled: CompiledModel) -> tuple[tuple[str, int], ...]:
    """What is in the arena during the peak's step, the largest first."""
    step, found = compiled.schedule.peak_step, []
    for buffer in compiled.schedule.buffers:
        if buffer.size and buffer.first <= step <= buffer.last:
            assert isinstance(buffer.key, tuple)
            kind, *where = buffer.key
            if kind == "tensor":
                found.append((compiled.model.tensors[where[0]].layer, buffer.size))
            else:
                stage = compiled.schedule.groups[where[0]][where[1]]
                role = "rows before" if kind == "ring" else "scratch of"
                found.append((f"{role} {compiled.model.layer_of(stage.operator)}", buffer.size))
    return tuple(sorted(found, key=lambda each: -each[1])[:_PEAK_TENSORS])


@cache
def _graph(content: bytes) -> TfliteModel:
    return read_model(content)


@cache
def _compiled(content: bytes, kernels: Kernels) -> CompiledModel:
    return compile_model(_graph(content), name=MODEL_NAME, kernels=kernels)


def _port(board: Board, *, dsp: bool = False) -> Port | None:
    """The bare-metal port of a board, if there is one; with `dsp` only one that runs the DSP kernels.

    Not one that lives in RAM alone: such a board holds more with a sketch, whose model stays in flash.
    """
    from mcu.firmware.gcc import TARGETS

    try:
        port = port_for(board)
    except BadInput:
        return None
    return port if not port.in_ram and (TARGETS[port.target].dsp or not dsp) else None


def _need_compiled(content: bytes, kernels: Kernels, board: Board) -> Estimate:
    port = _port(board)
    need = _firmware_bytes(content, kernels, port)
    if port is not None:
        return need
    around = _framework(board)
    return Estimate(need.flash_bytes + around.flash_bytes, need.ram_bytes + around.ram_bytes)


@cache
def _firmware_bytes(content: bytes, kernels: Kernels, port: Port | None) -> Estimate:
    """Of the whole firmware on a port; without one of the engine and the model, inside somebody's framework."""
    compiled = _compiled(content, kernels)
    if port is not None:
        return firmware_estimate(compiled, port=port.id, target=port.target)
    # A sketch is compiled with the portable kernels; on any core they take about what they take on RISC-V.
    return Estimate(engine_flash_bytes(compiled, target="rv32imac"), model_ram_bytes(compiled))


@cache
def _model_flash_bytes(content: bytes, kernels: Kernels) -> int:
    return model_flash_bytes(_compiled(content, kernels))


def _need_tflm(tflite_bytes: int, arena_bytes: int, board: Board) -> Estimate:
    around = _framework(board)
    return Estimate(
        tflite_bytes + TFLM_CODE_BYTES + around.flash_bytes,
        arena_bytes + around.ram_bytes,
    )


def _framework(board: Board) -> CodeBytes:
    """What a firmware takes besides its model and its engine."""
    port = _port(board)
    if port is not None:
        return port_bytes(port.id)
    if board.flash.method == "virtual":
        return CodeBytes(board.id, "firmware", 0, 0)
    return ESP32_FRAMEWORK if board.flash.method == "esptool" else STM32_FRAMEWORK


def _flash_for_an_application(board: Board, *, spare_of: int) -> int | None:
    """Bytes left behind the parts that come before the application, e.g. an ESP32's bootloader."""
    if board.flash_bytes is None:
        return None
    before = board.flash.addresses["app"] - min(board.flash.addresses.values())
    return board.flash_bytes - before - spare_of
