"""Does a model fit a board? Flash and RAM of the firmware against the board's, before anything is built: `fits`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from mcu.boards import Board, get_board, load_boards
from mcu.compiler import SUPPORTED_OPERATORS, CompiledModel, UnsupportedModel, compile_model
from mcu.errors import BadInput, MissingExtra
from mcu.firmware.code_bytes import CodeBytes, port_bytes
from mcu.firmware.estimate import Estimate, engine_flash_bytes, firmware_estimate, model_ram_bytes
from mcu.firmware.ports import Port, port_for
from mcu.firmware.source import MODEL_NAME, model_bytes_of
from mcu.tflite import TfliteModel, read_model

Engine = Literal["c", "tflm"]
ALL_BOARDS = "all"

# Where our firmware is a sketch inside somebody else's framework: assumptions, not measured here, for the framework,
# our link and its receive buffer. What others publish: docs/reference/compiler.md, "Before a build".
ESP32_FRAMEWORK = CodeBytes("esp32", "framework", 384 << 10, 48 << 10)
STM32_FRAMEWORK = CodeBytes("stm32duino", "framework", 32 << 10, 12 << 10)
ASSUMED = (ESP32_FRAMEWORK, STM32_FRAMEWORK)
# TensorFlow Lite Micro with its reference kernels for 19 operators took 116 KB on a Cortex-M4 (compiler.md).
TFLM_CODE_BYTES = 120 << 10


@dataclass(frozen=True)
class Verdict:
    """One model on one board with one engine; bytes err upwards, so what fits here fits when it is built.

    Attributes:
        engine: "c" for the compiled engine, "tflm" for TensorFlow Lite Micro.
        flash_bytes, ram_bytes: of the whole firmware; None where they are not known.
        flash_spare, ram_spare: what is left on the board, negative for what is missing; None where the board has no
            limit, or the need is not known.
        peak_operator: what decides the arena, with its layer; "" where it is not known.
        assumed_flash_bytes, assumed_ram_bytes: of these the part that is an assumption, of the framework around a
            sketch; 0 where all is computed or measured.
        operators_missing: operators that the engine does not have.
        suggestion: what to try; "" if it fits.
    """

    board: str
    engine: Engine
    fits: bool
    flash_bytes: int | None
    flash_spare: int | None
    ram_bytes: int | None
    ram_spare: int | None
    peak_operator: str
    assumed_flash_bytes: int
    assumed_ram_bytes: int
    operators_missing: tuple[str, ...]
    suggestion: str

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class _Model:
    """What is known of a model: its bytes, its graph, and, from a bundle's manifest, TensorFlow Lite Micro's arena."""

    content: bytes
    graph: TfliteModel
    tflm_arena_bytes: int | None


def fits(bundle: str | Path, *, board: str | Board = ALL_BOARDS, engine: Engine = "c") -> tuple[Verdict, ...]:
    """Judge a bundle, or a .tflite file, against one board or all of them.

    Args:
        board: an id, a board, or "all".
        engine: "c" is what `mcu build` and `mcu flash` put on a board.

    Raises:
        BadInput: no such board or engine. BundleError, ModelFileError: no model there.
        MissingExtra: "tflm" for a .tflite file without a manifest needs the interpreter, to measure its arena.
    """
    if engine not in get_args(Engine):
        raise BadInput(f"There is no engine '{engine}'.", hint=f"Choose {' or '.join(get_args(Engine))}.")
    boards = _boards(board)
    model = _open(Path(bundle))
    return tuple(_verdict(model, each, engine) for each in boards)


def _boards(board: str | Board) -> list[Board]:
    if isinstance(board, Board):
        return [board]
    return [*load_boards().values()] if board == ALL_BOARDS else [get_board(board)]


def _open(path: Path) -> _Model:
    if path.is_file() or path.suffix == ".tflite":
        content = model_bytes_of(path)
        return _Model(content, read_model(content), None)
    from mcu.bundle import Bundle

    bundle = Bundle.open(path)
    return _Model(bundle.model_bytes, read_model(bundle.model_bytes), bundle.manifest.arena_bytes_32bit)


def _verdict(model: _Model, board: Board, engine: Engine) -> Verdict:
    peak = ""
    around = _framework(board)
    assumed = around if around in ASSUMED else None
    try:
        if engine == "c":
            compiled = _compiled(model.content, "dsp" if _port(board, dsp=True) else "portable")
            peak, arena_bytes = compiled.peak_operator, compiled.arena_bytes
            need = _need_compiled(compiled, board)
        else:
            arena_bytes = model.tflm_arena_bytes or _measured_arena(model.content)
            need = _need_tflm(len(model.content), arena_bytes, board)
    except UnsupportedModel as error:
        missing = sorted(set(model.graph.operator_counts) - SUPPORTED_OPERATORS)
        return Verdict(board.id, engine, False, None, None, None, None, "", 0, 0, tuple(missing), str(error))
    flash_spare = _flash_for_an_application(board, spare_of=need.flash_bytes)
    ram_spare = None if board.ram_bytes is None else board.ram_bytes - need.ram_bytes
    spares = {"flash": flash_spare, "RAM": ram_spare}
    short = {name: -spare for name, spare in spares.items() if spare is not None and spare < 0}
    return Verdict(
        board.id,
        engine,
        not short,
        need.flash_bytes,
        flash_spare,
        need.ram_bytes,
        ram_spare,
        peak,
        assumed.flash_bytes if assumed else 0,
        assumed.ram_bytes if assumed else 0,
        (),
        " ".join(_suggestion(model.graph, board, short, peak=peak, arena_bytes=arena_bytes)),
    )


@cache
def _compiled(content: bytes, kernels: Literal["dsp", "portable"]) -> CompiledModel:
    return compile_model(content, name=MODEL_NAME, kernels=kernels)


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


def _need_compiled(compiled: CompiledModel, board: Board) -> Estimate:
    port = _port(board)
    if port is not None:
        return firmware_estimate(compiled, port=port.id, target=port.target)
    around = _framework(board)
    # A sketch is compiled with the portable kernels; on any core they take about what they take on RISC-V.
    flash = engine_flash_bytes(compiled, target="rv32imac") + around.flash_bytes
    return Estimate(flash, model_ram_bytes(compiled) + around.ram_bytes)


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


def _measured_arena(content: bytes) -> int:
    try:
        from mcu.tflm import measure_arena

        return measure_arena(content).total_bytes_32bit
    except MissingExtra as error:
        raise MissingExtra(
            "A .tflite file does not say how much memory TensorFlow Lite Micro needs for it.",
            hint=f"Pass a bundle, whose manifest does. {error.hint}",
        ) from error


def _flash_for_an_application(board: Board, *, spare_of: int) -> int | None:
    """Bytes left behind the parts that come before the application, e.g. an ESP32's bootloader."""
    if board.flash_bytes is None:
        return None
    before = board.flash.addresses["app"] - min(board.flash.addresses.values())
    return board.flash_bytes - before - spare_of


def _suggestion(
    graph: TfliteModel, board: Board, short: dict[str, int], *, peak: str, arena_bytes: int
) -> Iterator[str]:
    for name, missing in short.items():
        yield f"{missing:,} bytes of {name} too many."
    if "RAM" in short:
        if peak:
            yield f"The arena of {arena_bytes:,} bytes is largest at {peak}."
        yield from _smaller_image(graph, short["RAM"], arena_bytes)
        if board.psram_bytes > arena_bytes:
            yield f"Its PSRAM of {board.psram_bytes >> 20} MiB would hold the arena, slower."
    if "flash" in short:
        yield "Take a smaller width: the weights are what fills flash."
    if short:
        yield "`mcu fits --board all` shows boards that have more."


def _smaller_image(graph: TfliteModel, missing: int, arena_bytes: int) -> Iterator[str]:
    """Activations grow with the area of the image: which side would do, about."""
    sides = _sides([graph.tensors[index].shape for index in graph.inputs])
    left = arena_bytes - missing
    if sides is None or left <= 0:
        yield "Take a smaller model: without any arena it would still be too large."
        return
    smaller = int(min(sides) * math.sqrt(left / arena_bytes)) // 8 * 8
    if smaller >= 8:
        yield f"Try a side of {smaller} instead of {min(sides)} pixels, or a smaller width."


def _sides(shapes: Sequence[tuple[int, ...]]) -> tuple[int, int] | None:
    images = [shape[1:3] for shape in shapes if len(shape) == 4]
    return (images[0][0], images[0][1]) if images else None
