"""A session whose board gives wrong bytes, or breaks off, where the test says so; the rest is the real board's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mcu.protocol.control import Stats
from mcu.protocol.session import Inference, Session


class LyingSession:
    """Args:
    lies: number of the inference, from 0 → {offset of the output byte: steps it is off}.
    breaks_at: number of the inference that raises `error` instead of answering.
    """

    def __init__(
        self,
        session: Session,
        *,
        lies: Mapping[int, Mapping[int, int]] | None = None,
        breaks_at: int = -1,
        error: BaseException | None = None,
    ):
        self._session = session
        self._lies, self._breaks_at, self._error = lies or {}, breaks_at, error
        self._count = 0
        self.identity = session.identity

    @property
    def stats(self):  # type: ignore[no-untyped-def]
        return self._session.stats

    def device_stats(self) -> Stats:
        return self._session.device_stats()

    def infer(self, inputs: Sequence[bytes], **how: Any) -> Inference:
        number, self._count = self._count, self._count + 1
        if number == self._breaks_at:
            assert self._error is not None
            raise self._error
        answer = self._session.infer(inputs, **how)
        output = bytearray(answer.outputs[0])
        for at, steps in self._lies.get(number, {}).items():
            output[at] = (output[at] + steps) % 256
        return replace(answer, outputs=(bytes(output), *answer.outputs[1:]))
