"""The ESP double is held to by the real, unmodified esptool: detect, write, compress, skip, verify, read, erase."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from mcu.doubles import slip
from mcu.doubles.esp_rom import EspRom
from mcu.doubles.serve import OnPty
from tests.support import require

AT, SIZE = 0x1_0000, 30_000
CHIPS = ["ESP32", "ESP32-S3", "ESP32-C3", "ESP32-C6"]


def esptool(*arguments: str) -> subprocess.CompletedProcess[str]:
    require("module:esptool")
    command = [sys.executable, "-m", "esptool", "--connect-attempts", "2", *arguments]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


@pytest.fixture
def firmware(tmp_path: Path) -> Path:
    """20,000 bytes that do not compress and 10,000 that do."""
    path = tmp_path / "firmware.bin"
    path.write_bytes(random.Random(2).randbytes(20_000) + bytes(SIZE - 20_000))
    return path


@pytest.mark.parametrize("loader", ["rom", "stub"])
@pytest.mark.parametrize("chip", CHIPS)
def test_esptool_detects_writes_skips_verifies_and_reads_back(
    chip: str, loader: str, firmware: Path, tmp_path: Path
):
    rom = EspRom(chip)
    options = ["--no-stub"] if loader == "rom" else []
    with OnPty(rom) as served:

        def run(*command: str) -> str:
            done = esptool("--port", served.port, *options, *command)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        said = run("write-flash", "--no-compress", hex(AT), str(firmware))
        assert f"Connected to {chip} on" in said
        assert "Hash of data verified" in said
        assert rom.stub == (loader == "stub")
        blocks = rom.blocks_received
        assert blocks == -(-SIZE // (1024 if loader == "rom" else 16_384))
        run("write-flash", "--skip-flashed", hex(AT), str(firmware))
        assert rom.blocks_received == blocks, "a second run wrote"
        assert "Verification successful" in run("verify-flash", hex(AT), str(firmware))
        back = tmp_path / "back.bin"
        run("read-flash", hex(AT), str(SIZE), str(back))
        assert back.read_bytes() == firmware.read_bytes()
    assert rom.flash.content[AT : AT + SIZE] == firmware.read_bytes()
    assert rom.flash.content[:AT].strip(b"\xff") == b"", "something in front of the image was written"


@pytest.mark.parametrize("loader", ["rom", "stub"])
def test_esptool_writes_compressed_and_erases(loader: str, firmware: Path):
    rom = EspRom("ESP32-C3")
    options = ["--no-stub"] if loader == "rom" else []
    with OnPty(rom) as served:
        done = esptool("--port", served.port, *options, "write-flash", "--compress", hex(AT), str(firmware))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "compressed" in done.stdout
        assert rom.flash.content[AT : AT + SIZE] == firmware.read_bytes()
        if loader == "stub":
            assert esptool("--port", served.port, "erase-region", hex(AT), "0x2000").returncode == 0
            assert rom.flash.content[AT : AT + 0x2000].strip(b"\xff") == b""
            assert rom.flash.content[AT + 0x2000 : AT + SIZE] == firmware.read_bytes()[0x2000:]


def test_esptool_refuses_another_chip_than_the_one_it_was_told(firmware: Path):
    rom = EspRom("ESP32-C3")
    with OnPty(rom) as served:
        done = esptool("--port", served.port, "--chip", "esp32s3", "write-flash", hex(AT), str(firmware))
    assert done.returncode != 0
    assert "This chip is ESP32-C3, not ESP32-S3" in done.stdout + done.stderr
    assert rom.blocks_received == 0


def test_a_wrong_checksum_and_an_unknown_command_are_refused():
    rom = EspRom("ESP32-C3")
    data = slip.encode(b"\x00\x03\x14\x00" + bytes(4) + b"\x04" + bytes(15) + b"abcd")
    status = rom.feed(data)
    assert status[9:11] == b"\x01\x07"  # failed, checksum
    assert rom.feed(slip.encode(b"\x00\x7e\x00\x00" + bytes(4)))[9:11] == b"\x01\x05"
    assert rom.flash.programmed == []


def test_slip_carries_every_byte_and_drops_what_is_damaged():
    packet = bytes(range(256)) * 2
    decoder = slip.Decoder()
    got = [found for byte in slip.encode(packet) if (found := decoder.feed(byte)) is not None]
    assert got == [packet]
    decoder = slip.Decoder()
    damaged = b"noise\xc0\xdb\x00bad\xc0" + slip.encode(b"good")
    got = [found for byte in damaged if (found := decoder.feed(byte)) is not None]
    assert got == [b"good"]
