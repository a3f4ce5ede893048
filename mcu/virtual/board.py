"""The device side of the link as a function of the bytes that arrive: the definition that the firmware follows.

It has no timers and never speaks first: every frame it sends answers one that it received. It knows of no
port; whoever drives it carries the bytes (docs/reference/protocol.md, "The device").
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mcu.protocol.crc import crc32
from mcu.protocol.errors import ErrorClass, KernelCode, ParamCode, ProtocolCode, StateCode
from mcu.protocol.frame import MIN_PAYLOAD_BYTES, VERSION, Frame, FrameReader, encode_frame
from mcu.protocol.identity import Identity
from mcu.protocol.messages import (
    DATA_HEADER_BYTES,
    NO_COUNT,
    RESULT_HEADER_BYTES,
    SACK_CHUNKS,
    Ack,
    Chunk,
    Data,
    Error,
    Fetch,
    Hello,
    HelloAck,
    Invoke,
    MalformedMessage,
    Message,
    Nak,
    NakReason,
    Object,
    Result,
    Type,
    chunk_bytes,
    is_newer,
)
from mcu.tensor import TensorSpec
from mcu.virtual.receiver import BadChunk, TensorReceiver

_MAX_LATENCY_US = 0xFFFF_FFFF


class Engine(Protocol):
    """What runs the model: `mcu.tflm.TflmInterpreter`, or anything with these three."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def invoke(self, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]: ...


@dataclass(frozen=True)
class LinkLimits:
    """What the device can take.

    Args:
        max_payload_bytes: of a frame, 64 to 2048, a multiple of 4.
        window_bytes: of DATA that it can take while it is busy: what fits its receive buffer; at most 32 chunks.
        version_min, version_max: of the protocol.
    """

    max_payload_bytes: int = 1024
    window_bytes: int = SACK_CHUNKS * (1024 - DATA_HEADER_BYTES)
    version_min: int = VERSION
    version_max: int = VERSION


@dataclass
class _Request:
    """What the device holds of one request; `number` is 0 before the first."""

    number: int
    inputs: list[TensorReceiver]
    unconfirmed_bytes: int = 0  # received since the last ACK
    result: Result | None = None
    result_bytes: bytes = b""


class BoardLink:
    """A device: `feed` it what the host sends, send the host what it returns.

    Args:
        engine: runs the model; an exception from it is reported and leaves the board usable.
        identity: who to be.
        session: boot nonce, 1..65535, another one after every start.
        limits: of its memory.
        clock_ns: measures the model's latency.

    Attributes:
        invocations: how often the engine ran.
        damaged: stretches between delimiters that were no frame.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        identity: Identity,
        session: int,
        limits: LinkLimits = LinkLimits(),
        clock_ns: Callable[[], int] = time.perf_counter_ns,
    ):
        assert 1 <= session <= 0xFFFF, "0 means that the host knows no session"
        self._engine = engine
        self._identity = identity.pack()
        self._session = session
        self._limits = limits
        self._clock_ns = clock_ns
        self._reader = FrameReader(max_payload_bytes=limits.max_payload_bytes)
        self._out = bytearray()
        self._seq = 0  # of the next frame sent
        self._last_seq = 0  # of the last intact frame received
        self._nonce: int | None = None  # of the HELLO in force; None before and after a connection
        self._max_payload = limits.max_payload_bytes
        self._current = self._new_request(0)
        self.invocations = 0

    @property
    def damaged(self) -> int:
        return self._reader.damaged

    def feed(self, data: bytes) -> bytes:
        """Everything the device answers to these bytes; runs the model when they ask for it."""
        for frame in self._reader.feed(data):
            if frame is None:
                self._report_damage()
            else:
                self._last_seq = frame.seq
                try:
                    self._obey(frame)
                except MalformedMessage as error:
                    self._refuse(
                        ErrorClass.PROTOCOL,
                        ProtocolCode.MALFORMED,
                        arg=len(frame.payload),
                        text=error.message,
                    )
        answer = bytes(self._out)
        self._out.clear()
        return answer

    def _obey(self, frame: Frame) -> None:
        if frame.type == Type.HELLO:
            self._on_hello(Hello.unpack(frame.payload))
        elif frame.session != self._session:
            self._refuse(
                ErrorClass.STATE,
                StateCode.WRONG_SESSION,
                arg=frame.session,
                text="the board has started again since",
            )
        elif frame.type == Type.BYE:
            self._nonce = None
            self._current = self._new_request(0)
            self._send(Type.BYE_ACK, b"")
        elif self._nonce is None:
            self._refuse(ErrorClass.STATE, StateCode.NO_HELLO, arg=frame.type, text="say HELLO first")
        elif frame.type == Type.DATA:
            self._on_data(Data.unpack(frame.payload))
        elif frame.type == Type.INVOKE:
            self._on_invoke(Invoke.unpack(frame.payload))
        elif frame.type == Type.FETCH:
            self._on_fetch(Fetch.unpack(frame.payload))
        elif frame.type < Type.HELLO_ACK:
            self._refuse(
                ErrorClass.PROTOCOL,
                ProtocolCode.UNKNOWN_TYPE,
                arg=frame.type,
                text=f"no type {frame.type:#04x}",
            )
        # Types from 0x10 on are a device's own: an echo, not a request.

    def _on_hello(self, hello: Hello) -> None:
        limits = self._limits
        version = min(hello.version_max, limits.version_max)
        if (
            version < max(hello.version_min, limits.version_min)
            or hello.max_payload_bytes < MIN_PAYLOAD_BYTES
        ):
            self._refuse(
                ErrorClass.PROTOCOL,
                ProtocolCode.VERSION,
                arg=limits.version_min << 8 | limits.version_max,
                text=f"host speaks {hello.version_min} to {hello.version_max}, "
                f"this board {limits.version_min} to {limits.version_max}",
            )
            return
        # A HELLO that comes twice must not undo what was sent after it.
        if hello.nonce != self._nonce:
            self._nonce = hello.nonce
            self._max_payload = min(hello.max_payload_bytes & ~3, limits.max_payload_bytes)
            self._current = self._new_request(0)
        self._send_message(
            HelloAck(
                version=version,
                reserved=0,
                max_payload_bytes=self._max_payload,
                nonce=hello.nonce,
                features=0,
                window_bytes=self._window_bytes(),
                identity_bytes=len(self._identity),
                identity_crc32=crc32(self._identity),
            )
        )

    def _on_data(self, data: Data) -> None:
        if not self._is_current(data.request):
            return
        if data.tensor >= len(self._current.inputs):
            self._refuse(
                ErrorClass.PARAM,
                ParamCode.NO_SUCH_OBJECT,
                arg=data.tensor,
                text=f"the model has {len(self._current.inputs)} inputs",
            )
            return
        if self._current.result is not None:
            return  # late repetition: the model has run on these bytes
        tensor = self._current.inputs[data.tensor]
        try:
            in_order = tensor.put(data.offset, data.data)
        except BadChunk as error:
            code, arg = (
                (ParamCode.BAD_OFFSET, data.offset)
                if error.wrong_offset
                else (ParamCode.BAD_LENGTH, len(data.data))
            )
            self._refuse(ErrorClass.PARAM, code, arg=arg, text=str(error))
            return
        self._current.unconfirmed_bytes += len(data.data)
        # The host needs to hear of a hole at once, and of progress before its window is used up.
        if not in_order or 2 * self._current.unconfirmed_bytes >= self._window_bytes():
            self._send_message(Ack(*self._progress(data.tensor)))
            self._current.unconfirmed_bytes = 0

    def _on_invoke(self, invoke: Invoke) -> None:
        if not self._is_current(invoke.request):
            return
        if self._current.result is None:
            incomplete = [k for k, tensor in enumerate(self._current.inputs) if not tensor.complete]
            for k in incomplete:
                self._send_message(Nak(*self._progress(k), reason=NakReason.INCOMPLETE))
            if incomplete:
                return
            self._current.result, self._current.result_bytes = self._run(invoke.request)
            self._send_result()
            self._send_chunks(
                Fetch(
                    invoke.request,
                    Object.RESULT,
                    len(self._current.result.data),
                    len(self._current.result_bytes),
                ),
                self._current.result_bytes,
            )
        else:
            # The host fetches what else it lacks; a repetition must not cost the line a second stream.
            self._send_result()

    def _on_fetch(self, fetch: Fetch) -> None:
        if fetch.object == Object.IDENTITY:
            self._send_chunks(fetch, self._identity)
        elif fetch.object != Object.RESULT:
            self._refuse(
                ErrorClass.PARAM, ParamCode.NO_SUCH_OBJECT, arg=fetch.object, text="no such object to fetch"
            )
        elif fetch.request != self._current.number or self._current.result is None:
            self._refuse(
                ErrorClass.PARAM, ParamCode.BAD_REQUEST, arg=fetch.request, text="no result of this request"
            )
        else:
            self._send_chunks(fetch, self._current.result_bytes)

    def _is_current(self, request: int) -> bool:
        """Whether to act on a frame of this request; a newer one ends the one before it."""
        if request == 0:
            self._refuse(
                ErrorClass.PARAM, ParamCode.BAD_REQUEST, arg=0, text="requests are numbered from 1 to 65535"
            )
            return False
        if request != self._current.number:
            if self._current.number and not is_newer(request, self._current.number):
                return False  # a late repetition
            self._current = self._new_request(request)
        return True

    def _new_request(self, number: int) -> _Request:
        size = chunk_bytes(self._max_payload)
        return _Request(
            number, [TensorReceiver(size=spec.nbytes, chunk_bytes=size) for spec in self._engine.inputs]
        )

    def _window_bytes(self) -> int:
        return min(self._limits.window_bytes, SACK_CHUNKS * chunk_bytes(self._max_payload))

    def _run(self, request: int) -> tuple[Result, bytes]:
        arrays = [
            np.frombuffer(tensor.buffer, dtype=spec.dtype).reshape(spec.shape)
            for tensor, spec in zip(self._current.inputs, self._engine.inputs, strict=True)
        ]
        status, code = ErrorClass.OK, 0
        self.invocations += 1
        begin_ns = self._clock_ns()
        try:
            outputs = self._engine.invoke(arrays)
        except Exception as error:  # whatever the engine is, its failure is an answer and the board lives on
            status, code, body = ErrorClass.KERNEL, KernelCode.INVOKE_FAILED, str(error).encode()[:1024]
        else:
            body = b"".join(output.tobytes() for output in outputs)
        latency_us = min((self._clock_ns() - begin_ns) // 1000, _MAX_LATENCY_US)
        first = body[: self._max_payload - RESULT_HEADER_BYTES]
        result = Result(request, status, code, latency_us, NO_COUNT, len(body), crc32(body), first)
        return result, body

    def _progress(self, tensor: int) -> tuple[int, int, int, int, int, int]:
        receiver = self._current.inputs[tensor]
        return (
            self._current.number,
            tensor,
            receiver.next_offset,
            receiver.sack,
            self._window_bytes(),
            self._last_seq,
        )

    def _report_damage(self) -> None:
        """Say it at once, the host need not wait for its timer; before HELLO there is nobody to tell."""
        if self._nonce is not None:
            self._send_message(Nak(*self._progress(0), reason=NakReason.DAMAGED))

    def _send_result(self) -> None:
        assert self._current.result is not None
        self._send_message(self._current.result)

    def _send_chunks(self, fetch: Fetch, source: bytes) -> None:
        end = min(fetch.offset + fetch.length, len(source))
        size = chunk_bytes(self._max_payload)
        for offset in range(fetch.offset, end, size):
            data = source[offset : min(offset + size, end)]
            self._send_message(Chunk(fetch.request, fetch.object, offset, data))

    def _refuse(self, error_class: ErrorClass, code: int, *, arg: int, text: str) -> None:
        body = text.encode()[: MIN_PAYLOAD_BYTES - Error.layout.size]
        self._send_message(Error(error_class, code, self._last_seq, arg & 0xFFFF_FFFF, body))

    def _send_message(self, message: Message) -> None:
        self._send(message.frame_type, message.pack())

    def _send(self, type_: int, payload: bytes) -> None:
        self._out += encode_frame(Frame(type_, payload, self._seq, self._session))
        self._seq = (self._seq + 1) & 0xFFFF
