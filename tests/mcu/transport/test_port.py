"""Ports: bytes both ways, one owner at a time, and an error that names the cause."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from mcu.errors import BadInput, LinkError, PortError
from mcu.transport import open_port
from tests.mcu.transport.conftest import Pty


def test_bytes_go_both_ways(line: Pty):
    with open_port(line.path) as port:
        port.write(bytes(range(256)), timeout_s=1)
        assert os.read(line.board_fd, 1000) == bytes(range(256))
        os.write(line.board_fd, bytes(range(255, -1, -1)))
        assert port.read(timeout_s=1) == bytes(range(255, -1, -1))


def test_the_rate_of_a_line_can_be_changed_and_the_other_end_sees_it(line: Pty):
    with open_port(line.path, baud=115_200) as port:
        assert port.baud == 115_200
        port.set_baud(921_600)
        assert port.baud == 921_600
        assert port.line_bytes_per_s == 92_160
        assert termios.tcgetattr(line.board_fd)[4:6] == [termios.B921600] * 2


def test_a_rate_that_cannot_be_is_a_port_error(line: Pty):
    with open_port(line.path) as port, pytest.raises(PortError, match="cannot be set to -1"):
        port.set_baud(-1)


def test_reading_a_silent_port_ends_with_nothing_after_the_time_allowed(line: Pty):
    with open_port(line.path) as port:
        begin = time.monotonic()
        assert port.read(timeout_s=0.2) == b""
        assert 0.15 < time.monotonic() - begin < 1


def test_reset_and_boot_lines_are_low_before_the_port_opens(line: Pty):
    with open_port(line.path) as port:
        assert (port._device.dtr, port._device.rts) == (False, False)


def test_the_baud_rate_says_how_fast_the_line_is(line: Pty):
    with open_port(line.path) as port:
        assert port.line_bytes_per_s == 11520
    with open_port(line.path, baud=921600) as port:
        assert port.line_bytes_per_s == 92160


def test_a_port_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(PortError, match=r"no port /dev/ttyNOWHERE\. Ports on this computer: ") as caught:
        open_port("/dev/ttyNOWHERE")
    assert caught.value.exit_code == 3


def test_an_unknown_kind_of_url_is_bad_input():
    with pytest.raises(BadInput, match="'warp://9' is no port"):
        open_port("warp://9")


def test_a_file_is_no_port(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(PortError, match=r"cannot be opened.*Is it a serial port"):
        open_port(str(path))


def test_a_second_opening_is_refused_at_once_with_the_owner(line: Pty):
    took_s = []
    with open_port(line.path):
        for _ in range(5):
            begin = time.monotonic()
            with pytest.raises(PortError, match=rf"is busy: process {os.getpid()} \("):
                open_port(line.path)
            took_s.append(time.monotonic() - begin)
    assert min(took_s) < 0.1
    with open_port(line.path):
        pass  # free again


def test_another_process_that_has_it_is_named(line: Pty):
    program = (
        "import sys, mcu.transport as t; p = t.open_port(sys.argv[1]); print('open', flush=True); input()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, line.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"open\n"
        with pytest.raises(PortError, match=rf"is busy: process {owner.pid} \(python"):
            open_port(line.path)
    finally:
        owner.communicate(b"\n")


def test_a_busy_port_is_waited_for(line: Pty):
    first = open_port(line.path)
    threading.Timer(0.3, first.close).start()
    with open_port(line.path, timeout_s=5):
        pass


def test_a_port_that_appears_late_is_waited_for(line: Pty, tmp_path: Path):
    link = tmp_path / "ttyLATE"
    threading.Timer(0.3, link.symlink_to, [line.path]).start()
    with open_port(str(link), timeout_s=5):
        pass


def test_a_port_of_another_user_is_refused_with_the_way_in(line: Pty):
    program = (
        "import grp, os, sys\n"
        "from mcu.transport import open_port\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "open_port(sys.argv[1])\n"
    )
    Path(line.path).chmod(0 if os.getuid() else stat.S_IRUSR | stat.S_IWUSR)
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, line.path], capture_output=True, text=True, check=False
    )
    assert f"{line.path} may not be opened by this user. Join the group" in done.stderr


def test_a_port_that_goes_away_while_read_is_named_at_once(line: Pty):
    with open_port(line.path) as port:
        threading.Timer(0.2, os.close, [line.board_fd]).start()
        begin = time.monotonic()
        with pytest.raises(PortError, match=f"{line.path}: the port went away"):
            port.read(timeout_s=10)
        assert time.monotonic() - begin < 1


def test_a_port_that_goes_away_while_written_is_named_at_once(line: Pty):
    with open_port(line.path) as port:
        threading.Timer(0.2, os.close, [line.board_fd]).start()
        begin = time.monotonic()
        with pytest.raises(PortError, match="the port went away"):
            port.write(bytes(1_000_000), timeout_s=10)
        assert time.monotonic() - begin < 1


def test_a_board_that_takes_nothing_does_not_hold_the_host(line: Pty):
    with open_port(line.path) as port:
        begin = time.monotonic()
        with pytest.raises(LinkError, match=r"taken no more bytes for 0\.3 s"):
            port.write(bytes(1_000_000), timeout_s=0.3)
        assert time.monotonic() - begin < 2


def test_ports_that_are_no_descriptor_work_too():
    with open_port("loop://") as port:  # pyserial's own, in memory
        assert port.line_bytes_per_s is None
        port.write(b"\0abc\0", timeout_s=1)
        assert port.read(timeout_s=1) == b"\0abc\0"
        assert port.read(timeout_s=0.05) == b""
