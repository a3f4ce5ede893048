"""The host's side of one request on its way up: DATA, then INVOKE, sent again until the device has both.

The link keeps order, so what an ACK does not list although it was sent before the ACK's `last_seq` is lost:
no duplicate counting, no timer. The timer only covers the case that the device says nothing at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from mcu.protocol.messages import SACK_CHUNKS, Ack, Data, Invoke, NakReason, Type, is_newer


@dataclass(slots=True)
class _Piece:
    """A chunk of an input tensor; `end` counts from the first byte of the first tensor."""

    tensor: int
    offset: int
    end: int
    data: bytes
    sent_seq: int = -1
    arrived: bool = False


class Upload:
    """Decides what to send next for one request.

    Args:
        request: its number, 1..65535.
        inputs: the bytes of each input tensor.
        chunk_bytes: in every DATA but a tensor's last.
        window_bytes: how far to run ahead of the first byte that is not confirmed.

    Attributes:
        flags: of INVOKE.
        resent: frames sent more than once.
    """

    def __init__(self, *, request: int, inputs: Sequence[bytes], chunk_bytes: int, window_bytes: int):
        self._request = request
        self.flags = 0
        self._chunk_bytes = chunk_bytes
        self._window_bytes = window_bytes
        self._pieces: list[_Piece] = []
        end = 0
        for tensor, data in enumerate(inputs):
            for offset in range(0, len(data), chunk_bytes):
                piece = data[offset : offset + chunk_bytes]
                end += len(piece)
                self._pieces.append(_Piece(tensor, offset, end, piece))
        self._to_send = deque(self._pieces)
        self._first = 0  # index of the first piece that is not confirmed
        self._invoke_seq = -1  # of the INVOKE under way, -1 if none is
        self.resent = 0
        self._invoked_once = False

    @property
    def confirmed(self) -> int:
        """Chunks that the device has."""
        return sum(piece.arrived for piece in self._pieces)

    @property
    def all_confirmed(self) -> bool:
        return self._first == len(self._pieces)

    @property
    def waits_for_result(self) -> bool:
        """Everything is sent and INVOKE is under way."""
        return self._invoke_seq >= 0

    def take(self, seq: int) -> list[tuple[Type, bytes]]:
        """Type and payload of the frames to send now; they will get the numbers `seq`, `seq + 1` …"""
        frames = self.take_data(seq)
        if not self._to_send and self._invoke_seq < 0:
            self.resent += self._invoked_once
            self._invoked_once = True
            self._invoke_seq = (seq + len(frames)) & 0xFFFF
            frames.append((Type.INVOKE, Invoke(self._request, self.flags).pack()))
        return frames

    def take_data(self, seq: int) -> list[tuple[Type, bytes]]:
        """The same without INVOKE."""
        frames: list[tuple[Type, bytes]] = []
        confirmed = self._pieces[self._first - 1].end if self._first else 0
        while self._to_send and self._to_send[0].end - confirmed <= self._window_bytes:
            piece = self._to_send.popleft()
            if piece.arrived:
                continue
            self.resent += piece.sent_seq >= 0
            piece.sent_seq = (seq + len(frames)) & 0xFFFF
            header = Data.layout.pack(self._request, piece.tensor, piece.offset)
            frames.append((Type.DATA, header + piece.data))
        return frames

    def confirm(self, ack: Ack) -> None:
        """Take in what an ACK or a NAK of this request lists."""
        self._window_bytes = ack.window_bytes
        incomplete = ack.reason == NakReason.INCOMPLETE
        lost = []
        # What an older ACK confirmed, a later one need not list; only INCOMPLETE takes it back.
        for piece in self._pieces[0 if incomplete else self._first :]:
            if piece.tensor != ack.tensor or piece.sent_seq < 0:
                continue
            if self._is_listed(piece, ack):
                piece.arrived = True
            elif (incomplete or not piece.arrived) and not is_newer(piece.sent_seq, ack.last_seq):
                piece.arrived = False
                lost.append(piece)
        self._queue(lost)
        if incomplete and self.waits_for_result and not is_newer(self._invoke_seq, ack.last_seq):
            self._invoke_seq = -1

    def damaged(self, last_seq: int) -> None:
        """The frame after `last_seq` reached the device damaged; whatever it was, send it again."""
        seq = (last_seq + 1) & 0xFFFF
        self._queue([p for p in self._pieces[self._first :] if p.sent_seq == seq and not p.arrived])
        if self._invoke_seq == seq:
            self._invoke_seq = -1

    def nothing_heard(self) -> None:
        """The timer has run out: send the one frame that makes the device say what it has."""
        if self._invoke_seq >= 0:
            self._invoke_seq = -1
        else:
            self._queue([piece for piece in self._pieces[self._first :] if not piece.arrived][:1])

    def _is_listed(self, piece: _Piece, ack: Ack) -> bool:
        if piece.offset < ack.next_offset:
            return True
        ahead = (piece.offset - ack.next_offset) // self._chunk_bytes
        return 1 <= ahead <= SACK_CHUNKS and bool(ack.sack >> (ahead - 1) & 1)

    def _queue(self, again: list[_Piece]) -> None:
        waiting = {id(piece) for piece in self._to_send}
        self._to_send.extendleft(piece for piece in reversed(again) if id(piece) not in waiting)
        self._first = next((i for i, p in enumerate(self._pieces) if not p.arrived), len(self._pieces))
