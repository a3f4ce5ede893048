"""What a device holds of one request: the inputs that arrive, then the result that may be asked for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mcu.engine import Engine
from mcu.postprocess.mask_object import pack_mask
from mcu.protocol.crc import crc32
from mcu.protocol.errors import ErrorClass, KernelCode
from mcu.protocol.messages import NO_COUNT, RESULT_HEADER_BYTES, Object, Result, chunk_bytes
from mcu.tensor import TensorSpec
from mcu.virtual.receiver import TensorReceiver

_MAX_LATENCY_US = 0xFFFF_FFFF
_MAX_TEXT_BYTES = 1024


class Request:
    """One request of the host.

    Args:
        number: 1..65535, or 0 before the first of a connection.
        specs: of the model's inputs.
        mask_tensor: the output that masks are made of, if the model is a segmenter.
        max_payload_bytes: agreed on.

    Attributes:
        inputs: what has arrived of each input tensor.
        unconfirmed_bytes: received since the last ACK.
        result: None until the model has run.
        result_bytes: the output tensors one after another, or the text of an error; the mask once it was asked for.
    """

    def __init__(
        self,
        *,
        number: int,
        specs: Sequence[TensorSpec],
        mask_tensor: TensorSpec | None,
        max_payload_bytes: int,
    ):
        self.number = number
        self.inputs = [
            TensorReceiver(size=spec.nbytes, chunk_bytes=chunk_bytes(max_payload_bytes)) for spec in specs
        ]
        self.unconfirmed_bytes = 0
        self.result: Result | None = None
        self.result_bytes = b""
        self._specs = specs
        self._mask_tensor = mask_tensor
        self._made: Object | None = None
        self._max_payload_bytes = max_payload_bytes

    @property
    def incomplete(self) -> list[int]:
        """Input tensors of which bytes are missing."""
        return [index for index, tensor in enumerate(self.inputs) if not tensor.complete]

    @property
    def is_mask(self) -> bool:
        """Whether the result has given its place to a mask."""
        return self._made is not None

    def has(self, wanted: int) -> bool:
        """Whether such an object can be fetched once the model has run; a mask is made once, in one form."""
        if wanted == Object.RESULT:
            return not self.is_mask
        if wanted not in (Object.MASK, Object.MASK_RUNS) or self._mask_tensor is None:
            return False
        failed = self.result is not None and self.result.status != ErrorClass.OK
        return not failed and self._made in (None, wanted)

    def bytes_of(self, wanted: Object) -> bytes:
        """The object, after the run; a mask takes the result's place, as it does in a small board's memory."""
        if wanted != Object.RESULT and not self.is_mask:
            assert self._mask_tensor is not None, "has() said so"
            self.result_bytes = pack_mask(
                self.result_bytes, self._mask_tensor, runs=wanted == Object.MASK_RUNS
            )
            self._made = wanted
        return self.result_bytes

    def run(self, engine: Engine, *, clock_ns: Callable[[], int]) -> Result:
        """Run the model on the inputs, which must be complete, and keep what comes of it."""
        arrays = [
            np.frombuffer(tensor.buffer, dtype=spec.dtype).reshape(spec.shape)
            for tensor, spec in zip(self.inputs, self._specs, strict=True)
        ]
        status, code = ErrorClass.OK, 0
        begin_ns = clock_ns()
        try:
            outputs = engine.invoke(arrays)
        except Exception as error:  # whatever the engine is, its failure is an answer and the board lives on
            status, code = ErrorClass.KERNEL, KernelCode.INVOKE_FAILED
            self.result_bytes = str(error).encode()[:_MAX_TEXT_BYTES]
        else:
            self.result_bytes = b"".join(output.tobytes() for output in outputs)
        latency_us = min((clock_ns() - begin_ns) // 1000, _MAX_LATENCY_US)
        self.result = Result(
            request=self.number,
            status=status,
            code=code,
            latency_us=latency_us,
            instructions=NO_COUNT,
            result_bytes=len(self.result_bytes),
            result_crc32=crc32(self.result_bytes),
            data=self.result_bytes[: self._max_payload_bytes - RESULT_HEADER_BYTES],
        )
        return self.result
