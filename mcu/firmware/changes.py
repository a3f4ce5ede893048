"""What would bring a model that does not fit onto a board: the next best changes, each with its figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from mcu.boards import Board
from mcu.compiler.place import aligned
from mcu.firmware.verdict import Engine
from mcu.tflite import TfliteModel
from mcu.tflm_plan import TflmPlan, plan_tflm, scratch_bytes

_SIDE_STEP = 8  # pixels


def changes(
    graph: TfliteModel,
    board: Board,
    short: Mapping[str, int],
    *,
    engine: Engine,
    peak: str,
    arena_bytes: int,
    model_flash_bytes: int,
) -> Iterator[str]:
    """Sentences, the most likely to help first; none for a model that fits.

    Args:
        short: "flash" or "RAM" → bytes that are missing.
        model_flash_bytes: of the flash what the model itself takes.
    """
    for name, missing in short.items():
        yield f"{missing:,} bytes of {name} too many."
    if "RAM" in short:
        if peak:
            yield f"The arena of {arena_bytes:,} bytes is largest at {peak}."
        if engine == "tflm":
            yield from _other_upsampling(graph, plan_tflm(graph), short["RAM"])
        yield from _smaller_image(graph, short["RAM"], arena_bytes)
        if board.psram_bytes > arena_bytes:
            yield f"Its PSRAM of {board.psram_bytes >> 20} MiB would hold the arena, slower."
    if "flash" in short:
        yield from _smaller_width(short["flash"], model_flash_bytes)
    if short:
        yield (
            "`mcu fits --board all` shows boards that have more,"
            f" `keras-tiny advise --board {board.id}` networks that fit this one."
        )


def _other_upsampling(graph: TfliteModel, plan: TflmPlan, missing: int) -> Iterator[str]:
    """TRANSPOSE_CONV's int32 sums: a resize and a 1x1 convolution need none."""
    sums = [
        sum(scratch_bytes(graph, operator))
        for operator in graph.operators
        if operator.name == "TRANSPOSE_CONV"
    ]
    if not sums or not plan.at_peak[0].name.startswith("scratch of "):
        return
    without = [
        each
        for each in plan.buffers
        if not each.name.startswith("scratch of ") or each.bytes < aligned(max(sums))
    ]
    moments = range(len(graph.operators))
    head = max(sum(each.bytes for each in without if each.first <= now <= each.last) for now in moments)
    saved = plan.head_bytes - head
    enough = ", which is enough" if saved >= missing else ""
    yield (
        f'Take upsample="bilinear" or "nearest": without TRANSPOSE_CONV\'s sums about {saved:,} bytes less{enough}.'
    )


def _smaller_image(graph: TfliteModel, missing: int, arena_bytes: int) -> Iterator[str]:
    """Activations grow with the area of the image: which side would do, about."""
    sides = _sides([graph.tensors[index].shape for index in graph.inputs])
    left = arena_bytes - missing
    if sides is None or left <= 0:
        yield "Take a smaller model: without any arena it would still be too large."
        return
    smaller = int(min(sides) * math.sqrt(left / arena_bytes)) // _SIDE_STEP * _SIDE_STEP
    if smaller >= _SIDE_STEP:
        yield f"Try a side of {smaller} instead of {min(sides)} pixels, or a smaller width."


def _smaller_width(missing: int, model_flash_bytes: int) -> Iterator[str]:
    """Weights go with the square of the width."""
    left = model_flash_bytes - missing
    if left <= 0:
        yield "Take a smaller model: without any weights the firmware would still be too large."
        return
    share = math.floor(100 * math.sqrt(left / model_flash_bytes)) / 100
    yield f"Take a smaller width, about {share:.2f} of this one: the weights are what fills flash."


def _sides(shapes: Sequence[tuple[int, ...]]) -> tuple[int, int] | None:
    images = [shape[1:3] for shape in shapes if len(shape) == 4]
    return (images[0][0], images[0][1]) if images else None
