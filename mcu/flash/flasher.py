"""`mcu flash`: find the board, build, compare, write, verify, greet, run the golden vectors; ready, or the reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast, get_args

from mcu.boards import Board, Method, get_board
from mcu.bundle import Bundle
from mcu.errors import BadInput, KerasTinyError, PortError
from mcu.flash.build import build_image
from mcu.flash.dry_run import describe
from mcu.flash.find import Found, find_board, stm32_rom_answers
from mcu.flash.greet import Greeting, golden_vectors, greet
from mcu.flash.image import Builder, Image
from mcu.flash.written import Flasher, Progress, Written

# Method → module with a function `write` (mcu/flash/written.py: Flasher). A new way into a chip is one file and a line.
FLASHERS: dict[Method, str] = {
    "esptool": "mcu.flash.esptool_flasher",
    "stm32_uart": "mcu.flash.stm32_uart",
    "stlink": "mcu.flash.stlink",
    "mass_storage": "mcu.flash.mass_storage",
    "qemu": "mcu.flash.qemu",
}
Note = Callable[[str], None]
"""Called with a line about what is going on."""


@dataclass(frozen=True)
class FlashResult:
    """What `flash` did.

    Attributes:
        port: where the board is greeted from now on.
        chip: what the chip says that it is; the board's chip where it was not asked.
        wrote_bytes, skipped_bytes: of the image: sent, and found on the board already.
        verified: flash was read back or hashed by the chip, or the firmware named this very image.
        ready: the firmware answered, with this model, and every golden vector came out right.
        plan: what was to be done, in lines; for `dry_run`, where nothing was.
    """

    board: str
    port: str
    chip: str
    wrote_bytes: int
    skipped_bytes: int
    verified: bool
    seconds: float
    ready: bool
    plan: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `mcu flash --json` prints."""
        return asdict(self)


def parse_method(name: str | None) -> Method | None:
    """A method by its name; BadInput with the list for another word."""
    if name is None or name in get_args(Method):
        return cast("Method | None", name)
    raise BadInput(f"There is no method '{name}'.", hint=f"There is: {', '.join(get_args(Method))}.")


def flash(
    bundle: Bundle | str | Path,
    *,
    board: str | Board | None = None,
    port: str | None = None,
    method: Method | None = None,
    dry_run: bool = False,
    build: Builder | None = None,
    progress: Progress | None = None,
    note: Note | None = None,
) -> FlashResult:
    """Bring a bundle onto a board and make sure that it runs there.

    Args:
        board: id or board; None: what is found on the ports, if it is one.
        port: device or URL; None: the only port whose USB identity fits the board.
        method: another way into the chip than the board's own; one of `board.flash.also`.
        dry_run: look for the board and build, but write nothing; `plan` of the result says what would be done.
        build: makes the image; default: `mcu.firmware`.
        progress: called with (bytes done, bytes in all).

    Raises:
        BadInput: a board that is not known, or cannot be flashed that way; no board or more than one on the ports.
        BundleError: a damaged bundle.
        WrongChip, ChipLocked: another chip, or a protected one; nothing was written.
        VerifyFailed: flash is not equal to the image; the board does not run.
        WrongModel, LinkError, PortError: the board does not answer as it should after the write.
        MissingExtra: a tool or the firmware's toolchain is not installed.
    """
    begin = time.monotonic()
    say = note or (lambda line: None)
    bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
    wanted = get_board(board) if isinstance(board, str) else board
    if wanted is not None:
        _check_method(wanted, method)
    found = find_board(wanted, port=port, bundle=bundle.path)
    way = _check_method(found.board, method)
    if way == "virtual":
        return _virtual(bundle, found, dry_run=dry_run, begin=begin)
    say(f"{found.board.id}: build")
    image = (build or build_image)(bundle, found.board)
    plan = describe(image, board=found.board, port=found.port, method=way, bundle=bundle)
    greeting = _greet_before(found, way)
    if greeting is not None and greeting.runs(image, bundle):
        say(f"{found.board.id}: this image runs there already")
        return _finish(bundle, found, image, _already(found, image), greeting, plan=plan, begin=begin)
    if greeting is not None and image.model_alone:
        greeting.check_takes_another_model(bundle)
    if dry_run:
        return FlashResult(
            board=found.board.id,
            port=found.port,
            chip=found.board.chip,
            wrote_bytes=0,
            skipped_bytes=0,
            verified=False,
            seconds=time.monotonic() - begin,
            ready=False,
            plan=plan,
        )
    say(f"{found.board.id}: write {image.size:,} bytes ({way})")
    written = _write(image, found=found, method=way, progress=progress or (lambda done, total: None))
    say(f"{found.board.id}: greet")
    return _finish(bundle, found, image, written, None, plan=plan, begin=begin)


def _check_method(board: Board, method: Method | None) -> Method:
    if method is None:
        return board.flash.method
    ways = (board.flash.method, *board.flash.also)
    if method not in ways:
        raise BadInput(
            f"'{board.id}' cannot be flashed by '{method}'.", hint=f"It can by: {', '.join(ways)}."
        )
    return method


def _greet_before(found: Found, method: Method) -> Greeting | None:
    """The firmware that runs there now, if it is ours; a greeting must not reach a ROM that awaits its first byte."""
    if method == "qemu":  # opening the port is what starts the board
        return None
    if method == "stm32_uart" and stm32_rom_answers(found.port):
        return None
    return greet(found.port, board=found.board)


def _write(image: Image, *, found: Found, method: Method, progress: Progress) -> Written:
    write = cast(Flasher, import_module(FLASHERS[method]).write)
    try:
        return write(image, board=found.board, port=found.port, progress=progress)
    except PortError as error:
        error.hint = (
            f"{error.hint} If it went away while writing, flash holds a part of the image: flash again."
        )
        raise


def _finish(
    bundle: Bundle,
    found: Found,
    image: Image,
    written: Written,
    greeting: Greeting | None,
    *,
    plan: tuple[str, ...],
    begin: float,
) -> FlashResult:
    """Greet the firmware, hold it to the bundle, run the golden vectors; an error says that the board is not ready."""
    try:
        golden_vectors(
            written.port, board=found.board, bundle=bundle, image=image, just_written=greeting is None
        )
    except KerasTinyError as error:
        proof = "was written and verified" if written.verified else "was copied, but cannot be read back"
        if greeting is None:
            error.message = f"{error.message} The image {proof}; the board is not ready."
        raise
    return FlashResult(
        board=found.board.id,
        port=written.port,
        chip=written.chip,
        wrote_bytes=written.wrote_bytes,
        skipped_bytes=written.skipped_bytes,
        verified=True,
        seconds=time.monotonic() - begin,
        ready=True,
        plan=plan,
    )


def _already(found: Found, image: Image) -> Written:
    return Written(
        chip=found.board.chip, wrote_bytes=0, skipped_bytes=image.size, verified=True, port=found.port
    )


def _virtual(bundle: Bundle, found: Found, *, dry_run: bool, begin: float) -> FlashResult:
    """Nothing to write: the virtual board's process opens the bundle. It is greeted like any other."""
    plan = (f"virtual: a process opens {bundle.path}; nothing is written",)
    if not dry_run:
        golden_vectors(found.port, board=found.board, bundle=bundle, image=None, just_written=False)
    return FlashResult(
        board=found.board.id,
        port=found.port,
        chip=found.board.chip,
        wrote_bytes=0,
        skipped_bytes=bundle.manifest.tflite_bytes,
        verified=not dry_run,
        seconds=time.monotonic() - begin,
        ready=not dry_run,
        plan=plan,
    )
