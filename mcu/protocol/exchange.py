"""One request from its first DATA to its last output byte, as the host sees it; no clock and no port in here."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.errors import LinkError
from mcu.protocol.crc import crc32
from mcu.protocol.download import Download
from mcu.protocol.errors import ErrorClass, error_from_frame, remote_error
from mcu.protocol.fault import BoardFault, Fault
from mcu.protocol.frame import Frame
from mcu.protocol.messages import (
    Ack,
    Chunk,
    Error,
    Fetch,
    HelloAck,
    Nak,
    NakReason,
    Object,
    Result,
    Type,
    chunk_bytes,
)
from mcu.protocol.upload import Upload

_MAX_TEXT_BYTES = 4096  # of a RESULT that is an error


class Exchange:
    """Uploads the inputs, asks for the run, collects the outputs.

    Args:
        request: its number, 1..65535, newer than every one before.
        inputs: the bytes of each input tensor.
        output_bytes: of all output tensors together.
        terms: of the connection.

    Attributes:
        request, inputs: as given.
        result: the RESULT, once it is here.
        sent_by_board: the outputs came over the line; False if only their CRC-32 did.
        damage_reports: NAKs so far.
    """

    def __init__(
        self,
        *,
        request: int,
        inputs: Sequence[bytes],
        output_bytes: int,
        terms: HelloAck,
    ):
        self.request = request
        self.inputs = tuple(inputs)
        self._expected: bytes | None = None
        self._output_bytes = output_bytes
        self._chunk_bytes = chunk_bytes(terms.max_payload_bytes)
        self._upload = Upload(
            request=request,
            inputs=inputs,
            chunk_bytes=self._chunk_bytes,
            window_bytes=terms.window_bytes,
        )
        self._download: Download | None = None
        self._early: list[Chunk] = []  # that came before the RESULT they belong to
        self._fetches: list[Fetch] = []
        self._fetched_again = 0
        self._first_fetches = 0  # of what was never sent
        self._lost_answers = 0  # since something was last asked for
        self.result: Result | None = None
        self.sent_by_board = True
        self.damage_reports = 0

    @property
    def complete(self) -> bool:
        """RESULT and all its bytes are here."""
        return self._download is not None and self._download.complete

    @property
    def waits_for_model(self) -> bool:
        """All is sent; what comes next takes as long as the model does."""
        return self._download is None and self._upload.waits_for_result

    @property
    def progress(self) -> tuple[int, int, int]:
        """Chunks confirmed, chunks that came early, bytes still missing; unchanged as long as nothing gets through."""
        missing = -1 if self._download is None else self._download.missing_bytes
        return self._upload.confirmed, len(self._early), missing

    @property
    def resent(self) -> int:
        """Frames that were sent only because another got lost."""
        return self._upload.resent + self._fetched_again

    @property
    def leaves_room(self) -> bool:
        """The board has taken every input out of its receive buffer."""
        return self._download is not None or self._upload.all_confirmed

    def invoke_with(self, flags: int, *, expected: bytes | None) -> None:
        """Before the first `take`.

        Args:
            flags: of INVOKE.
            expected: what the outputs should be; if the board announces the CRC-32 of these bytes and sends none, they
                are taken for the outputs.
        """
        self._upload.flags, self._expected = flags, expected

    def take(self, seq: int) -> list[tuple[Type, bytes]]:
        """Type and payload of what to send now, to be numbered from `seq`."""
        if self._download is None:
            return self._upload.take(seq)
        fetches, self._fetches = self._fetches, []
        self._fetched_again += len(fetches) - self._first_fetches
        self._first_fetches = 0
        return [(fetch.frame_type, fetch.pack()) for fetch in fetches]

    def take_ahead(self, seq: int) -> list[tuple[Type, bytes]]:
        """The DATA to send now while another request is under way."""
        return self._upload.take_data(seq)

    def overhear(self, frame: Frame) -> None:
        """Take in what a frame says of this request while another one is under way."""
        if frame.type in (Type.ACK, Type.NAK):
            self._progress(frame)

    def handle(self, frame: Frame) -> None:
        """Take in a frame; those of other requests, and types that are not for this one, change nothing.

        Raises:
            RemoteError: the board answers with ERROR.
            BoardFault: the program on the board has failed.
            LinkError: RESULT announces another size than the model's outputs have.
            MalformedMessage: the payload is too short.
        """
        if frame.type in (Type.ACK, Type.NAK):
            self.damage_reports += frame.type == Type.NAK
            self._progress(frame)
        elif frame.type == Type.RESULT:
            self._begin_download(Result.unpack(frame.payload))
        elif frame.type == Type.CHUNK:
            self._add(Chunk.unpack(frame.payload))
        elif frame.type == Type.ERROR:
            raise error_from_frame(Error.unpack(frame.payload))
        elif frame.type == Type.FAULT:
            raise BoardFault(Fault.unpack(frame.payload))

    def nothing_heard(self) -> None:
        """The timer has run out."""
        self._lost_answers = 0
        if self._download is None:
            self._upload.nothing_heard()
        else:
            self._fetches = self._download.missing()

    def answers_damaged(self, count: int) -> None:
        """So many frames of the board were lost; ask again unless another one is still to come that will show it."""
        self._lost_answers += count
        if self._download is None or self._lost_answers * self._chunk_bytes >= self._download.missing_bytes:
            self.nothing_heard()

    def outputs(self) -> bytes:
        """All output tensors, one after another.

        Raises:
            RemoteError: the model did not run; the board says why.
            LinkError: the bytes are not those that the board announced.
        """
        assert self.result is not None
        assert self._download is not None
        if not self._download.intact:
            raise LinkError(
                f"The outputs of request {self.request} do not have the CRC-32 that the board announced.",
                hint="Report this: frames arrived intact and the whole did not.",
            )
        if self.result.status != ErrorClass.OK:
            raise remote_error(
                error_class=self.result.status,
                code=self.result.code,
                arg=0,
                text=self._download.data.decode("utf-8", "replace"),
            )
        return self._download.data

    def _progress(self, frame: Frame) -> None:
        kind = Nak if frame.type == Type.NAK else Ack
        ack = kind.unpack(frame.payload)
        if frame.type == Type.NAK and ack.reason == NakReason.DAMAGED:
            self._upload.damaged(ack.last_seq)
        if ack.request == self.request:
            self._upload.confirm(ack)

    def _begin_download(self, result: Result) -> None:
        if result.request != self.request or self._download is not None:
            return
        failed = result.status != ErrorClass.OK
        if result.result_bytes > _MAX_TEXT_BYTES if failed else result.result_bytes != self._output_bytes:
            raise LinkError(
                f"The board announces {result.result_bytes} output bytes; the model has {self._output_bytes}.",
                hint="Connect again: the model on the board may have been changed.",
            )
        self.result = result
        start = result.data
        only_hash = self._expected is not None and not failed and not start
        if only_hash and self._expected is not None and crc32(self._expected) == result.result_crc32:
            start, self.sent_by_board = self._expected, False
        self._download = Download(
            request=self.request,
            object=Object.RESULT,
            size=result.result_bytes,
            crc=result.result_crc32,
            start=start,
        )
        for chunk in self._early:
            self._download.add(chunk)
        if self._early:
            self._fetches = self._download.missing()
        elif only_hash and self.sent_by_board:
            self._fetches = self._download.missing()  # other bytes than expected: they are wanted after all
            self._first_fetches = len(self._fetches)
        self._early = []

    def _add(self, chunk: Chunk) -> None:
        if self._download is not None:
            self._fetches += self._download.add(chunk)
        elif chunk.request == self.request and chunk.object == Object.RESULT:
            # The RESULT before it got lost: ask again, once for the whole row of chunks.
            if not self._early:
                self._upload.nothing_heard()
            self._early.append(chunk)
