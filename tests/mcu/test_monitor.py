"""The monitor: text is text, frames are named, and nothing that arrives stops it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tty

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.errors import ExitCode, PortError
from mcu.monitor import Listener, Said, watch
from mcu.protocol.frame import Frame, encode_frame
from mcu.protocol.messages import Error, Result, Type
from mcu.transport import open_port

RESULT = encode_frame(
    Frame(
        Type.RESULT,
        Result(
            request=3,
            status=0,
            code=0,
            latency_us=18_420,
            instructions=1_000,
            result_bytes=0,
            result_crc32=0,
            data=b"",
        ).pack(),
    )
)


def test_text_and_frames_are_told_apart():
    said = Listener().feed(b"boot ok\r\n" + RESULT + b"temperature 41 \xc2\xb0C\n")
    assert said == [
        Said("text", "boot ok"),
        Said("frame", "RESULT request 3: 18,420 us, 1,000 instructions"),
        Said("text", "temperature 41 °C"),
    ]


def test_an_error_is_quoted():
    frame = Frame(Type.ERROR, Error(error_class=7, code=1, seq=0, arg=0, data=b"no kernel").pack())
    assert Listener().feed(encode_frame(frame)) == [Said("frame", "ERROR class 7, code 1: no kernel")]


def test_a_preview_is_drawn_with_a_character_for_two_pixels_above_each_other():
    line = b"preview 3 4 " + bytes([0, 128, 255, 0, 128, 255, 255, 255, 255, 0, 0, 0]).hex().encode()
    assert Listener().feed(line + b"\r\n") == [Said("picture", " +@\n===")]


@pytest.mark.parametrize(
    "line", ["preview 3 4 00", "preview a b 00", "preview 0 0 ", "preview 1 1 zz", "preview"]
)
def test_a_line_that_only_begins_like_a_preview_is_text(line: str):
    assert Listener().feed(line.encode() + b"\n") == [Said("text", line)]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_nothing_that_arrives_stops_it_and_a_frame_after_it_is_seen(noise: list[bytes]):
    listener = Listener()
    for part in noise:
        listener.feed(part)
    assert listener.feed(b"\0" + RESULT)[-1] == Said(
        "frame", "RESULT request 3: 18,420 us, 1,000 instructions"
    )


@given(st.integers(1, 60))
def test_how_the_bytes_are_cut_changes_nothing(size: int):
    stream = b"one\n" + RESULT + b"two\n" + RESULT
    listener, said = Listener(), []
    for at in range(0, len(stream), size):
        said += listener.feed(stream[at : at + size])
    assert said == Listener().feed(stream)


def test_a_port_is_watched_until_it_goes_away():
    board, port = os.openpty()
    tty.setraw(port)
    with open_port(os.ttyname(port)) as opened:
        os.write(board, b"hello\n")
        seen = watch(opened)
        assert next(seen) == Said("text", "hello")
        os.close(port)
        os.close(board)
        with pytest.raises(PortError):
            next(seen)


def test_the_command_prints_an_object_for_every_line_with_json_and_ends_with_the_port():
    board_fd, port_fd = os.openpty()
    tty.setraw(port_fd)
    port = os.ttyname(port_fd)
    command = [sys.executable, "-c", "from mcu.cli import main; main()", "monitor", port, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as monitor:
        assert monitor.stdout is not None
        line = ""
        while not line:  # what is sent before it listens is lost
            os.write(board_fd, b"boot ok\r\n")
            line = monitor.stdout.readline() if select.select([monitor.stdout], [], [], 0.2)[0] else ""
        os.close(port_fd)
        os.close(board_fd)
        monitor.communicate()
    said = json.loads(line)
    assert said.keys() == {"seconds", "kind", "line"}
    assert (said["kind"], said["line"]) == ("text", "boot ok")
    assert monitor.returncode == ExitCode.BOARD
