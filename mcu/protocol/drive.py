"""Carries a request to its end: sends, listens, repairs, gives up (docs/reference/protocol.md, "The host")."""

from __future__ import annotations

from collections.abc import Callable

from mcu.errors import LinkError
from mcu.protocol.exchange import Exchange
from mcu.protocol.frame import MAX_PAYLOAD_BYTES, Frame
from mcu.protocol.link import ByteStream, Link
from mcu.protocol.messages import Ack, Type
from mcu.protocol.timer import MIN_WAIT_S, RetransmitTimer

# A model takes about as long every time; asking for its result sooner only makes the board say it twice.
_PATIENCE = 1.5
# Noise on the line must not fill the board's buffer with questions.
_ASK_AT_ONCE = 8


class Drive:
    """What is known from one request to the next: how long the model takes.

    Args:
        silence_s: longest time without progress.
        board: its id, for messages.
        clock: seconds, monotonic.

    Attributes:
        model_s: what the model took last time, by the board's clock; 0 before the first.
    """

    def __init__(
        self,
        link: Link,
        *,
        timer: RetransmitTimer,
        silence_s: float,
        board: str,
        clock: Callable[[], float],
    ):
        self._link = link
        self._timer = timer
        self._silence_s = silence_s
        self._board = board
        self._clock = clock
        self.model_s = 0.0
        # The same by our clock: an emulator's stands still when the computer has other things to do.
        self._answer_s = 0.0

    def run(self, exchange: Exchange, *, ahead: Exchange | None, inference: int) -> None:
        """Until the exchange is complete.

        Args:
            ahead: the next one, whose DATA is sent as soon as the board has room for it.
            inference: which one it is, for messages.

        Raises:
            LinkError: no progress for `silence_s`; and what `Exchange.handle`, the link and the port raise.
        """
        progress, progress_at, heard, asked_at_once = exchange.progress, self._clock(), False, 0
        invoked_at: float | None = None
        damaged_before = self._link.crc_errors
        while not exchange.complete:
            frames_out = exchange.take(self._link.next_seq)
            if ahead is not None and exchange.leaves_room:
                frames_out += ahead.take_ahead(self._link.next_seq + len(frames_out))
            if frames_out:
                self._link.send(frames_out)
            wait_s = self._timer.wait_s
            if exchange.waits_for_model:
                invoked_at = self._clock() if invoked_at is None else invoked_at
                wait_s += _PATIENCE * max(self.model_s, self._answer_s)
            # Never past the limit: who waits for a dead board is told in time.
            wait_s = min(wait_s, max(progress_at + self._silence_s - self._clock(), MIN_WAIT_S))
            damaged = self._link.crc_errors
            frames = self._listen(wait_s)
            for frame in frames:
                if frame.type in (Type.ACK, Type.NAK):
                    self._timer.heard(self._link.round_trip_s(Ack.unpack(frame.payload).last_seq))
                exchange.handle(frame)
                if ahead is not None:
                    ahead.overhear(frame)
            if frames:
                self._timer.heard()
                heard = True
            if invoked_at is not None and exchange.result is not None:
                # Where something was damaged, this is the time of a repair.
                if exchange.damage_reports == 0 and self._link.crc_errors == damaged_before:
                    self._answer_s = self._clock() - invoked_at
                invoked_at = None
            lost = self._link.crc_errors - damaged
            if lost and asked_at_once < _ASK_AT_ONCE:
                exchange.answers_damaged(lost)
                asked_at_once += 1
            elif not frames:
                self._timer.expired()
                exchange.nothing_heard()
                asked_at_once = 0
            if exchange.progress != progress:
                progress, progress_at, heard, asked_at_once = exchange.progress, self._clock(), False, 0
            elif self._clock() - progress_at >= self._silence_s:
                raise self._no_progress(exchange, heard=heard, inference=inference)
        assert exchange.result is not None
        self.model_s = exchange.result.latency_us / 1e6

    def _no_progress(self, exchange: Exchange, *, heard: bool, inference: int) -> LinkError:
        where = f"{self._link.port.name}: {self._board}"
        during = f"for {self._silence_s:g} s during inference {inference}"
        if heard:
            return LinkError(
                f"{where} has made no progress {during}: the line damages too much ({exchange.damage_reports} "
                f"reports of it from the board in this inference, {self._link.crc_errors} frames to this host so far).",
                hint="Check ground and cable, or choose a lower baud rate.",
            )
        return LinkError(
            f"{where} has been silent {during}.",
            hint="Reset the board; if the model takes that long, raise silence_s.",
        )

    def _listen(self, wait_s: float) -> list[Frame]:
        """The next frames, empty if none came or one was damaged.

        While one is on its way it waits for its end, but no longer than the longest takes.
        """
        begin = self._clock()
        latest = begin + wait_s + 2 * MAX_PAYLOAD_BYTES * byte_s(self._link.port)
        end = begin + wait_s
        damaged = self._link.crc_errors
        while (now := self._clock()) < end:
            received = self._link.bytes_received
            frames = self._link.receive(timeout_s=end - now)
            if frames or self._link.crc_errors > damaged:
                return frames
            if self._link.bytes_received > received:
                end = min(max(end, self._clock() + MIN_WAIT_S), latest)
        return []


def byte_s(port: ByteStream) -> float:
    """What a byte takes on the line; 0 where nothing limits it."""
    return 1 / port.line_bytes_per_s if port.line_bytes_per_s else 0.0
