"""Just enough of ELF32 to flash a linked program: its loadable bytes and its symbols (TIS ELF specification 1.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from mcu.errors import BadInput

_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_PROGRAM = struct.Struct("<IIIIIIII")  # type, offset, vaddr, paddr, filesz, memsz, flags, align
_SECTION = struct.Struct("<IIIIIIIIII")  # name, type, flags, addr, offset, size, link, info, align, entsize
_SYMBOL = struct.Struct("<IIIBBH")  # name, value, size, info, other, section
_PT_LOAD, _SHT_SYMTAB = 1, 2
_LONGEST_NAME = 1024


@dataclass(frozen=True)
class Load:
    """Bytes that a loader puts at `address`."""

    address: int
    data: bytes


@dataclass
class Elf:
    """A linked 32-bit little-endian program.

    Attributes:
        content: the file; `patch` changes it.
    """

    content: bytearray

    @classmethod
    def read(cls, path: Path) -> Elf:
        """Raises BadInput if this is no ELF32 file, little endian."""
        content = bytearray(path.read_bytes())
        if len(content) < _HEADER.size or content[:6] != b"\x7fELF\x01\x01":
            raise BadInput(f"{path} is no 32-bit little-endian ELF file.")
        return cls(content)

    @property
    def entry(self) -> int:
        """Address of the first instruction."""
        entry: int = _HEADER.unpack_from(self.content)[4]
        return entry

    def loads(self) -> tuple[Load, ...]:
        """What belongs into memory, at load addresses, ascending; zeroed memory is not part of it.

        Raises:
            BadInput: a table points out of the file, as in all other methods.
        """
        return tuple(
            Load(address, bytes(self.content[offset : offset + size]))
            for address, offset, size in sorted(self._segments())
        )

    def symbols(self) -> dict[str, int]:
        """Name → value of every named symbol."""
        found = {}
        sections = self._sections()
        for _, kind, _, _, at, size, linked, *_ in sections:
            if kind != _SHT_SYMTAB or linked >= len(sections):
                continue
            names_at = sections[linked][4]
            for entry in range(at, min(at + size, len(self.content)), _SYMBOL.size):
                name_offset, value, *_ = self._unpack(_SYMBOL, entry)
                name, _, _ = self.content[names_at + name_offset :][:_LONGEST_NAME].partition(b"\0")
                found[name.decode("ascii", "replace")] = value
        return found

    def read_at(self, address: int, length: int) -> bytes:
        """Bytes at a load address."""
        at = self._offset(address, length)
        return bytes(self.content[at : at + length])

    def patch(self, address: int, data: bytes) -> None:
        """Replace bytes at a load address."""
        at = self._offset(address, len(data))
        self.content[at : at + len(data)] = data

    def _offset(self, address: int, length: int) -> int:
        for start, offset, size in self._segments():
            if start <= address and address + length <= start + size:
                return offset + address - start
        raise BadInput(f"The program has no {length} bytes at {address:#x}.")

    def _segments(self) -> list[tuple[int, int, int]]:
        """(load address, offset in the file, bytes) of each."""
        header = _HEADER.unpack_from(self.content)
        at, entry_bytes, count = header[5], header[9], header[10]
        segments = []
        for index in range(count):
            kind, offset, _, paddr, size, *_ = self._unpack(_PROGRAM, at + index * entry_bytes)
            if kind == _PT_LOAD and size:
                if offset + size > len(self.content):
                    raise BadInput("The ELF file is cut short.")
                segments.append((paddr, offset, size))
        return segments

    def _sections(self) -> list[tuple[int, ...]]:
        header = _HEADER.unpack_from(self.content)
        at, entry_bytes, count = header[6], header[11], header[12]
        return [self._unpack(_SECTION, at + index * entry_bytes) for index in range(count)]

    def _unpack(self, layout: struct.Struct, at: int) -> tuple[int, ...]:
        if at + layout.size > len(self.content):
            raise BadInput("The ELF file is cut short.")
        return layout.unpack_from(self.content, at)
