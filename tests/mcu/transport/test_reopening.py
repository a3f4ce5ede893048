"""A port that goes away is opened again: by its name, or as the USB device that it was."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from mcu.errors import PortError
from mcu.transport import PortGone, PortOpener
from mcu.transport.discovery import device_at, port_of
from tests.mcu.transport.conftest import Pty


def usb(device: str, *, serial: str | None = "0670FF", location: str = "1-2", pid: int = 0x374B) -> Any:
    """A row of pyserial's list of ports."""
    return SimpleNamespace(device=device, vid=0x0483, pid=pid, serial_number=serial, location=location)


def test_a_device_is_known_again_by_its_serial_number_in_any_socket():
    device = device_at("/dev/ttyACM0", comports=lambda: [usb("/dev/ttyACM0")])
    assert device is not None
    now = [usb("/dev/ttyACM0", serial="OTHER"), usb("/dev/ttyACM3", location="1-7")]
    assert port_of(device, comports=lambda: now) == "/dev/ttyACM3"
    assert port_of(device, comports=lambda: [usb("/dev/ttyACM0", serial="OTHER")]) is None


def test_a_device_without_a_serial_number_is_known_again_by_its_socket():
    device = device_at("/dev/ttyUSB0", comports=lambda: [usb("/dev/ttyUSB0", serial=None)])
    assert device is not None
    now = [usb("/dev/ttyUSB0", serial=None, location="1-9"), usb("/dev/ttyUSB1", serial=None)]
    assert port_of(device, comports=lambda: now) == "/dev/ttyUSB1"
    assert port_of(device, comports=lambda: [usb("/dev/ttyUSB1", serial=None, pid=1)]) is None


def test_what_is_not_on_usb_has_only_its_name():
    row = SimpleNamespace(device="/dev/ttyS0", vid=None, pid=None, serial_number=None, location=None)
    assert device_at("/dev/ttyS0", comports=lambda: [row]) is None
    assert device_at("/dev/ttyS9", comports=lambda: [row]) is None


def test_the_same_device_under_another_name_is_opened_again(line: Pty):
    board_fd, port_fd = os.openpty()
    later = os.ttyname(port_fd)
    now = [usb(line.path)]
    opener = PortOpener(line.path, comports=lambda: now)
    with opener.open() as port:
        assert port.name == line.path
        os.close(line.board_fd)
        with pytest.raises(PortGone):
            port.read(timeout_s=1)
    now[:] = [usb(later)]
    with opener.open() as port:
        assert port.name == later
    now.clear()
    os.close(board_fd)
    os.close(port_fd)
    with pytest.raises(PortError):
        opener.open()
