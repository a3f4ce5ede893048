"""Send samples to the board, one by one, and run each on the desk: the same bytes, two answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from keras_tiny.preprocessing.to_int8 import to_int8
from mcu.bundle import Bundle
from mcu.hil.plan import Plan
from mcu.hil.record import GoldenCheck, byte_differences
from mcu.postprocess.mask_object import mask_of, mask_tensor
from mcu.protocol.control import Stats
from mcu.protocol.identity import Identity
from mcu.protocol.mask import MaskForm
from mcu.protocol.session import Inference
from mcu.protocol.stats import LinkStats
from mcu.tflm import TflmInterpreter

_FORMS: tuple[MaskForm, ...] = ("packed", "runs")


class Answering(Protocol):
    """What answers an inference: `mcu.protocol.Session`."""

    def infer(
        self,
        inputs: Sequence[bytes],
        *,
        mask: MaskForm | None = None,
        expected: Sequence[bytes] | None = None,
        ahead: Sequence[bytes] | None = None,
    ) -> Inference: ...


class Connected(Answering, Protocol):
    """What a run is over: `mcu.protocol.Session`, or several of them in turn (`mcu.hil.lasting.LastingSession`)."""

    identity: Identity

    @property
    def stats(self) -> LinkStats: ...

    def device_stats(self) -> Stats: ...


@dataclass(frozen=True)
class Streamed:
    """One sample's two answers.

    Attributes:
        index: in the split.
        desk, board: output bytes of every tensor, int8 (bytes,).
        latency_us: of the inference, by the board; round_trip_us: with the transfer, by the host.
        instructions: executed by the inference; None where the board does not count.
        by_crc: the board has only sent the CRC-32 of its outputs, which is that of the desk's.
    """

    index: int
    desk: np.ndarray
    board: np.ndarray
    latency_us: int
    round_trip_us: int
    instructions: int | None
    by_crc: bool = False


def stream(
    session: Answering,
    plan: Plan,
    *,
    bundle: Bundle,
    desk: TflmInterpreter,
    hash_only: bool = False,
    overlap: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Streamed]:
    """Every sample of the plan in its order; a picture is decoded when its turn comes.

    Args:
        hash_only: the board sends its outputs only where their CRC-32 is not that of the desk's.
        overlap: the next sample is uploaded while the model runs, where the board has memory for that.
        clock: seconds, of the round trips.
    """
    (tensor,) = bundle.manifest.inputs

    def pixels_of(index: int) -> np.ndarray:
        return to_int8(plan.split[index].image, bundle.manifest.preprocessing, tensor)

    following = pixels_of(plan.indices[0]) if plan.indices else None
    for at, index in enumerate(plan.indices):
        assert following is not None, "there is one for every index"
        pixels, following = following, None
        if at + 1 < len(plan.indices):
            following = pixels_of(plan.indices[at + 1])
        reference = desk.invoke([pixels])
        begin = clock()
        answer = session.infer(
            [pixels.tobytes()],
            expected=[output.tobytes() for output in reference] if hash_only else None,
            ahead=[following.tobytes()] if overlap and following is not None else None,
        )
        round_trip_us = round(1e6 * (clock() - begin))
        yield Streamed(
            index=index,
            desk=_in_a_row(reference),
            board=as_int8(answer),
            latency_us=answer.latency_us,
            round_trip_us=round_trip_us,
            instructions=answer.instructions,
            by_crc=not answer.sent_by_board,
        )


def check_golden(session: Answering, bundle: Bundle, *, desk: TflmInterpreter) -> GoldenCheck:
    """Run the bundle's golden inputs, whose right answers were written at export, before any other data.

    A segmenter's board is asked for its masks of them too, packed and as runs in turn. They are judged on their own,
    against what the desk makes of the bytes that the board has answered.
    """
    (tensor,) = bundle.manifest.inputs
    scored = mask_tensor(bundle.manifest.outputs) if bundle.manifest.task == "segmentation" else None
    differences, mismatched_bytes, desk_agrees = {}, 0, True
    masks = mismatched_masks = 0
    for i, (golden_input, expected) in enumerate(
        zip(bundle.golden_inputs, bundle.golden_outputs, strict=True)
    ):
        pixels = golden_input.reshape(tensor.shape)
        answer = session.infer([pixels.tobytes()], mask=None if scored is None else _FORMS[i % len(_FORMS)])
        answered = as_int8(answer)
        if scored is not None and answer.mask is not None:
            masks += 1
            made = mask_of(answered.reshape(scored.shape[1:]), scored)
            mismatched_masks += not np.array_equal(answer.mask, made)
        if found := byte_differences(expected, answered):
            differences[i] = found
            mismatched_bytes += int((expected != answered).sum())
        desk_agrees = desk_agrees and np.array_equal(expected, on_desk(desk, pixels))
    return GoldenCheck(
        samples=len(bundle.golden_inputs),
        mismatched_bytes=mismatched_bytes,
        differences=differences,
        desk_agrees=desk_agrees,
        masks=masks,
        mismatched_masks=mismatched_masks,
    )


def on_desk(desk: TflmInterpreter, pixels: np.ndarray) -> np.ndarray:
    """Output bytes of every tensor, int8 (bytes,), by the interpreter on the desk."""
    return _in_a_row(desk.invoke([pixels]))


def _in_a_row(outputs: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([output.ravel().view(np.int8) for output in outputs])


def as_int8(answer: Inference) -> np.ndarray:
    """Output bytes of every tensor, int8 (bytes,), as the board sent them."""
    return np.frombuffer(b"".join(answer.outputs), np.int8)
