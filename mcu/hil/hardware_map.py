"""Which boards are on which ports: a YAML file with the fields of Zephyr's hardware map (twister's hwmap-schema)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcu.boards import Board, load_boards
from mcu.errors import BadInput

# Everything that twister's schema knows; what is not among OURS is about flashing or about its fixtures.
OURS = ("id", "platform", "serial", "baud", "serial_baud", "connected", "product")
TWISTERS = (
    *("available", "fixtures", "flash_before", "flash_timeout", "flash_with_test", "hooks", "notes"),
    *(
        "post_flash_script",
        "post_script",
        "pre_script",
        "probe_id",
        "runner",
        "runner_params",
        "script_param",
    ),
    *("serial_pty", "west_flash_cmd"),
)
_FOLDER = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class MappedBoard:
    """One connected board of a map.

    Attributes:
        id: of the board alone, as its probe's serial number; unique in the map.
        board: with the map's baud rate, where it names one.
        port: device or URL; None for a board that needs none.
        product: what the USB device calls itself; empty if the map does not say.
    """

    id: str
    board: Board
    port: str | None
    product: str

    @property
    def folder(self) -> str:
        """A file name made of the id."""
        return _FOLDER.sub("-", self.id).strip(".") or "board"


@dataclass(frozen=True)
class HardwareMap:
    """A map that was read.

    Attributes:
        path: the file.
        boards: that can be used, in the file's order.
        left_out: id → why not, of the others that are connected.
    """

    path: Path
    boards: tuple[MappedBoard, ...]
    left_out: dict[str, str]


def read_hardware_map(path: str | Path) -> HardwareMap:
    """Read a hardware map; entries that are not connected are passed over.

    Raises:
        BadInput: no such file, not YAML, an entry that lacks a field or has one that nobody knows, two connected boards
            with one id or on one port, or no board that can be used.
    """
    entries, known = _entries(Path(path)), load_boards()
    boards: list[MappedBoard] = []
    left_out: dict[str, str] = {}
    seen: dict[str, str] = {}
    for number, entry in enumerate(entries, start=1):
        where = f"{path}, entry {number}"
        _check(entry, where)
        if not entry["connected"]:
            continue
        id = entry["id"]
        port = entry.get("serial")
        # A URL may start a board of its own each time.
        for what in (f"the id '{id}'", *([f"the port {port}"] if port and "://" not in port else ())):
            if what in seen:
                raise BadInput(
                    f"{where} has {what}, which {seen[what]} has too.", hint="Every board is listed once."
                )
            seen[what] = f"entry {number}"
        found = _board(entry, known)
        if isinstance(found, str):
            left_out[id] = found
        else:
            boards.append(MappedBoard(id, found, port=port or None, product=str(entry.get("product") or "")))
    if not boards:
        reasons = "; ".join(f"{id}: {why}" for id, why in left_out.items())
        raise BadInput(
            f"{path} lists no connected board that can be used{': ' + reasons if reasons else ''}.",
            hint="Set connected: true, and platform to an id of `mcu boards`.",
        )
    folders = [board.folder for board in boards]
    if len(set(folders)) < len(folders):
        raise BadInput(f"{path}: ids that differ in punctuation only: {', '.join(b.id for b in boards)}.")
    return HardwareMap(Path(path), tuple(boards), left_out)


def _entries(path: Path) -> list[dict[str, Any]]:
    import yaml

    try:
        entries = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"Cannot read the hardware map {path}: {error.strerror or error}.") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"The hardware map {path} is not YAML: {error}.") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadInput(
            f"The hardware map {path} is not a list of boards.",
            hint="Write one '- connected: true' block per board, see docs/how_to/several_boards.md.",
        )
    return entries


def _check(entry: dict[str, Any], where: str) -> None:
    unknown = [str(name) for name in entry if name not in (*OURS, *TWISTERS)]
    if unknown:
        raise BadInput(f"{where}: unknown field '{unknown[0]}'.", hint=f"There is: {', '.join(OURS)}.")
    for name in ("connected", "id", "platform"):
        if entry.get(name) in (None, ""):
            raise BadInput(f"{where} has no '{name}'.")
    rules = {
        "connected": bool,
        "id": str,
        "serial": str,
        "baud": int,
        "serial_baud": int,
        "platform": (str, list),
    }
    for name, kinds in rules.items():
        value = entry.get(name)
        if value is None:
            continue
        if not isinstance(value, kinds) or (kinds is int and (isinstance(value, bool) or value <= 0)):  # type: ignore[arg-type]
            raise BadInput(f"{where}: {name} is {value!r}.", hint=_HINTS[name])


_HINTS = {
    "connected": "Write true or false.",
    "id": "Put it in quotes, so that YAML does not take it for a number.",
    "serial": "Name a device, such as /dev/ttyACM0, or a URL.",
    "baud": "Write symbols per second, such as 115200.",
    "serial_baud": "Write symbols per second, such as 115200.",
    "platform": "Name one board, or several as a list.",
}


def _board(entry: dict[str, Any], known: dict[str, Board]) -> Board | str:
    """The board of an entry, or why it cannot be used."""
    platform = entry["platform"]
    names = platform.split() if isinstance(platform, str) else [str(name) for name in platform]
    # Zephyr writes BOARD@REVISION/SOC/CORE where one board has several.
    board = next((known[base] for name in names if (base := re.split("[@/]", name)[0]) in known), None)
    if board is None:
        return f"no board of `mcu boards` is called {' or '.join(names)}"
    if not entry.get("serial") and board.flash.method not in ("virtual", "qemu"):
        return "it has no 'serial'"
    baud = entry.get("serial_baud") or entry.get("baud")
    return board if baud is None else board.model_copy(update={"serial_baud": baud})
