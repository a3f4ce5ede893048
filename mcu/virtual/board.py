"""The device side of the link as a function of the bytes that arrive: the definition that the firmware follows.

It never speaks first: every frame it sends answers one that it received. It knows of no
port; whoever drives it carries the bytes (docs/reference/protocol.md, "The device").
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from mcu.engine import Engine
from mcu.postprocess.mask_object import mask_tensor
from mcu.protocol.control import BaudAck, Log, LogLevel, Ping, Pong, SetBaud, Stats
from mcu.protocol.crc import crc32
from mcu.protocol.errors import ErrorClass, ParamCode, ProtocolCode, StateCode
from mcu.protocol.frame import MIN_PAYLOAD_BYTES, VERSION, Frame, FrameReader, encode_frame
from mcu.protocol.identity import Identity
from mcu.protocol.messages import (
    FROM_DEVICE,
    SACK_CHUNKS,
    Ack,
    Chunk,
    Data,
    Error,
    Feature,
    Fetch,
    Hello,
    HelloAck,
    Invoke,
    InvokeFlag,
    MalformedMessage,
    Message,
    Nak,
    NakReason,
    Object,
    Result,
    Type,
    chunk_bytes,
)
from mcu.virtual.baud import BaudRate
from mcu.virtual.receiver import BadChunk
from mcu.virtual.request import Request
from mcu.virtual.requests import Requests

_COUNTER = 0xFFFF_FFFF


@dataclass(frozen=True)
class LinkLimits:
    """What the device can take.

    Args:
        max_payload_bytes: of a frame, 64 to 2048, a multiple of 4.
        window_bytes: DATA that its receive buffer can hold while it is busy; at least one chunk.
        version_min, version_max: of the protocol.
        features: that the device has; MASK is not among them: it comes with the model.
    """

    max_payload_bytes: int = 1024
    window_bytes: int = 32768
    version_min: int = VERSION
    version_max: int = VERSION
    features: Feature = Feature.HASH_ONLY | Feature.LOG


class BoardLink:
    """A device: `feed` it what the host sends, send the host what it returns.

    Args:
        engine: runs the model; an exception from it is reported and leaves the board usable.
        identity: who to be.
        session: boot nonce, 1..65535, another one after every start.
        limits: of its memory.
        clock_ns: measures the model's latency, and how long a rate is tried.
        baud: of the line; None where its rate is of no importance.

    Attributes:
        invocations: how often the engine ran.
        early: takes what is to be sent before the model runs; None: it goes with the rest of `feed`'s answer.
        wants_reset: the device is to start again as soon as what `feed` returned is sent.
        baud: whose rate the line should have as soon as what `feed` returned is sent; its `tick` is to be called.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        identity: Identity,
        session: int,
        limits: LinkLimits = LinkLimits(),
        clock_ns: Callable[[], int] = time.perf_counter_ns,
        baud: BaudRate | None = None,
    ):
        assert 1 <= session <= 0xFFFF, "0 means that the host knows no session"
        self._engine = engine
        self._identity = identity.pack()
        self._session = session
        self._mask_tensor = mask_tensor(engine.outputs)
        masks = Feature.MASK if self._mask_tensor is not None else Feature(0)
        self._limits = replace(limits, features=limits.features | masks)
        self._clock_ns = clock_ns
        self.baud = baud
        self.wants_reset = False
        self._reader = FrameReader(max_payload_bytes=limits.max_payload_bytes)
        self._out = bytearray()
        self._seq = 0  # of the next frame sent
        self._last_seq = 0  # of the last intact frame received
        self._nonce: int | None = None  # of the HELLO in force; None while nobody is connected
        self._version = limits.version_max
        self._max_payload_bytes = limits.max_payload_bytes
        self._requests = Requests(self._new_request)
        self.early: Callable[[bytes], None] | None = None
        self._frames_received = self._frames_damaged = self._frames_sent = self._refused = 0
        self._logs_dropped = 0
        self._takes_logs = False
        self.invocations = 0

    @property
    def engine(self) -> Engine:
        """What runs the model."""
        return self._engine

    @property
    def connected(self) -> bool:
        """Whether a HELLO is in force."""
        return self._nonce is not None

    def feed(self, data: bytes) -> bytes:
        """Everything the device answers to these bytes; runs the model when they ask for it."""
        for frame in self._reader.feed(data):
            if self.wants_reset:
                break  # what comes now finds a device that does not listen
            if frame is None:
                self._frames_damaged += 1
                self._report_damage()
                continue
            self._frames_received += 1
            self._last_seq = frame.seq
            if self.baud is not None and self.baud.is_tried and frame.session == self._session:
                self.baud.heard(now_ns=self._clock_ns())
            try:
                self._obey(frame)
            except MalformedMessage as error:
                self._refuse(
                    ErrorClass.PROTOCOL, ProtocolCode.MALFORMED, arg=len(frame.payload), text=error.message
                )
        answer = bytes(self._out)
        self._out.clear()
        return answer

    def log(self, level: LogLevel, text: str) -> None:
        """Tell the host something, in at most 60 bytes of UTF-8; dropped and counted if nobody wants it."""
        if self._nonce is None or not self._takes_logs:
            self._logs_dropped += 1
            return
        self._send_message(Log(level, 0, text.encode()[: MIN_PAYLOAD_BYTES - Log.layout.size]))
        self._send_early()

    def _obey(self, frame: Frame) -> None:
        if frame.type & FROM_DEVICE:
            return  # an echo, not a request
        if frame.type == Type.HELLO:
            self._on_hello(Hello.unpack(frame.payload))
        elif frame.session != self._session:
            self._refuse(
                ErrorClass.STATE, StateCode.WRONG_SESSION, arg=frame.session, text="the board started again"
            )
        elif frame.type == Type.BYE:
            self._nonce = None
            self._requests = Requests(self._new_request)
            self._send(Type.BYE_ACK, b"")
            if self.baud is not None:
                self.baud.reset()
        elif frame.type == Type.RESET:
            self._send(Type.BYE_ACK, b"")
            self.wants_reset = True
        elif self._nonce is None:
            self._refuse(ErrorClass.STATE, StateCode.NO_HELLO, arg=frame.type, text="say HELLO first")
        elif frame.version != self._version:
            self._refuse_version(f"version {frame.version} in a frame, {self._version} was agreed on")
        elif frame.type == Type.DATA:
            self._on_data(Data.unpack(frame.payload))
        elif frame.type == Type.INVOKE:
            self._on_invoke(Invoke.unpack(frame.payload))
        elif frame.type == Type.FETCH:
            self._on_fetch(Fetch.unpack(frame.payload))
        elif frame.type == Type.PING:
            self._send_message(Pong(Ping.unpack(frame.payload).data[: self._max_payload_bytes]))
        elif frame.type == Type.GET_STATS:
            self._send_message(self._stats())
        elif frame.type == Type.SET_BAUD:
            self._on_set_baud(SetBaud.unpack(frame.payload))
        else:
            self._refuse(
                ErrorClass.PROTOCOL, ProtocolCode.UNKNOWN_TYPE, arg=frame.type, text=f"type {frame.type:#04x}"
            )

    def _on_hello(self, hello: Hello) -> None:
        limits = self._limits
        version = min(hello.version_max, limits.version_max)
        if version < max(hello.version_min, limits.version_min):
            self._refuse_version(
                f"host {hello.version_min} to {hello.version_max}, "
                f"board {limits.version_min} to {limits.version_max}"
            )
            return
        if hello.max_payload_bytes < MIN_PAYLOAD_BYTES:
            self._refuse(
                ErrorClass.PARAM, ParamCode.BAD_LENGTH, arg=hello.max_payload_bytes, text="payload too small"
            )
            return
        # A HELLO that comes twice must not undo what was sent after it.
        if hello.nonce != self._nonce:
            self._nonce = hello.nonce
            self._version = version
            self._max_payload_bytes = min(hello.max_payload_bytes & ~3, limits.max_payload_bytes)
            overlap = bool(hello.features & self._features & Feature.OVERLAP)
            self._requests = Requests(self._new_request, overlap=overlap)
            self._takes_logs = bool(hello.features & self._features & Feature.LOG)
        self._send_message(
            HelloAck(
                version=self._version,
                reserved=0,
                max_payload_bytes=self._max_payload_bytes,
                nonce=hello.nonce,
                features=hello.features & self._features,
                window_bytes=self._window_bytes,
                identity_bytes=len(self._identity),
                identity_crc32=crc32(self._identity),
            )
        )

    def _on_data(self, data: Data) -> None:
        request = self._request_of(data.request)
        if request is None or request.result is not None:
            return  # a late repetition: perhaps the model has run on these bytes
        if data.tensor >= len(request.inputs):
            text = f"the model has {len(request.inputs)} inputs"
            self._refuse(ErrorClass.PARAM, ParamCode.NO_SUCH_OBJECT, arg=data.tensor, text=text)
            return
        tensor = request.inputs[data.tensor]
        try:
            in_order = tensor.put(data.offset, data.data)
        except BadChunk as error:
            self._refuse(ErrorClass.PARAM, error.code, arg=error.arg, text=str(error))
            return
        request.unconfirmed_bytes += len(data.data)
        # The host needs to hear of a hole at once, and of progress before its window is used up. That a
        # tensor is complete shows in no later ACK; that all are, shows in RESULT.
        if (
            not in_order
            or 2 * request.unconfirmed_bytes >= self._window_bytes
            or (tensor.complete and request.incomplete)
        ):
            self._send_message(Ack(*self._progress(request, data.tensor)))
            request.unconfirmed_bytes = 0

    def _on_invoke(self, invoke: Invoke) -> None:
        request = self._request_of(invoke.request)
        if request is None:
            return
        hash_only = bool(invoke.flags & InvokeFlag.HASH_ONLY and self._limits.features & Feature.HASH_ONLY)
        if request.result is not None:
            # Never run twice. The host fetches what else it lacks: a repetition must not cost a second stream.
            self._send_result(request.result, hash_only=hash_only or request.is_mask)
        elif request.incomplete:
            for tensor in request.incomplete:
                self._send_message(Nak(*self._progress(request, tensor), reason=NakReason.INCOMPLETE))
        else:
            self._requests.begin(request)
            if self._requests.overlap:
                self._confirm_early(request)
            self.invocations += 1
            result = request.run(self._engine, clock_ns=self._clock_ns)
            if not self._send_result(result, hash_only=hash_only):
                rest = Fetch(request.number, Object.RESULT, len(result.data), result.result_bytes)
                self._send_chunks(rest, request.result_bytes)

    def _confirm_early(self, request: Request) -> None:
        """The inputs are taken out of the receive buffer: there is room in it for those of the next request."""
        for tensor in range(len(request.inputs)):
            self._send_message(Ack(*self._progress(request, tensor)))
        self._send_early()

    def _send_early(self) -> None:
        if self.early is not None:
            self.early(bytes(self._out))
            self._out.clear()

    def _send_result(self, result: Result, *, hash_only: bool) -> bool:
        """Send it with its first bytes, or without any if that was asked for and the model has run; True then."""
        without = hash_only and result.status == ErrorClass.OK
        self._send_message(replace(result, data=b"") if without else result)
        return without

    def _on_fetch(self, fetch: Fetch) -> None:
        request = self._requests.current
        if fetch.object == Object.IDENTITY:
            self._send_chunks(fetch, self._identity)
        elif not request.has(fetch.object):
            self._refuse(
                ErrorClass.PARAM, ParamCode.NO_SUCH_OBJECT, arg=fetch.object, text="nothing to fetch there"
            )
        elif fetch.request != request.number or request.result is None:
            self._refuse(
                ErrorClass.PARAM, ParamCode.BAD_REQUEST, arg=fetch.request, text="no result of this request"
            )
        else:
            self._send_chunks(fetch, request.bytes_of(Object(fetch.object)))

    def _on_set_baud(self, wanted: SetBaud) -> None:
        if self.baud is None:
            self._refuse(
                ErrorClass.PROTOCOL, ProtocolCode.UNKNOWN_TYPE, arg=Type.SET_BAUD, text="the line has no rate"
            )
        elif not self.baud.change(wanted.baud, confirm_ms=wanted.confirm_ms, now_ns=self._clock_ns()):
            text = f"{wanted.baud} symbols per second"
            self._refuse(ErrorClass.PARAM, ParamCode.BAD_BAUD, arg=wanted.baud, text=text)
        else:
            self._send_message(BaudAck(wanted.baud))

    def _stats(self) -> Stats:
        return Stats(
            frames_received=self._frames_received & _COUNTER,
            frames_damaged=self._frames_damaged & _COUNTER,
            frames_sent=self._frames_sent & _COUNTER,
            overruns=0,  # whoever carries the bytes waits for this board
            refused=self._refused & _COUNTER,
            invocations=self.invocations & _COUNTER,
            logs_dropped=self._logs_dropped & _COUNTER,
        )

    @property
    def _features(self) -> Feature:
        return self._limits.features | (Feature.SET_BAUD if self.baud is not None else Feature(0))

    def _request_of(self, number: int) -> Request | None:
        """The request to act on, if any."""
        if number == 0:
            self._refuse(ErrorClass.PARAM, ParamCode.BAD_REQUEST, arg=0, text="requests begin at 1")
            return None
        return self._requests.of(number)

    def _new_request(self, number: int) -> Request:
        return Request(
            number=number,
            specs=self._engine.inputs,
            mask_tensor=self._mask_tensor,
            max_payload_bytes=self._max_payload_bytes,
        )

    @property
    def _window_bytes(self) -> int:
        return min(self._limits.window_bytes, SACK_CHUNKS * chunk_bytes(self._max_payload_bytes))

    def _progress(self, request: Request, tensor: int) -> tuple[int, int, int, int, int, int]:
        """The fields of ACK and NAK before the reason."""
        receiver = request.inputs[tensor]
        return (
            request.number,
            tensor,
            receiver.next_offset,
            receiver.sack,
            self._window_bytes,
            self._last_seq,
        )

    def _report_damage(self) -> None:
        """Say it at once, so that the host need not wait for its timer; with nobody connected, nobody asked."""
        if self._nonce is not None:
            self._send_message(Nak(*self._progress(self._requests.newest, 0), reason=NakReason.DAMAGED))

    def _send_chunks(self, fetch: Fetch, source: bytes) -> None:
        end = min(fetch.offset + fetch.length, len(source))
        size = chunk_bytes(self._max_payload_bytes)
        for offset in range(fetch.offset, end, size):
            data = source[offset : min(offset + size, end)]
            self._send_message(Chunk(fetch.request, fetch.object, offset, data))

    def _refuse_version(self, text: str) -> None:
        arg = self._limits.version_min << 8 | self._limits.version_max
        self._refuse(ErrorClass.PROTOCOL, ProtocolCode.VERSION, arg=arg, text=text)

    def _refuse(self, error_class: ErrorClass, code: int, *, arg: int, text: str) -> None:
        self._refused += 1
        body = text.encode()[: MIN_PAYLOAD_BYTES - Error.layout.size]
        self._send_message(Error(error_class, code, self._last_seq, arg & 0xFFFF_FFFF, body))

    def _send_message(self, message: Message) -> None:
        self._send(message.frame_type, message.pack())

    def _send(self, type_: int, payload: bytes) -> None:
        self._out += encode_frame(Frame(type_, payload, self._seq, self._session, self._version))
        self._seq = (self._seq + 1) & 0xFFFF
        self._frames_sent += 1
