"""The serial bootloader in the ROM of an ESP32, S3, C3 or C6, as a double: `python -m mcu.doubles.esp_rom`.

Source: Espressif, "Serial Protocol" (esptool documentation, advanced topics). A client may upload its "stub", code for
the chip's RAM that answers the same commands and some more; the double does not run that code, it plays its part.
"""

from __future__ import annotations

import hashlib
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import reduce
from operator import xor

from mcu.doubles import slip
from mcu.doubles.esp_chips import CHIPS, EspChip
from mcu.doubles.faults import Fault
from mcu.doubles.flash_memory import FlashMemory
from mcu.doubles.rom import Machine, OnGo, Refused, RomDouble
from mcu.doubles.serve import serve_parser, serve_until_interrupted

SECTOR_BYTES = 4096
CHECKSUM_SEED = 0xEF
SPI_USER_COMMAND = 1 << 18  # in the SPI controller's command register
READ_ID, READ_SFDP = 0x9F, 0x5A  # commands of every SPI NOR flash (JEDEC JESD216)
WINBOND = 0x40EF
ROM_SYNC_VALUE, STUB_SYNC_VALUE = 0x2012_0707, 0

FLASH_BEGIN, FLASH_DATA, FLASH_END, MEM_BEGIN, MEM_END, MEM_DATA, SYNC = (
    0x02,
    0x03,
    0x04,
    0x05,
    0x06,
    0x07,
    0x08,
)
WRITE_REG, READ_REG, SPI_SET_PARAMS, SPI_ATTACH, READ_FLASH_SLOW, CHANGE_BAUD = (
    0x09,
    0x0A,
    0x0B,
    0x0D,
    0x0E,
    0x0F,
)
DEFLATED_BEGIN, DEFLATED_DATA, DEFLATED_END, FLASH_MD5, SECURITY_INFO = 0x10, 0x11, 0x12, 0x13, 0x14
ERASE_FLASH, ERASE_REGION, READ_FLASH, RUN_USER_CODE = 0xD0, 0xD1, 0xD2, 0xD3

# "Serial Protocol", ROM loader errors.
INVALID_MESSAGE, FAILED_TO_ACT, WRONG_CHECKSUM, FLASH_WRITE_ERROR, DEFLATE_ERROR = (
    0x05,
    0x06,
    0x07,
    0x08,
    0x0B,
)


class EspError(Refused):
    """The command fails with this code."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


class EspRom(RomDouble):
    """An ESP held in its serial bootloader.

    Args:
        chip: name, a key of CHIPS.
        flash_bytes: of the SPI flash, a power of two.
        chip_id: what GET_SECURITY_INFO says instead of the truth; for a wrong or unknown chip.
        secure_download: the eFuses restrict the ROM: no registers, no stub.

    Attributes:
        stub: the client's stub "runs".
        blocks_received: FLASH_DATA and DEFLATED_DATA that were carried out.
    """

    def __init__(
        self,
        chip: str,
        *,
        flash_bytes: int = 4 << 20,
        chip_id: int | None = None,
        secure_download: bool = False,
        faults: Iterable[Fault] = (),
        on_go: OnGo | None = None,
    ):
        self.chip: EspChip = CHIPS[chip]
        self.chip_id = self.chip.chip_id if chip_id is None else chip_id
        self.secure_download = secure_download
        self.blocks_received = 0
        self._handlers: dict[int, Callable[[bytes], tuple[int, bytes]]] = {
            SYNC: self._sync,
            READ_REG: self._read_register,
            WRITE_REG: self._write_register,
            SPI_SET_PARAMS: self._nothing,
            SPI_ATTACH: self._nothing,
            CHANGE_BAUD: self._nothing,
            MEM_BEGIN: self._memory_begin,
            MEM_DATA: self._memory_data,
            MEM_END: self._memory_end,
            FLASH_BEGIN: self._flash_begin,
            FLASH_DATA: self._flash_data,
            FLASH_END: self._flash_end,
            DEFLATED_BEGIN: self._deflated_begin,
            DEFLATED_DATA: self._deflated_data,
            DEFLATED_END: self._flash_end,
            FLASH_MD5: self._md5,
            READ_FLASH_SLOW: self._read_flash_slow,
            SECURITY_INFO: self._security_info,
            ERASE_FLASH: self._erase_flash,
            ERASE_REGION: self._erase_region,
            READ_FLASH: self._read_flash,
            RUN_USER_CODE: self._run_user_code,
        }
        flash = FlashMemory(flash_bytes, sector_starts=range(0, flash_bytes, SECTOR_BYTES))
        super().__init__(flash, faults=faults, on_go=on_go)

    def _refuse(self) -> None:
        self._out += slip.encode(self._packet(self._command, 0, bytes([1, FAILED_TO_ACT]) + self._padding()))

    def _rom(self) -> Machine:
        self.stub = False
        self._command = 0
        self._registers = dict(self.chip.registers)
        self._ram: list[tuple[int, int]] = []  # (address, length) of what was uploaded
        self._ram_at = 0
        self._write_at = self._erased_to = self._write_end = 0
        self._inflate = zlib.decompressobj()
        self._to_read: list[bytes] = []
        decoder = slip.Decoder()
        while True:
            packet = decoder.feed((yield))
            if packet is not None:
                with suppress(Refused):
                    self._answer(packet)

    def _answer(self, packet: bytes) -> None:
        try:
            self._packet_in(packet)
        except EspError as error:
            status = bytes([1, error.code]) + self._padding()
            self._say(slip.encode(self._packet(self._command, 0, status)))

    def _packet_in(self, packet: bytes) -> None:
        if (
            self._to_read and len(packet) == 4
        ):  # the stub's READ_FLASH is acknowledged by a count without a header
            self._say(slip.encode(self._to_read.pop(0)))
            return
        if len(packet) < 8 or packet[0] != 0:
            return
        _, self._command, length, checksum = struct.unpack_from("<BBHI", packet)
        data = packet[8:]
        if len(data) != length:
            raise EspError(INVALID_MESSAGE)
        handler = self._handlers.get(self._command)
        if handler is None or not self._knows(self._command):
            raise EspError(INVALID_MESSAGE)
        if (
            self._command in (FLASH_DATA, DEFLATED_DATA, MEM_DATA)
            and reduce(xor, data[16:], CHECKSUM_SEED) != checksum
        ):
            raise EspError(WRONG_CHECKSUM)
        padding = self._padding()  # of whoever is asked: MEM_END is answered by the ROM, then the stub runs
        value, answer = handler(data)
        reply = slip.encode(self._packet(self._command, value, answer + bytes(2) + padding))
        for _ in range(8 if self._command == SYNC else 1):
            self._say(reply)
        if self._command == MEM_END and self.stub:
            self._say(slip.encode(b"OHAI"))
        if self._command == READ_FLASH:
            self._say(slip.encode(self._to_read.pop(0)))
        if self._command in (FLASH_END, DEFLATED_END) and struct.unpack_from("<I", data)[0] == 0:
            self._go(0)
        if self._command == RUN_USER_CODE:
            self._go(0)

    def _knows(self, command: int) -> bool:
        if command >= ERASE_FLASH:
            return self.stub
        if command == SECURITY_INFO:
            return self.chip.chip_id is not None
        if self.secure_download:  # ESP-IDF, "Secure Boot v2", UART ROM download mode
            return command not in (
                READ_REG,
                WRITE_REG,
                MEM_BEGIN,
                MEM_DATA,
                MEM_END,
                READ_FLASH_SLOW,
                FLASH_MD5,
            )
        return command != READ_FLASH_SLOW or not self.stub

    def _packet(self, command: int, value: int, data: bytes) -> bytes:
        return struct.pack("<BBHI", 1, command, len(data), value) + data

    def _padding(self) -> bytes:
        return b"" if self.stub else bytes(2)  # a ROM's status has two more bytes than the stub's

    def _nothing(self, data: bytes) -> tuple[int, bytes]:
        return 0, b""

    def _sync(self, data: bytes) -> tuple[int, bytes]:
        self._to_read.clear()
        return (STUB_SYNC_VALUE if self.stub else ROM_SYNC_VALUE), b""

    def _security_info(self, data: bytes) -> tuple[int, bytes]:
        flags = 0x04 if self.secure_download else 0
        return 0, struct.pack("<IB7sII", flags, 0, bytes(7), self.chip_id or 0, 0)

    def _read_register(self, data: bytes) -> tuple[int, bytes]:
        (address,) = struct.unpack_from("<I", data)
        return self._registers.get(address, 0), b""

    def _write_register(self, data: bytes) -> tuple[int, bytes]:
        address, value, mask, _ = struct.unpack_from("<4I", data)
        old = self._registers.get(address, 0)
        self._registers[address] = old & ~mask | value & mask
        if address == self.chip.spi_base and value & SPI_USER_COMMAND:
            self._spi_flash_command()
        return 0, b""

    def _spi_flash_command(self) -> None:
        """The SPI controller runs a command of the client's own; it is done at once."""
        base = self.chip.spi_base
        command = self._registers.get(base + self.chip.user2_offset, 0) & 0xFF
        answers = {
            READ_ID: WINBOND | (len(self.flash).bit_length() - 1) << 16,
            READ_SFDP: int.from_bytes(b"SFDP", "little"),
        }
        self._registers[base + self.chip.data_offset] = answers.get(command, 0)
        self._registers[base] = 0

    def _memory_begin(self, data: bytes) -> tuple[int, bytes]:
        size, _, _, self._ram_at = struct.unpack_from("<4I", data)
        self._ram.append((self._ram_at, size))
        return 0, b""

    def _memory_data(self, data: bytes) -> tuple[int, bytes]:
        (length,) = struct.unpack_from("<I", data)
        if not self._ram or length != len(data) - 16:
            raise EspError(INVALID_MESSAGE)
        return 0, b""

    def _memory_end(self, data: bytes) -> tuple[int, bytes]:
        stay, entry = struct.unpack_from("<II", data)
        if not stay:
            if not any(start <= entry < start + size for start, size in self._ram):
                raise EspError(FAILED_TO_ACT)
            self._ram.clear()
            self.stub = True
        return 0, b""

    def _flash_begin(self, data: bytes) -> tuple[int, bytes]:
        size, _, _, offset = struct.unpack_from("<4I", data)
        return self._begin(data, offset=offset, size=size)

    def _deflated_begin(self, data: bytes) -> tuple[int, bytes]:
        size, _, _, offset = struct.unpack_from("<4I", data)
        self._inflate = zlib.decompressobj()
        return self._begin(data, offset=offset, size=size)

    def _begin(self, data: bytes, *, offset: int, size: int) -> tuple[int, bytes]:
        words = 5 if self.stub or self.chip.extended_begin else 4
        if len(data) != 4 * words:
            raise EspError(INVALID_MESSAGE)
        if offset + size > len(self.flash):
            raise EspError(FAILED_TO_ACT)
        self._write_at, self._write_end = offset, offset + size
        self._erased_to = offset - offset % SECTOR_BYTES
        if not self.stub:  # the ROM erases everything at once, the stub as it writes
            self._erase_up_to(self._write_end)
        return 0, b""

    def _flash_data(self, data: bytes) -> tuple[int, bytes]:
        self._store(data[16 : 16 + struct.unpack_from("<I", data)[0]])
        return 0, b""

    def _deflated_data(self, data: bytes) -> tuple[int, bytes]:
        try:
            self._store(self._inflate.decompress(data[16:]))
        except zlib.error:
            raise EspError(DEFLATE_ERROR) from None
        return 0, b""

    def _store(self, data: bytes) -> None:
        """Program what comes next; the fill behind the end of the image is dropped. A repeated block is not noticed."""
        self.blocks_received += 1
        if self._write_at >= self._write_end:
            raise EspError(FLASH_WRITE_ERROR)
        data = data[: self._write_end - self._write_at]
        self._erase_up_to(self._write_at + len(data))
        if data:
            self._program(self._write_at, data)
        self._write_at += len(data)

    def _erase_up_to(self, end: int) -> None:
        while self._erased_to < end:
            self._erase(self._erased_to // SECTOR_BYTES)
            self._erased_to += SECTOR_BYTES

    def _flash_end(self, data: bytes) -> tuple[int, bytes]:
        return 0, b""

    def _md5(self, data: bytes) -> tuple[int, bytes]:
        offset, size = struct.unpack_from("<II", data)
        digest = hashlib.md5(self.flash.content[offset : offset + size], usedforsecurity=False)
        return 0, digest.digest() if self.stub else digest.hexdigest().encode()

    def _read_flash_slow(self, data: bytes) -> tuple[int, bytes]:
        offset, size = struct.unpack_from("<II", data)
        return 0, bytes(self.flash.content[offset : offset + size]).ljust(64, b"\0")

    def _read_flash(self, data: bytes) -> tuple[int, bytes]:
        offset, size, packet_bytes, _ = struct.unpack_from("<4I", data)
        content = bytes(self.flash.content[offset : offset + size])
        self._to_read = [content[i : i + packet_bytes] for i in range(0, size, packet_bytes)]
        self._to_read.append(hashlib.md5(content, usedforsecurity=False).digest())
        return 0, b""

    def _erase_flash(self, data: bytes) -> tuple[int, bytes]:
        for sector in range(self.flash.sectors):
            self._erase(sector)
        return 0, b""

    def _erase_region(self, data: bytes) -> tuple[int, bytes]:
        offset, size = struct.unpack_from("<II", data)
        if offset % SECTOR_BYTES or size % SECTOR_BYTES or offset + size > len(self.flash):
            raise EspError(FAILED_TO_ACT)
        for sector in range(offset // SECTOR_BYTES, (offset + size) // SECTOR_BYTES):
            self._erase(sector)
        return 0, b""

    def _run_user_code(self, data: bytes) -> tuple[int, bytes]:
        return 0, b""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve a double on a pty until interrupted."""
    parser = serve_parser("python -m mcu.doubles.esp_rom", __doc__)
    parser.add_argument("--chip", default="ESP32-C3", choices=sorted(CHIPS))
    parser.add_argument("--flash-bytes", type=int, default=4 << 20)
    parser.add_argument("--secure-download", action="store_true", help="the ROM is restricted by eFuses")
    args = parser.parse_args(argv)
    rom = EspRom(
        args.chip, flash_bytes=args.flash_bytes, secure_download=args.secure_download, faults=args.fault
    )
    return serve_until_interrupted(rom, args)


if __name__ == "__main__":
    sys.exit(main())
