"""A board as data: what its TOML says, checked, frozen; and where TOMLs lie."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from mcu.errors import BadInput

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BOARDS_VARIABLE = "KERAS_TINY_BOARDS"
PACKAGED_BOARDS = Path(__file__).parent

Method = Literal["esptool", "stlink", "stm32_uart", "mass_storage", "qemu", "virtual"]
"""How an image gets into a chip: ESP ROM by esptool, SWD probe, STM32 ROM by ST AN3155, a copy onto the probe's
drive, QEMU's kernel, or nothing to write (the virtual board's process opens the bundle)."""


class UsbId(NamedTuple):
    """Vendor and product of a USB device. A bridge chip (CP2102, CH340, FTDI) names only candidates: what is
    behind it is known from the board's own answer."""

    vendor: int
    product: int

    @classmethod
    def parse(cls, text: str) -> UsbId:
        """`"303a:1001"` → UsbId; ValueError for anything else."""
        vendor, _, product = text.partition(":")
        if len(vendor) != 4 or len(product) != 4:
            raise ValueError(f"'{text}' is not a USB identity; write vvvv:pppp in hex, e.g. '0483:374b'")
        return cls(int(vendor, 16), int(product, 16))

    def __str__(self) -> str:
        return f"{self.vendor:04x}:{self.product:04x}"


def _parse_usb_ids(given: Any) -> Any:
    return tuple(UsbId.parse(text) for text in given) if isinstance(given, list) else given


class _Table(BaseModel):
    """A table of the TOML: a misspelt key or a number in quotes is an error, not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SectorRun(_Table):
    """Equal erase sectors that follow each other in flash: (count, bytes of one)."""

    count: Annotated[int, Field(ge=1)]
    bytes: Annotated[int, Field(ge=1)]


class FlashPlan(_Table):
    """How an image gets into the chip.

    Attributes:
        method: what `mcu flash` does unless told otherwise.
        also: what else works on this board.
        addresses: part of the image → where it goes; "app" is always there except on the virtual board.
        sectors: erase map from the start of flash, in order; empty where the writer does not need it.
        rom_id: what the ROM answers when asked who it is: product id of ST AN2606, or Espressif's chip id.
        size_register: address of 16 bits with the chip's flash size in KiB (STM32); tells apart what shares a rom_id.
        mbed_code: first four digits of the code in MBED.HTM on the probe's drive; what names the board there.
    """

    method: Method
    # TOML has arrays, not tuples.
    also: Annotated[tuple[Method, ...], Field(strict=False)] = ()
    addresses: dict[str, int] = Field(default_factory=dict)
    sectors: Annotated[tuple[SectorRun, ...], Field(strict=False)] = ()
    rom_id: int | None = None
    size_register: int | None = None
    mbed_code: str = ""


class Board(_Table):
    """What every step needs to know of a board; sources stand beside the numbers in its TOML.

    Attributes:
        id: the name in every command; the TOML's file name.
        clock_hz: core clock of our firmware; None where there is none (virtual).
        flash_bytes, ram_bytes: what an application can use, in one contiguous piece; None: no limit that matters.
        psram_bytes: external RAM; usable for an arena, but slower.
        usb: identities under which the board's port enumerates.
        reset: what resets it: "dtr_rts" (two transistors from the UART bridge), "usb_jtag" (the chip's own USB),
            "stlink" (NRST by the probe), "buttons" (a person), "qemu" (system_reset), "process" (a new process).
        serial_baud: of the bridge at start; a native USB port ignores it.
        arduino_fqbn, platformio_id: the same board in those tools; empty if it is not in them.
        qemu_machine: `-M` of qemu-system-arm; empty for a board that is not emulated.
    """

    id: str
    name: str
    chip: str
    core: Literal["cortex-m4f", "cortex-m7", "xtensa-lx6", "xtensa-lx7", "rv32imc", "rv32imac", "host"]
    reset: Literal["dtr_rts", "usb_jtag", "stlink", "buttons", "qemu", "process"]
    flash: FlashPlan
    clock_hz: int | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    psram_bytes: int = 0
    usb: Annotated[tuple[UsbId, ...], BeforeValidator(_parse_usb_ids)] = ()
    serial_baud: int = 115_200
    arduino_fqbn: str = ""
    platformio_id: str = ""
    qemu_machine: str = ""

    @model_validator(mode="after")
    def _sectors_cover_the_flash(self) -> Board:
        mapped = sum(run.count * run.bytes for run in self.flash.sectors)
        if mapped and mapped != self.flash_bytes:
            raise ValueError(f"the sectors add up to {mapped} bytes, flash_bytes is {self.flash_bytes}")
        return self

    def sector_starts(self) -> Iterator[int]:
        """Offset of each erase sector from the start of flash, in bytes, ascending."""
        offset = 0
        for run in self.flash.sectors:
            for _ in range(run.count):
                yield offset
                offset += run.bytes


def read_board(path: Path) -> Board:
    """One TOML → Board. BadInput names the file and the key; a misspelt key gets near names."""
    try:
        return Board.model_validate({**tomllib.loads(path.read_text("utf-8")), "id": path.stem})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"The board file {path} cannot be read: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        hint = ""
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, Board.model_fields, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else ""
        raise BadInput(f"The board file {path}, key '{key}': {first['msg']}.", hint=hint) from error


def board_files(folder: str | Path | None = None) -> dict[str, Path]:
    """id → TOML of every board: packaged, then the folders of KERAS_TINY_BOARDS, then `folder`.

    A board of the same id in two places is an error: which one was meant would depend on the machine.
    """
    named = [Path(part) for part in os.environ.get(BOARDS_VARIABLE, "").split(os.pathsep) if part]
    files: dict[str, Path] = {}
    for place in dict.fromkeys([PACKAGED_BOARDS, *named, *([Path(folder)] if folder else [])]):
        if not place.is_dir():
            raise BadInput(
                f"The folder of boards {place} does not exist.",
                hint=f"See {BOARDS_VARIABLE} or the argument.",
            )
        for path in sorted(place.glob("*.toml")):
            if path.stem in files:
                raise BadInput(
                    f"The board '{path.stem}' is described twice: {files[path.stem]} and {path}.",
                    hint="Give yours another file name.",
                )
            files[path.stem] = path
    return files
