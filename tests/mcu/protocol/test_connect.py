"""Nobody answers HELLO: the error says what was heard instead, and what to do."""

from __future__ import annotations

import pytest

from mcu.errors import LinkError
from mcu.protocol.diagnosis import Cause, NoAnswer
from mcu.protocol.frame import Frame, encode_frame
from mcu.protocol.messages import HelloAck, Type
from tests.mcu.protocol.loop import SESSION, Invert, Loop, lose_frame, make_board


class Stranger(Loop):
    """A port at whose other end something else answers every write."""

    def __init__(self, answer: bytes = b"", *, echo: bool = False):
        super().__init__(make_board(Invert()))
        self.answer = answer
        self.echo = echo

    def write(self, data: bytes, *, timeout_s: float) -> None:
        self.inject(data if self.echo else self.answer)


ESP_ROM = b"ESP-ROM:esp32s3-20210327\r\nrst:0x1 (POWERON),boot:0x0 (DOWNLOAD(USB/UART0))\r\nwaiting for download\r\n"
EMPTY = b"rst:0x10 (RTCWDT_RTC_RESET),boot:0x13\r\ninvalid header: 0xffffffff\r\n"
STRANGERS = {
    Cause.SILENCE: (Stranger(), "not one byte came. Is the board powered"),
    Cause.ECHO: (Stranger(echo=True), "sends back what it gets"),
    Cause.TEXT: (Stranger(b"ets Jun  8 2016 00:22:57\r\n"), "the board sends text: 'ets Jun  8 2016"),
    Cause.STM32_ROM: (Stranger(b"\x79"), "STM32 ROM bootloader answers. Set BOOT0 low"),
    Cause.ESP_ROM: (Stranger(ESP_ROM), "ESP's ROM bootloader waits for a download. Release BOOT"),
    Cause.NO_FIRMWARE: (Stranger(EMPTY), "flash is empty. Flash it with `mcu flash`"),
    Cause.MLPERF_TINY: (Stranger(b"e-[Unknown command: ?]\r\nm-ready\r\n"), "MLPerf Tiny's protocol alone"),
    Cause.NOISE: (Stranger(b"\xe6\x98\x00\x86\xf8\xfe"), "no intact frame among them: e6 98 00.*baud rate"),
    Cause.BUSY: (
        Stranger(encode_frame(Frame(Type.LOG, b"hi", 0, 5))),
        "intact frames came, none of them the",
    ),
}


@pytest.mark.parametrize("cause", Cause, ids=lambda cause: cause.value)
def test_the_error_tells_what_was_heard_instead(cause: Cause):
    stranger, says = STRANGERS[cause]
    with pytest.raises(NoAnswer, match=says) as caught:
        stranger.connect(timeout_s=2.0)
    assert caught.value.cause == cause
    assert stranger.closed
    assert stranger.now_s < 5.0


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("direction", ["up", "down"])
def test_any_frame_of_the_greeting_may_get_lost(index: int, direction: str):
    loop = Loop(make_board(Invert()))
    setattr(loop, direction, lose_frame(index))
    with loop.connect() as session:
        assert session.identity.board == "loop"


def test_boot_messages_before_the_greeting_do_no_harm():
    loop = Loop(make_board(Invert()))
    loop.inject(b"rst:0x1 (POWERON_RESET)\r\nentry 0x400805e4\r\n")
    with loop.connect() as session:
        assert session.identity.board == "loop"


def test_the_answer_to_an_earlier_greeting_is_not_taken_for_ours():
    loop = Loop(make_board(Invert()))
    stale = HelloAck(1, 0, 64, nonce=1, features=0, window_bytes=64, identity_bytes=1, identity_crc32=0)
    leftovers = [encode_frame(Frame(Type.HELLO_ACK, stale.pack(), 0, 9))]
    loop.down = lambda data: (leftovers.pop() if leftovers else b"") + data
    with loop.connect() as session:
        assert session.terms.max_payload_bytes == 1024
        assert session._link.session == SESSION


@pytest.mark.parametrize(
    "changes", [{"max_payload_bytes": 4096}, {"window_bytes": 8}, {"identity_bytes": 1 << 30}]
)
def test_terms_that_cannot_be_are_refused(changes: dict[str, int]):
    loop = Loop(make_board(Invert()))

    def bend(data: bytes) -> bytes:
        from mcu.protocol.frame import FrameReader

        out = b""
        for frame in FrameReader().feed(data):
            assert frame is not None
            if frame.type == Type.HELLO_ACK:
                ack = HelloAck.unpack(frame.payload)
                fields = {name: changes.get(name, getattr(ack, name)) for name in HelloAck.__slots__}
                frame = Frame(frame.type, HelloAck(**fields).pack(), frame.seq, frame.session)
            out += encode_frame(frame)
        return out

    loop.down = bend
    with pytest.raises(LinkError, match="terms that cannot be"):
        loop.connect()
