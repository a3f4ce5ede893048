"""What every operator of a model costs on a board: `bench`, over the link's profile (docs/reference/protocol.md)."""

from __future__ import annotations

import hashlib
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mcu.boards import Board, get_board
from mcu.compiler import compile_model
from mcu.errors import BadInput, BoardError, MissingExtra
from mcu.firmware.builder import build_firmware
from mcu.firmware.size import FirmwareSize
from mcu.model_file import model_bytes_of
from mcu.protocol.profile import Profile, ProfileUnit
from mcu.protocol.session import Session
from mcu.tensor import TensorSpec
from mcu.transport import open_port
from mcu.transport.urls.protocol_qemu import qemu_url

_SILENCE_S = 600.0  # a large network in an emulator on a busy computer


@dataclass(frozen=True)
class OperatorCost:
    """One operator of the .tflite file.

    Attributes:
        index: in the file.
        layer: what it computes.
        instructions: None on a board that measures time instead.
        microseconds: None on a board that counts instructions.
    """

    index: int
    name: str
    layer: str
    macs: int
    instructions: int | None
    microseconds: float | None


@dataclass(frozen=True)
class Bench:
    """One inference on one board.

    Attributes:
        engine: as the board names it.
        operators: those that are executed; a reshape is not.
        instructions: of the whole inference, measured without the profile; None where none are counted.
        latency_us: by the board's clock.
        ram_bytes, flash_bytes: of the whole firmware; None where it was not built here.
    """

    board: str
    engine: str
    operators: tuple[OperatorCost, ...]
    instructions: int | None
    latency_us: int
    ram_bytes: int | None
    flash_bytes: int | None

    @property
    def macs(self) -> int:
        return sum(operator.macs for operator in self.operators)

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "board": self.board,
            "engine": self.engine,
            "operators": [vars(operator) for operator in self.operators],
            "macs": self.macs,
            "instructions": self.instructions,
            "latency_us": self.latency_us,
            "ram_bytes": self.ram_bytes,
            "flash_bytes": self.flash_bytes,
        }


def bench(
    bundle: str | Path, *, board: str | Board = "qemu_stm32f405", port: str | None = None, seed: int = 0
) -> Bench:
    """Run a model twice on a board, once as it is and once with a profile.

    Args:
        bundle: a bundle, or a .tflite file.
        port: of the board, with this model on it; an emulated board needs none: it is built and booted.
        seed: of the input, noise; what an operator costs hardly depends on it.

    Raises:
        BadInput: a board that has no port, or does not measure operators.
        BoardError: another board or another model answers; see `Session`.
        DoesNotFit, MissingExtra, UnsupportedModel: what an emulated board was to be built from.
    """
    board = board if isinstance(board, Board) else get_board(board)
    model_bytes = model_bytes_of(Path(bundle))
    operators = compile_model(model_bytes).operators
    url = port or _emulated(Path(bundle), board)
    with Session.connect(open_port(url, baud=board.serial_baud), silence_s=_SILENCE_S) as session:
        if session.identity.board != board.id:
            raise BoardError(
                f"{url} answers as '{session.identity.board}', '{board.id}' was asked for.",
                hint=f"Pass --board {session.identity.board}, or the port of the other board.",
            )
        session.require_model(sha256=hashlib.sha256(model_bytes).hexdigest(), crc32=zlib.crc32(model_bytes))
        noise = _noise(session.identity.inputs, seed)
        plain = session.infer(noise)
        profile = session.infer(noise, profile=True).profile
        engine = session.identity.engine
    assert profile is not None, "it was asked for"
    size = _size(model_bytes, board)
    return Bench(
        board=board.id,
        engine=engine,
        operators=tuple(
            OperatorCost(index, name, layer, macs, *_count(profile, index))
            for index, (name, layer, macs) in operators.items()
        ),
        instructions=plain.instructions,
        latency_us=plain.latency_us,
        ram_bytes=size.ram_bytes if size else None,
        flash_bytes=size.flash_bytes if size else None,
    )


def _emulated(path: Path, board: Board) -> str:
    if board.flash.method != "qemu":
        hint = "Pass --port, e.g. --port /dev/ttyACM0; `mcu ports` lists them."
        if board.flash.method == "virtual":
            hint = "Take an emulated board, e.g. --board qemu_stm32f405: it counts instructions."
        raise BadInput(f"The board '{board.id}' needs a port to be measured on.", hint=hint)
    return qemu_url(path, board=board.id)


def _noise(inputs: tuple[TensorSpec, ...], seed: int) -> list[bytes]:
    rng = np.random.default_rng(seed)
    return [rng.bytes(spec.nbytes) for spec in inputs]


def _count(profile: Profile, index: int) -> tuple[int | None, float | None]:
    count = profile.counts[index]
    if profile.unit == ProfileUnit.INSTRUCTIONS:
        return count, None
    return None, count * 1e6 / profile.ticks_per_s


def _size(model_bytes: bytes, board: Board) -> FirmwareSize | None:
    """Of the firmware as `mcu build` makes it; what answers may be a sketch, or the compiler may not be here."""
    try:
        return build_firmware(model_bytes, board=board).size
    except (BadInput, MissingExtra):
        return None


class _CallableFile(ModuleType):
    """The verb and its file have the same name: once imported, `mcu.bench` is this module; calling it measures."""

    __call__ = staticmethod(bench)


sys.modules[__name__].__class__ = _CallableFile
