"""`mcu doctor`: every line that is not ok has a fix, and the facts are those of this computer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcu import doctor
from mcu.boards import UsbId, load_boards
from mcu.transport.discovery import PortInfo


def by_name() -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.check_all()}


def test_every_check_that_fails_has_a_fix_and_every_one_a_detail():
    for check in doctor.check_all():
        assert check.detail
        assert check.ok or check.fix, check.name


def test_a_missing_tool_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    checks = {check.name: check for check in map(lambda tool: doctor._tool(tool), doctor._TOOLS)}
    assert not checks["Arm compiler"].ok
    assert "arm-none-eabi-gcc is not on PATH" in checks["Arm compiler"].detail
    assert checks["QEMU for Arm"].fix == "sudo apt-get install qemu-system-arm"


def test_a_missing_extra_is_named_with_its_pip_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert doctor._extra("esptool", "flash", "flashing ESP32").fix == "pip install 'keras-tiny[flash]'"


def test_a_port_that_this_user_may_not_open_gets_the_group_that_owns_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    port = tmp_path / "ttyACM0"
    port.touch()
    info = PortInfo(str(port), UsbId(0x0483, 0x374B), "ST-LINK/V2-1", ("nucleo_f446re",))
    monkeypatch.setattr(doctor, "list_ports", lambda: (info,))
    assert doctor._ports()[0].ok
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (check,) = doctor._ports()
    assert not check.ok
    assert "nucleo_f446re" in check.detail
    assert check.fix.startswith("sudo usermod -aG ")


def test_the_udev_rules_cover_the_usb_vendors_of_the_board_table():
    vendors = {f"{usb.vendor:04x}" for board in load_boards().values() for usb in board.usb}
    assert all(f'=="{vendor}"' in doctor.UDEV_RULES for vendor in vendors)
    assert {"Python", "esptool", "Arm compiler"} <= by_name().keys()
