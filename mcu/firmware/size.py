"""Where the bytes of a firmware go: flash and RAM of each part, from GNU ld's map file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_OUTPUT = re.compile(r"^(\.[\w.]+)")
_INPUT = re.compile(
    r"^ (?P<section>[.\w*]\S*)?\s+0x(?P<address>[0-9a-f]+)\s+0x(?P<bytes>[0-9a-f]+)\s+(?P<file>\S.*)$"
)
_FILL = re.compile(r"^ \*fill\*\s+0x[0-9a-f]+\s+0x(?P<bytes>[0-9a-f]+)")
_FLASH = {".text", ".model", ".rodata"}
_RAM = {".bss", ".noinit", ".stack", ".handler_stack"}
_BOTH = {".data"}  # in RAM, and its first values in flash


@dataclass(frozen=True)
class PartBytes:
    """Bytes of one part of the firmware."""

    flash: int = 0
    ram: int = 0


@dataclass(frozen=True)
class FirmwareSize:
    """What a linked firmware takes.

    Attributes:
        parts: by name: "link", "engine" (kernels), "model" (constants, arena), "port", "library" (compiler and C
            library), "stack". Fill between them is counted in "port".
    """

    parts: Mapping[str, PartBytes]

    @property
    def flash_bytes(self) -> int:
        return sum(part.flash for part in self.parts.values())

    @property
    def ram_bytes(self) -> int:
        return sum(part.ram for part in self.parts.values())


def read_map(path: Path, *, parts: Mapping[str, str], in_ram: bool = False) -> FirmwareSize:
    """Add up a map file.

    Args:
        parts: stem of an object file → the part that it belongs to; all others are "library".
        in_ram: what comes out of flash lies in RAM while it runs.
    """
    flash: dict[str, int] = {}
    ram: dict[str, int] = {}
    output = ""
    for line in _joined(path.read_text(encoding="utf-8", errors="replace")):
        if found := _OUTPUT.match(line):
            output = found[1]
            if output in (".stack", ".handler_stack"):
                numbers = re.findall(r"0x([0-9a-f]+)", line)
                if len(numbers) > 1:
                    ram["stack"] = ram.get("stack", 0) + int(numbers[1], 16)
            continue
        if found := _FILL.match(line):
            part, count = "port", int(found["bytes"], 16)
        elif found := _INPUT.match(line):
            stem = Path(re.sub(r"^.*\(|\)$", "", found["file"])).stem
            part, count = parts.get(stem, "library"), int(found["bytes"], 16)
        else:
            continue
        if output in (".stack", ".handler_stack"):
            continue
        if output in _FLASH or output in _BOTH:
            flash[part] = flash.get(part, 0) + count
        if output in _RAM or output in _BOTH or (in_ram and output in _FLASH):
            ram[part] = ram.get(part, 0) + count
    names = sorted(flash.keys() | ram.keys())
    return FirmwareSize({name: PartBytes(flash.get(name, 0), ram.get(name, 0)) for name in names})


def _joined(text: str) -> list[str]:
    """The memory map's lines; ld breaks a line behind a long section name."""
    text = text.split("Linker script and memory map", 1)[-1]
    return re.sub(r"^( ?\.\S+)\n +(0x)", r"\1 \2", text, flags=re.MULTILINE).splitlines()
