"""After the ROM of an ESP32-C3: its processor, RAM and the few registers that our firmware uses, in this process.

What the ROM does with an image is done here (ESP-IDF, "App Image Format"): magic, chip, checksum and hash are checked,
segments are copied into RAM, the entry is called. The processor is Unicorn's RV32; registers are those of the ESP32-C3
technical reference manual. It shows that the image runs where it is linked to and speaks over UART0, not how fast.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import select
import socket
import struct
import threading
import time
from collections import deque
from functools import reduce
from operator import xor
from typing import Any

from mcu.doubles.rom import OnGo
from mcu.errors import BoardError, MissingExtra

CHIP_ID = 5  # ESP-IDF, esp_chip_id_t
SRAM_BYTES = 0x6_0000
SRAM_AS_DATA, SRAM_AS_CODE = 0x3FC8_0000, 0x4038_0000
ROM_DATA = 0x3FCD_C710  # the ROM's own, while it loads
UART0, RTC, TIMER0, SYSTIMER = 0x6000_0000, 0x6000_8000, 0x6001_F000, 0x6002_3000
_PAGE = 0x1000
_FIFO, _STATUS = 0x00, 0x1C
_OPTIONS0, _RESET_STATE, _RTC_WDT, _RTC_KEY, _SWD, _SWD_KEY = 0x00, 0x38, 0x90, 0xA8, 0xAC, 0xB0
_TIMER_WDT, _TIMER_KEY = 0x48, 0x64
_OP, _HIGH, _LOW = 0x04, 0x40, 0x44
_SYSTEM_RESET, _SWD_FEEDS_ITSELF, _VALID = 1 << 31, 1 << 31, 1 << 29
_WDT_KEY, _SUPER_WDT_KEY = 0x50D8_3AA1, 0x8F1D_312A
_POWER_ON, _SOFTWARE = 0x01, 0x03  # reset causes
_POLL_S = 0.02  # how long a firmware that polls an empty line is let sleep


def load_image(flash: bytes) -> tuple[int, list[tuple[int, bytes]]]:
    """What the ROM makes of the image at the start of flash: (entry, segments).

    Raises:
        BoardError: the ROM would not start it, and why.
    """
    magic, count, _, _, entry = struct.unpack_from("<BBBBI", flash)
    (chip_id,) = struct.unpack_from("<H", flash, 12)
    if magic != 0xE9:
        raise BoardError(f"The ROM finds no image: its first byte is {magic:#04x}.")
    if chip_id != CHIP_ID:
        raise BoardError(f"The ROM refuses an image for chip {chip_id}; an ESP32-C3 is {CHIP_ID}.")
    at, checksum, segments = 24, 0xEF, []
    for _ in range(count):
        address, size = struct.unpack_from("<II", flash, at)
        data = flash[at + 8 : at + 8 + size]
        bus = SRAM_AS_CODE if address >= SRAM_AS_CODE else SRAM_AS_DATA
        if address < bus or address - bus + size > ROM_DATA - SRAM_AS_DATA:
            raise BoardError(f"The ROM refuses a segment of {size:,} bytes at {address:#010x}.")
        segments.append((address, data))
        checksum = reduce(xor, data, checksum)
        at += 8 + size
    at += 15 - at % 16
    if flash[at] != checksum:
        raise BoardError("The ROM refuses the image: its checksum is wrong.")
    if flash[23] and flash[at + 1 : at + 33] != hashlib.sha256(flash[: at + 1]).digest():
        raise BoardError("The ROM refuses the image: its hash is wrong.")
    return entry, segments


class Esp32C3Machine:
    """A chip that runs what was flashed; `mcu.doubles.rom.Application`.

    Args:
        flash: the whole content of flash.

    Attributes:
        watchdogs: those that still run; a real chip would be reset by them.
        starts: how often the firmware has started.
        ended_because: why the processor stopped by itself; "" while it runs.

    Raises:
        BoardError: the ROM would not start the image.
        MissingExtra: Unicorn is not installed.
    """

    def __init__(self, flash: bytes):
        if importlib.util.find_spec("unicorn") is None:
            raise MissingExtra(
                "Running an ESP32-C3's firmware here needs Unicorn.",
                hint="Install it with: pip install unicorn",
            )
        self._entry, self._segments = load_image(flash)
        self.watchdogs = {"rtc", "super", "timer0"}
        self.starts = 0
        self.ended_because = ""
        self._ours, self._theirs = socket.socketpair()
        self._received: deque[int] = deque()
        self._sram = ctypes.create_string_buffer(SRAM_BYTES)
        self._registers: dict[int, int] = {}
        self._ticks = 0
        self._cause = _POWER_ON
        self._again = True
        self._thread = threading.Thread(target=self._run, name="ESP32-C3", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """Of the host's end of UART0."""
        return self._theirs.fileno()

    def close(self) -> None:
        """Cut the supply."""
        self._again = False
        self._ours.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._ours.close()
        self._theirs.close()

    def _run(self) -> None:
        import unicorn

        while self._again:
            self._again = False
            self.starts += 1
            for address, data in self._segments:
                at = address - (SRAM_AS_CODE if address >= SRAM_AS_CODE else SRAM_AS_DATA)
                ctypes.memmove(ctypes.byref(self._sram, at), data, len(data))
            cpu = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
            for base in (SRAM_AS_DATA, SRAM_AS_CODE):  # the same bytes on two buses
                cpu.mem_map_ptr(base, SRAM_BYTES, unicorn.UC_PROT_ALL, ctypes.addressof(self._sram))
            for base in (UART0, RTC, TIMER0, SYSTIMER):
                cpu.mmio_map(base, _PAGE, self._read, base, self._write, base)
            try:
                cpu.emu_start(self._entry, 0xFFFF_FFFF)
            except unicorn.UcError as error:
                pc = cpu.reg_read(unicorn.riscv_const.UC_RISCV_REG_PC)
                self.ended_because = f"{error} at {pc:#010x}"
                self._ours.close()

    def _read(self, cpu: Any, offset: int, size: int, base: int) -> int:
        if base == UART0 and offset == _STATUS:
            return self._uart_status(cpu)
        if base == UART0 and offset == _FIFO:
            return self._received.popleft() if self._received else 0
        if base == SYSTIMER and offset == _OP:
            return _VALID
        if base == SYSTIMER and offset in (_HIGH, _LOW):
            return self._ticks >> 32 if offset == _HIGH else self._ticks & 0xFFFF_FFFF
        if base == RTC and offset == _RESET_STATE:
            return self._cause
        return self._registers.get(base + offset, 0)

    def _uart_status(self, cpu: Any) -> int:
        if not self._received and select.select([self._ours], [], [], _POLL_S)[0]:
            heard = self._ours.recv(128)
            if not heard:
                cpu.emu_stop()
            self._received.extend(heard)
        return len(self._received)  # what is to be sent is on the line at once

    def _write(self, cpu: Any, offset: int, size: int, value: int, base: int) -> None:
        self._registers[base + offset] = value
        if base == UART0 and offset == _FIFO:
            try:
                self._ours.sendall(bytes([value & 0xFF]))
            except OSError:
                cpu.emu_stop()
        elif base == SYSTIMER and offset == _OP:
            self._ticks = time.monotonic_ns() * 16 // 1000
        elif base == RTC and offset == _OPTIONS0 and value & _SYSTEM_RESET:
            self._again, self._cause = True, _SOFTWARE
            self.watchdogs = {"rtc", "super", "timer0"}
            self._registers.clear()
            cpu.emu_stop()
        elif base + offset == RTC + _RTC_WDT and not value:
            self._stop("rtc", key=RTC + _RTC_KEY, expected=_WDT_KEY)
        elif base + offset == RTC + _SWD and value & _SWD_FEEDS_ITSELF:
            self._stop("super", key=RTC + _SWD_KEY, expected=_SUPER_WDT_KEY)
        elif base + offset == TIMER0 + _TIMER_WDT and not value:
            self._stop("timer0", key=TIMER0 + _TIMER_KEY, expected=_WDT_KEY)

    def _stop(self, watchdog: str, *, key: int, expected: int) -> None:
        """A watchdog takes orders only while its key is set."""
        if self._registers.get(key) == expected:
            self.watchdogs.discard(watchdog)


def boot_esp32c3() -> OnGo:
    """`on_go` of an ESP32-C3's double: run what was flashed."""
    return lambda flash, address: Esp32C3Machine(flash)
