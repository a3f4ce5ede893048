"""The STM32 ROM bootloader on a serial line (ST AN3155, AN2606), as a double: `python -m mcu.doubles.stm32_rom`."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from functools import reduce
from operator import xor
from typing import NoReturn

from mcu.boards import Board, get_board, load_boards
from mcu.doubles.faults import Fault
from mcu.doubles.flash_memory import FlashMemory
from mcu.doubles.rom import ChipReset, Machine, OnGo, Refused, RomDouble
from mcu.doubles.serve import serve_parser, serve_until_interrupted

ACK, NACK, SYNC = b"\x79", b"\x1f", 0x7F
GET, GET_VERSION, GET_ID, READ, GO, WRITE, EXTENDED_ERASE = 0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44
READOUT_PROTECT, READOUT_UNPROTECT = 0x82, 0x92
COMMANDS = (GET, GET_VERSION, GET_ID, READ, GO, WRITE, EXTENDED_ERASE, READOUT_PROTECT, READOUT_UNPROTECT)
VERSION = 0x31  # of the USART bootloader of the STM32F4 (AN2606)

FLASH_BASE, RAM_BASE = 0x0800_0000, 0x2000_0000
SYSTEM_MEMORY = range(0x1FF0_0000, 0x2000_0000)
MASS_ERASE = 0xFFFF
_BOARD = "nucleo_f446re"  # what the command is, if nothing else is said
# Chips whose flash has an error-correcting code over words that are programmed once: STM32L4 (RM0351, RM0432) 8 bytes,
# STM32H7 (RM0433) 32 bytes.
PROGRAM_UNITS = {0x415: 8, 0x470: 8, 0x450: 32}


class Stm32Rom(RomDouble):
    """An STM32 just after reset with BOOT0 high.

    Args:
        board: whose chip it is: ROM id, flash size and sectors.
        rom_id: what it says it is; for a wrong chip.
        locked: read-out protection level 1 is on.

    Attributes:
        ram: what was written to RAM.
    """

    start_address = FLASH_BASE

    def __init__(
        self,
        board: Board,
        *,
        rom_id: int | None = None,
        locked: bool = False,
        faults: Iterable[Fault] = (),
        on_go: OnGo | None = None,
    ):
        assert board.flash_bytes is not None
        assert board.flash.rom_id is not None
        self.board = board
        self.rom_id = board.flash.rom_id if rom_id is None else rom_id
        self.locked = locked
        self.ram = bytearray(board.ram_bytes or 0)
        flash = FlashMemory(
            board.flash_bytes,
            sector_starts=[*board.sector_starts()],
            program_unit=PROGRAM_UNITS.get(board.flash.rom_id, 0),
        )
        super().__init__(flash, faults=faults, on_go=on_go)

    def _refuse(self) -> None:
        self._out += NACK

    def _rom(self) -> Machine:
        # The first byte sets the baud rate. Any other byte sets a wrong one, and only a reset helps (AN3155, 1).
        if (yield) != SYNC:
            while True:
                yield
        with suppress(Refused):
            self._say(ACK)
        while True:
            command = yield
            if (yield) != command ^ 0xFF:
                self._refuse()
                continue
            with suppress(Refused):
                yield from self._run(command)

    def _run(self, command: int) -> Machine:
        open_when_locked = (GET, GET_VERSION, GET_ID, READOUT_UNPROTECT)
        if command not in COMMANDS or (self.locked and command not in open_when_locked):
            self._no()
        self._say(ACK)
        if command == GET:
            self._say(bytes([len(COMMANDS), VERSION, *COMMANDS]))
            self._say(ACK)
        elif command == GET_VERSION:
            self._say(bytes([VERSION, 0, 0]))
            self._say(ACK)
        elif command == GET_ID:
            self._say(bytes([1]) + self.rom_id.to_bytes(2, "big"))
            self._say(ACK)
        elif command == READ:
            yield from self._read()
        elif command == WRITE:
            yield from self._write()
        elif command == EXTENDED_ERASE:
            yield from self._extended_erase()
        elif command == GO:
            address = yield from self._take_address(writable=True)
            if self._in_ram(address, 8):  # clients put a few instructions there that reset the chip
                raise ChipReset
            self._go(address)
        elif command == READOUT_PROTECT:
            self.locked = True
            self._say(ACK)
            raise ChipReset
        else:
            for sector in range(self.flash.sectors):
                self._erase(sector)
            self.locked = False
            self._say(ACK)
            raise ChipReset

    def _read(self) -> Machine:
        address = yield from self._take_address(writable=False)
        length = (yield) + 1
        if (yield) != (length - 1) ^ 0xFF:
            self._no()
        data = self._memory(address, length)
        if data is None:
            self._no()
        self._say(ACK)
        self._say(data)

    def _write(self) -> Machine:
        address = yield from self._take_address(writable=True)
        length = (yield) + 1
        data = yield from self._take(length)
        if (yield) != reduce(xor, data, length - 1) or length % 4 or address % 4:
            self._no()
        if self._in_flash(address, length):
            if not self._program(address - FLASH_BASE, data):
                self._no()
        elif self._in_ram(address, length):
            self.ram[address - RAM_BASE : address - RAM_BASE + length] = data
        else:
            self._no()
        self._say(ACK)

    def _extended_erase(self) -> Machine:
        count_bytes = yield from self._take(2)
        count = int.from_bytes(count_bytes, "big")
        if count == MASS_ERASE:
            sectors = [*range(self.flash.sectors)]
            expected = reduce(xor, count_bytes)
        elif count < self.flash.sectors:
            numbers = yield from self._take(2 * (count + 1))
            sectors = [int.from_bytes(numbers[i : i + 2], "big") for i in range(0, len(numbers), 2)]
            expected = reduce(xor, count_bytes + numbers)
        else:
            self._no()
        if (yield) != expected or any(sector >= self.flash.sectors for sector in sectors):
            self._no()
        for sector in sectors:
            self._erase(sector)
        self._say(ACK)

    def _take(self, count: int) -> Generator[None, int, bytes]:
        taken = bytearray()
        for _ in range(count):
            taken.append((yield))
        return bytes(taken)

    def _take_address(self, *, writable: bool) -> Generator[None, int, int]:
        taken = yield from self._take(4)
        if (yield) != reduce(xor, taken):
            self._no()
        address = int.from_bytes(taken, "big")
        if self._memory(address, 1) is None or (writable and address in SYSTEM_MEMORY):
            self._no()
        self._say(ACK)
        return address

    def _memory(self, address: int, length: int) -> bytes | None:
        """What is there; None if the ROM does not let it be read."""
        if self._in_flash(address, length):
            return bytes(self.flash.content[address - FLASH_BASE : address - FLASH_BASE + length])
        if self._in_ram(address, length):
            return bytes(self.ram[address - RAM_BASE : address - RAM_BASE + length])
        if address in SYSTEM_MEMORY and address + length - 1 in SYSTEM_MEMORY:
            return self._system_memory(address, length)
        return None

    def _system_memory(self, address: int, length: int) -> bytes:
        content = bytearray(length)
        size_kib = (len(self.flash) // 1024).to_bytes(2, "little")
        for i, byte in enumerate(size_kib):
            at = (self.board.flash.size_register or 0) + i - address
            if 0 <= at < length:
                content[at] = byte
        return bytes(content)

    def _in_flash(self, address: int, length: int) -> bool:
        return address >= FLASH_BASE and address + length <= FLASH_BASE + len(self.flash)

    def _in_ram(self, address: int, length: int) -> bool:
        return address >= RAM_BASE and address + length <= RAM_BASE + len(self.ram)

    def _no(self) -> NoReturn:
        self._refuse()
        raise Refused


def _board(name: str | None, *, qemu: str | None) -> Board:
    """What is asked for, or the board whose firmware runs in this machine."""
    if name is None and qemu is not None:
        return next(
            (board for board in load_boards().values() if board.qemu_machine == qemu), get_board(_BOARD)
        )
    return get_board(name or _BOARD)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve a double on a pty until interrupted."""
    parser = serve_parser("python -m mcu.doubles.stm32_rom", __doc__)
    parser.add_argument(
        "--board", help="board whose chip it is; default: nucleo_f446re, or with --qemu that machine's own"
    )
    parser.add_argument("--locked", action="store_true", help="read-out protection is on")
    parser.add_argument(
        "--rom-id", type=lambda text: int(text, 0), help="what it says it is; default: the board's"
    )
    parser.add_argument("--qemu", metavar="MACHINE", help="boot what was flashed, e.g. in netduinoplus2")
    args = parser.parse_args(argv)
    rom = Stm32Rom(
        _board(args.board, qemu=args.qemu), rom_id=args.rom_id, locked=args.locked, faults=args.fault
    )
    if args.qemu is not None:
        from mcu.doubles.qemu_application import boot_in_qemu

        rom.on_go = boot_in_qemu(args.qemu)
    return serve_until_interrupted(rom, args)


if __name__ == "__main__":
    sys.exit(main())
