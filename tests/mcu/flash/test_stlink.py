"""Flashing through an ST-Link: the real tools say that no probe is there; a probe made of files shows the rest."""

from __future__ import annotations

import os
import random
import stat
import sys
from pathlib import Path

import pytest

from mcu.boards import get_board
from mcu.errors import BoardError, LinkError, MissingExtra
from mcu.flash.image import Image, Segment
from mcu.flash.plan import STM32_FLASH_BASE
from mcu.flash.stlink import find_tool, write
from mcu.flash.written import VerifyFailed, Written, WrongChip
from tests.support import require

BOARD = get_board("nucleo_f446re")

# Answers as st-info and st-flash 1.7.0 do. Flash is a file beside it; `weak` makes every write go wrong.
PROBE = """#!{python}
import pathlib, sys
here = pathlib.Path(__file__).parent
flash = here / "flash"
content = bytearray(flash.read_bytes()) if flash.exists() else bytearray(b"\\xff" * 524288)
words = [word for word in sys.argv[1:] if not word.startswith("--reset")]
(here / "log").open("a").write(" ".join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]) + "\\n")
if words == ["--probe"]:
    print("Found 1 stlink programmers\\n  flash:      524288 (pagesize: 16384)\\n  chipid:     {chip}")
elif words[0] == "read":
    at, size = int(words[2], 16) - 0x08000000, int(words[3], 16)
    pathlib.Path(words[1]).write_bytes(content[at : at + size])
elif words[0] == "write":
    data = bytearray(pathlib.Path(words[1]).read_bytes())
    if (here / "weak").exists():
        data[5] ^= 1
    at = int(words[2], 16) - 0x08000000
    content[at : at + len(data)] = data
    flash.write_bytes(content)
else:
    sys.exit("unknown: " + " ".join(words))
"""


# Answers as pyOCD 0.46 does: `commander --command "read32 …"` and "savemem …", `load`. Flash is the same file.
PYOCD = """#!{python}
import pathlib, sys
here = pathlib.Path(__file__).parent
flash = here / "flash"
content = bytearray(flash.read_bytes()) if flash.exists() else bytearray(b"\\xff" * 524288)
(here / "log").open("a").write(" ".join(["pyocd", *sys.argv[1:]]) + "\\n")
verb, wait, _, target, *words = sys.argv[1:]
assert wait == "--no-wait"
if verb == "commander":
    name, *numbers = words[1].split()
    if name == "read32":
        print("e0042000:  {chip}    |..d.|")
    elif target != "stm32f446re":
        sys.exit("Target type " + target + " not recognized.")
    else:
        at, size = int(numbers[0], 16) - 0x08000000, int(numbers[1])
        pathlib.Path(numbers[2]).write_bytes(content[at : at + size])
elif verb == "load":
    assert words[:3] == ["--format", "bin", "--base-address"]
    data, at = pathlib.Path(words[4]).read_bytes(), int(words[3], 16) - 0x08000000
    content[at : at + len(data)] = data
    flash.write_bytes(content)
else:
    sys.exit("unknown: " + verb)
"""


@pytest.fixture
def image() -> Image:
    return Image((Segment(STM32_FLASH_BASE, random.Random(3).randbytes(9_001)),), start=STM32_FLASH_BASE)


def plug_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *, chip: str = "0x0421") -> Path:
    for name in ("st-flash", "st-info"):
        path = folder / name
        path.write_text(PROBE.format(python=sys.executable, chip=chip))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def flash(image: Image) -> Written:
    return write(image, board=BOARD, port="/dev/ttyACM0", progress=lambda done, total: None)


@pytest.mark.parametrize("tool", ["st-flash", "openocd"])
def test_the_real_tool_without_a_probe_is_understood(
    tool: str, image: Image, monkeypatch: pytest.MonkeyPatch
):
    require(tool)
    monkeypatch.setattr("mcu.flash.stlink.shutil.which", lambda name: name if name == tool else None)
    with pytest.raises(LinkError, match=r"No ST-Link is plugged in|names no chip"):
        flash(image)


def test_without_any_tool_the_line_that_installs_one_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mcu.flash.stlink.shutil.which", lambda name: None)
    with pytest.raises(MissingExtra, match="apt-get install stlink-tools"):
        find_tool()


def test_an_image_is_written_read_back_and_the_second_time_skipped(
    image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    probe = plug_in(tmp_path, monkeypatch)
    written = flash(image)
    assert (written.wrote_bytes, written.verified, written.port) == (9_001, True, "/dev/ttyACM0")
    assert (probe / "flash").read_bytes()[:9_001] == image.segments[0].data
    (probe / "log").unlink()
    again = flash(image)
    assert (again.wrote_bytes, again.skipped_bytes, again.verified) == (0, 9_001, True)
    assert "write" not in (probe / "log").read_text()


def test_another_chip_is_named_and_not_touched(image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    probe = plug_in(tmp_path, monkeypatch, chip="0x0413")
    with pytest.raises(WrongChip, match="id 0x413, 'nucleo_f446re' has 0x421"):
        flash(image)
    assert "write" not in (probe / "log").read_text()


def test_flash_that_does_not_take_the_image_is_never_a_success(
    image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    plug_in(tmp_path, monkeypatch)
    (tmp_path / "weak").touch()
    with pytest.raises(VerifyFailed, match="differs from the image at 'app' after 2 attempts"):
        flash(image)


def plug_in_pyocd(folder: Path, monkeypatch: pytest.MonkeyPatch, *, chip: str = "10006421") -> None:
    path = folder / "pyocd"
    path.write_text(PYOCD.format(python=sys.executable, chip=chip))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("mcu.flash.stlink.shutil.which", lambda name: name if name == "pyocd" else None)


def test_pyocd_writes_reads_back_and_skips_the_second_time(
    image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    plug_in_pyocd(tmp_path, monkeypatch)
    assert (flash(image).wrote_bytes, flash(image).skipped_bytes) == (9_001, 9_001)
    assert (tmp_path / "flash").read_bytes()[:9_001] == image.segments[0].data
    said = (tmp_path / "log").read_text()
    assert said.count("pyocd load --no-wait --target stm32f446re --format bin --base-address 0x8000000 ") == 1


def test_pyocd_names_another_chip_and_what_it_must_learn(
    image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    plug_in_pyocd(tmp_path, monkeypatch, chip="10006413")
    with pytest.raises(WrongChip, match="id 0x413"):
        flash(image)
    plug_in_pyocd(tmp_path, monkeypatch, chip="10006431")
    board = get_board("nucleo_f411re")
    with pytest.raises(BoardError, match="pyocd pack install stm32f411re"):
        write(image, board=board, port="/dev/ttyACM0", progress=lambda done, total: None)


def test_a_tool_that_fails_is_quoted(image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plug_in(tmp_path, monkeypatch, chip="0x0421")
    (tmp_path / "st-flash").write_text(f"#!{sys.executable}\nimport sys; sys.exit('the flux is wrong')\n")
    with pytest.raises(BoardError, match="st-flash failed: the flux is wrong"):
        flash(image)
