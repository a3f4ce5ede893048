"""What this computer needs to flash and run boards, checked one by one, each with the line that fixes it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcu.console import Check
from mcu.transport.discovery import PROBES, list_ports

# A person at the computer may open probes and boards, without a group (systemd: uaccess). Vendors: mcu/boards.
UDEV_FILE = Path("/etc/udev/rules.d/60-keras-tiny.rules")
UDEV_RULES = "".join(
    f'SUBSYSTEMS=="usb", ATTRS{{idVendor}}=="{vendor}", MODE="0660", TAG+="uaccess"\n'
    for vendor in ("0483", "303a", "10c4", "1a86", "0403", "2886")
)
_APT = "sudo apt-get install"


@dataclass(frozen=True)
class _Tool:
    """An executable, or one of several that do the same; and what installs it on Debian."""

    name: str
    executables: tuple[str, ...]
    needed_for: str
    fix: str


_TOOLS = (
    _Tool(
        "Arm compiler",
        ("arm-none-eabi-gcc",),
        "firmware for STM32",
        f"{_APT} gcc-arm-none-eabi libnewlib-arm-none-eabi",
    ),
    _Tool(
        "RISC-V compiler",
        ("riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv-none-elf-gcc"),
        "firmware for RISC-V",
        f"{_APT} gcc-riscv64-unknown-elf",
    ),
    _Tool("QEMU for Arm", ("qemu-system-arm",), "the boards qemu_*", f"{_APT} qemu-system-arm"),
    _Tool("QEMU for RISC-V", ("qemu-system-riscv32",), "the RISC-V board", f"{_APT} qemu-system-misc"),
    _Tool("ST-Link", ("st-flash", "openocd", "pyocd"), "flashing by stlink", f"{_APT} stlink-tools"),
    _Tool(
        "sketch builder",
        ("arduino-cli", "pio"),
        "building sketches for ESP32",
        "See https://arduino.github.io/arduino-cli or: pip install platformio",
    ),
)
_EXTRAS = (
    ("esptool", "flash", "flashing ESP32"),
    ("tflite_micro", "virtual", "the virtual board (x86-64 Linux only)"),
)


def check_all() -> tuple[Check, ...]:
    """Every check, in the order in which a person meets them. Nothing is changed, no port is opened."""
    return (
        _python(),
        *(_extra(module, extra, needed_for) for module, extra, needed_for in _EXTRAS),
        *(_tool(tool) for tool in _TOOLS),
        *_ports(),
        *([_group(), _udev()] if sys.platform == "linux" else []),
    )


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 10) <= sys.version_info[:2] < (3, 14)
    return Check("Python", ok, version, "" if ok else "Install Python 3.10 to 3.13.")


def _extra(module: str, extra: str, needed_for: str) -> Check:
    if importlib.util.find_spec(module) is not None:
        return Check(module, True, f"installed; for {needed_for}")
    return Check(module, False, f"not installed; for {needed_for}", f"pip install 'keras-tiny[{extra}]'")


def _tool(tool: _Tool, which: Callable[[str], str | None] = shutil.which) -> Check:
    found = next((path for name in tool.executables if (path := which(name))), None)
    if found:
        return Check(tool.name, True, f"{found}; for {tool.needed_for}")
    names = " or ".join(tool.executables)
    return Check(tool.name, False, f"{names} is not on PATH; for {tool.needed_for}", tool.fix)


def _ports() -> list[Check]:
    """A line per USB serial port: may this user open it, and which boards can it be?"""
    checks = []
    for info in list_ports():
        if info.usb is None:
            continue
        can_be = ", ".join(info.boards) or "no board that is known"
        detail = f"{info.description}: {can_be}"
        if sys.platform == "win32" or os.access(info.port, os.R_OK | os.W_OK):
            checks.append(Check(info.port, True, detail))
        else:
            checks.append(Check(info.port, False, f"{detail}; this user may not open it", _join(info.port)))
    return checks or [Check("serial ports", True, "no board is plugged in")]


def _group() -> Check:
    """Whether this user is in the group that owns serial ports."""
    import grp

    ports = [*Path("/dev").glob("ttyUSB*"), *Path("/dev").glob("ttyACM*")]
    names = {grp.getgrgid(port.stat().st_gid).gr_name for port in ports} or {"dialout"}
    mine = {grp.getgrgid(number).gr_name for number in os.getgroups() if _exists(number)}
    if os.geteuid() == 0 or names <= mine:
        return Check("serial group", True, f"this user may open ports of {', '.join(sorted(names))}")
    missing = sorted(names - mine)[0]
    fix = f"sudo usermod -aG {missing} $USER, then log in again."
    return Check("serial group", False, f"this user is not in '{missing}'", fix)


def _udev() -> Check:
    """Probes are no serial ports: a rule opens them to the person at the computer."""
    folders = (Path("/etc/udev/rules.d"), Path("/lib/udev/rules.d"), Path("/usr/lib/udev/rules.d"))
    vendor = f"{next(iter(PROBES)).vendor:04x}"
    for folder in folders:
        for path in sorted(folder.glob("*.rules")):
            if vendor in path.read_text(errors="replace"):
                return Check("udev rule", True, str(path))
    fix = f"python -c 'import mcu.doctor; print(mcu.doctor.UDEV_RULES, end=\"\")' | sudo tee {UDEV_FILE}"
    detail = "no rule lets this user open an ST-Link"
    return Check(
        "udev rule", False, detail, f"{fix} && sudo udevadm control --reload && sudo udevadm trigger"
    )


def _join(port: str) -> str:
    import grp

    group = grp.getgrgid(Path(port).stat().st_gid).gr_name
    return f"sudo usermod -aG {group} $USER, then log in again."


def _exists(group: int) -> bool:
    import grp

    try:
        grp.getgrgid(group)
    except KeyError:
        return False
    return True
