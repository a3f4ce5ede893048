"""Talk to one board over one port: greet it, run inferences, leave it idle (docs/reference/protocol.md)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

import numpy as np

from mcu.errors import BadInput, BoardError, WrongModel
from mcu.postprocess.mask_object import mask_tensor
from mcu.protocol.ask import ask
from mcu.protocol.baud import LADDER, raise_baud
from mcu.protocol.connect import connect
from mcu.protocol.control import GetStats, Log, Ping, Pong, Stats
from mcu.protocol.drive import Drive, byte_s
from mcu.protocol.exchange import Exchange
from mcu.protocol.frame import DELIMITER
from mcu.protocol.identity import Identity
from mcu.protocol.link import ByteStream, Link
from mcu.protocol.mask import MaskForm, fetch_mask
from mcu.protocol.messages import NO_COUNT, Bye, Feature, HelloAck, InvokeFlag, Message, Type
from mcu.protocol.profile import Profile, fetch_profile
from mcu.protocol.reset import reset_board
from mcu.protocol.stats import LinkStats
from mcu.protocol.timer import RetransmitTimer
from mcu.tensor import TensorSpec

_TURN_AROUND_S = 0.2
_BYE_WAIT_S = 1.0
_LAST_REQUEST = 0xFFFF  # 0 names no request
_TOKEN_BYTES = 4  # tells an answer to this PING from a late one
A = TypeVar("A", bound=Message)


def random_nonce() -> int:
    """32 bits that tell a connection from the ones before."""
    return secrets.randbits(32)


@dataclass(frozen=True)
class Inference:
    """What the board answers for one request.

    Attributes:
        outputs: the bytes of every output tensor, in the model's order.
        latency_us: of the model alone, measured on the board.
        instructions: executed by the model; None where the board does not count them.
        profile: what each operator took; None if it was not asked for.
        mask: the class of each pixel, uint8 (height, width), made by the board; None if it was not asked for, or the
            board makes none: it is no segmenter, or firmware from before there were masks.
        sent_by_board: False if the outputs are the expected ones and the board has only sent their CRC-32, which is
            theirs.
    """

    outputs: tuple[bytes, ...]
    latency_us: int
    instructions: int | None
    profile: Profile | None = None
    mask: np.ndarray | None = None
    sent_by_board: bool = True


class Session:
    """A greeted board. Made by `Session.connect`; a context manager.

    Attributes:
        identity: who answered (`mcu.protocol.Identity`).
        terms: what was agreed on: version, payload, window (`mcu.protocol.messages.HelloAck`).
    """

    def __init__(
        self,
        link: Link,
        *,
        terms: HelloAck,
        identity: Identity,
        timer: RetransmitTimer,
        silence_s: float,
        clock: Callable[[], float],
    ):
        self.terms = terms
        self.identity = identity
        self._output_bytes = sum(spec.nbytes for spec in identity.outputs)
        self._link = link
        self._timer = timer
        self._silence_s = silence_s
        self._clock = clock
        self._request = 0
        self._drive = Drive(link, timer=timer, silence_s=silence_s, board=identity.board, clock=clock)
        self._ahead: Exchange | None = None  # whose inputs the board takes before it is its turn
        self._retransmits = 0
        self._damage_reports = 0
        self._tensor_bytes = 0
        self._inferences = 0
        self._link_s = 0.0
        self._pings = 0
        self._closed = False

    @classmethod
    def connect(
        cls,
        port: ByteStream,
        *,
        timeout_s: float = 5.0,
        silence_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        nonce: Callable[[], int] = random_nonce,
        on_log: Callable[[Log], None] | None = None,
    ) -> Session:
        """Greet the board behind `port` and learn who it is. The session owns the port from here on.

        Args:
            timeout_s: to wait for an answer; boards that reset when the port opens need a second or two.
            silence_s: longest time without progress during `infer`; longer than one inference takes.
            clock: seconds, monotonic.
            nonce: makes 32 bits that tell this connection from the ones before.
            on_log: called with what the program on the board says; None: Python's logger `mcu.board` gets it.

        Raises:
            LinkError: nobody answers, with what was heard instead; VersionMismatch if versions differ.
            PortError: the port went away.
        """
        link = Link(port, write_timeout_s=silence_s, clock=clock)
        if on_log is not None:
            link.on_log = on_log
        timer = RetransmitTimer(first_wait_s=_TURN_AROUND_S)
        try:
            terms, identity = connect(link, timer=timer, timeout_s=timeout_s, nonce=nonce(), clock=clock)
        except BaseException:
            port.close()
            raise
        # Until a round trip is measured: the line may have to carry a full window first.
        timer = RetransmitTimer(first_wait_s=_TURN_AROUND_S + terms.window_bytes * byte_s(port))
        return cls(link, terms=terms, identity=identity, timer=timer, silence_s=silence_s, clock=clock)

    @property
    def stats(self) -> LinkStats:
        """What was counted so far."""
        return LinkStats(
            frames_sent=self._link.frames_sent,
            frames_received=self._link.frames_received,
            bytes_sent=self._link.bytes_sent,
            bytes_received=self._link.bytes_received,
            tensor_bytes=self._tensor_bytes,
            retransmits=self._retransmits,
            crc_errors=self._link.crc_errors,
            damage_reports=self._damage_reports,
            inferences=self._inferences,
            link_s=self._link_s,
        )

    def require_model(self, *, sha256: str, crc32: int) -> None:
        """Make sure that the board runs this model.

        Raises:
            WrongModel: it names another file, or the bytes it computed its CRC-32 over are others.
        """
        ours, theirs = sha256.lower(), self.identity.model_sha256
        if ours != theirs:
            raise WrongModel(
                f"{self._link.port.name}: {self.identity.board} runs the model {theirs[:12]}…, "
                f"not {ours[:12]}… (SHA-256).",
                hint="Flash this bundle with `mcu flash`, or give the bundle that is on the board.",
            )
        if crc32 != self.identity.model_crc32:
            raise WrongModel(
                f"{self._link.port.name}: {self.identity.board} names the right model, but its bytes have "
                f"CRC-32 {self.identity.model_crc32:08x} instead of {crc32:08x}: its flash is damaged.",
                hint="Flash it again with `mcu flash`.",
            )

    def infer(
        self,
        inputs: Sequence[bytes],
        *,
        profile: bool = False,
        mask: MaskForm | None = None,
        expected: Sequence[bytes] | None = None,
        ahead: Sequence[bytes] | None = None,
    ) -> Inference:
        """Run the model once.

        Args:
            inputs: the bytes of each input tensor, exactly as long as the tensor.
            profile: measure every operator; the whole run takes a little longer then.
            mask: ask for the mask of a segmenter too, made by the board of its output: "packed" or "runs".
            expected: the bytes that each output tensor should have. A board with the feature HASH_ONLY then sends the
                CRC-32 of its outputs first, and the outputs only if that is another one than these bytes have. Two
                different outputs have the same CRC-32 with a probability of 2^-32.
            ahead: the inputs of the next call. A board with the feature OVERLAP takes them while its model runs; if the
                next call has others after all, nothing is lost but time. What the board measures includes the
                interrupts of receiving, unless it holds them back.

        Raises:
            BadInput: another number of tensors or bytes than the model's, or a profile from a board without.
            RemoteError: the board says why it cannot.
            BoardFault: the program on the board has failed, and how.
            LinkError: no progress for `silence_s`; BoardReset if it has started again.
            PortError: the port went away.
        """
        _check("input", self.identity.inputs, inputs)
        if ahead is not None:
            _check("input", self.identity.inputs, ahead)
        if expected is not None:
            _check("output", self.identity.outputs, expected)
        if profile and not self.terms.features & Feature.PROFILE:
            raise BadInput(
                f"{self.identity.board} does not measure operators.", hint="Infer without a profile."
            )
        hash_only = expected is not None and bool(self.terms.features & Feature.HASH_ONLY)
        begin_s = self._clock()
        exchange = self._begin(inputs)
        exchange.invoke_with(
            (InvokeFlag.PROFILE if profile else 0) | (InvokeFlag.HASH_ONLY if hash_only else 0),
            expected=b"".join(expected) if hash_only and expected is not None else None,
        )
        if ahead is not None and self.terms.features & Feature.OVERLAP:
            self._ahead = self._new_exchange(ahead)
        try:
            self._drive.run(exchange, ahead=self._ahead, inference=self._inferences)
        except BaseException:
            self._ahead = None
            raise
        finally:
            self._retransmits += exchange.resent
            self._damage_reports += exchange.damage_reports
        output = exchange.outputs()
        result = exchange.result
        assert result is not None
        self._link_s += max(0.0, self._clock() - begin_s - self._drive.model_s)
        self._tensor_bytes += sum(map(len, inputs)) + (len(output) if exchange.sent_by_board else 0)
        self._inferences += 1
        return Inference(
            outputs=self._split(output),
            latency_us=result.latency_us,
            instructions=None if result.instructions == NO_COUNT else result.instructions,
            profile=self._fetch_profile(exchange.request) if profile else None,
            mask=self._fetch_mask(mask, exchange.request) if mask is not None else None,
            sent_by_board=exchange.sent_by_board,
        )

    def ping(self, size: int = 0) -> float:
        """Seconds until the board has sent back a frame of its own and `size` more bytes, repetitions included.

        Raises:
            BadInput: more bytes than a frame of this connection holds.
            RemoteError: firmware from before there was PING. LinkError, PortError: as `infer`.
        """
        self._pings = (self._pings + 1) & 0xFFFF_FFFF
        token = self._pings.to_bytes(_TOKEN_BYTES, "little") + bytes(i & 0xFF for i in range(size))
        if not 0 <= size <= self.terms.max_payload_bytes - _TOKEN_BYTES:
            raise BadInput(
                f"A ping carries 0 to {self.terms.max_payload_bytes - _TOKEN_BYTES} more bytes here, not {size}."
            )
        begin_s = self._clock()
        self._ask(Ping(token), Pong, matches=lambda pong: pong.data == token)
        return self._clock() - begin_s

    def raise_baud(self, ladder: Sequence[int] = LADDER) -> int | None:
        """Talk at the first rate of the ladder at which the line carries 64 frames each way unharmed.

        A rate that does not is given up within half a second, by the board itself; the session lives on as it was.

        Args:
            ladder: symbols per second, in the order to try; those that are not above the line's own are left out.

        Returns:
            The rate from here on, until the session is closed; None where it is of no importance or fixed.

        Raises:
            LinkError: the board does not come back from a rate it has tried. BoardReset, PortError: as `infer`.
        """
        if not self.terms.features & Feature.SET_BAUD:
            return None
        return raise_baud(
            self._link,
            ladder=ladder,
            max_payload_bytes=self.terms.max_payload_bytes,
            window_bytes=self.terms.window_bytes,
            timer=self._timer,
            clock=self._clock,
        )

    def reset(self) -> None:
        """Have the board start again; connect again then, after `close`, or over the same port.

        Raises:
            RemoteError: firmware from before there was RESET. LinkError: no answer for `silence_s`.
            PortError: the port went away, as that of a chip with USB of its own does.
        """
        reset_board(self._link, timer=self._timer, silence_s=self._silence_s, clock=self._clock)

    def device_stats(self) -> Stats:
        """What the board has counted since it started.

        Raises:
            RemoteError: firmware from before there were counters. LinkError, PortError: as `infer`.
        """
        return self._ask(GetStats(), Stats)

    def close(self) -> None:
        """Leave the board idle and give the port back; may be called twice, and after an error."""
        if self._closed:
            return
        self._closed = True
        try:
            self._say_goodbye()
        except BoardError:
            pass  # it is gone or has started again: nothing left to tell it
        finally:
            self._link.port.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: Message, answer: type[A], *, matches: Callable[[A], bool] = lambda _: True) -> A:
        return ask(
            self._link,
            request,
            answer,
            timer=self._timer,
            silence_s=self._silence_s,
            clock=self._clock,
            matches=matches,
        )

    def _begin(self, inputs: Sequence[bytes]) -> Exchange:
        """The exchange that was begun ahead, if it is of these inputs."""
        begun, self._ahead = self._ahead, None
        if begun is not None and begun.inputs == tuple(inputs):
            return begun
        return self._new_exchange(inputs)

    def _new_exchange(self, inputs: Sequence[bytes]) -> Exchange:
        self._request = self._request % _LAST_REQUEST + 1
        return Exchange(
            request=self._request, inputs=inputs, output_bytes=self._output_bytes, terms=self.terms
        )

    def _fetch_profile(self, request: int) -> Profile:
        return fetch_profile(
            self._link, request, timer=self._timer, timeout_s=self._silence_s, clock=self._clock
        )

    def _fetch_mask(self, form: MaskForm, request: int) -> np.ndarray | None:
        tensor = mask_tensor(self.identity.outputs)
        if tensor is None or not self.terms.features & Feature.MASK:
            return None
        return fetch_mask(
            self._link,
            request,
            tensor,
            form=form,
            timer=self._timer,
            timeout_s=self._silence_s,
            clock=self._clock,
        )

    def _split(self, output: bytes) -> tuple[bytes, ...]:
        parts, at = [], 0
        for spec in self.identity.outputs:
            parts.append(output[at : at + spec.nbytes])
            at += spec.nbytes
        return tuple(parts)

    def _say_goodbye(self) -> None:
        """Ask the board to forget the connection; the delimiter ends a frame that an interrupt may have cut."""
        self._link.send_raw(DELIMITER)
        self._link.send_message(Bye())
        end = self._clock() + _BYE_WAIT_S
        while (left_s := end - self._clock()) > 0:
            if any(frame.type == Type.BYE_ACK for frame in self._link.receive(timeout_s=left_s)):
                return


def _check(kind: str, specs: Sequence[TensorSpec], tensors: Sequence[bytes]) -> None:
    if len(tensors) != len(specs):
        raise BadInput(f"The model has {len(specs)} {kind} tensors, got {len(tensors)}.")
    for spec, data in zip(specs, tensors, strict=True):
        if len(data) != spec.nbytes:
            raise BadInput(
                f"{kind.capitalize()} tensor '{spec.name}' of shape {spec.shape} takes {spec.nbytes} bytes, "
                f"got {len(data)}."
            )
