"""KerasTinyLink with sanitizers as a process, behind the interface of `mcu.virtual.board.BoardLink`."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mcu.compiler.emit import sketches_folder
from mcu.firmware.gcc import SANITIZE, TARGETS, compile_objects, link
from mcu.protocol.messages import DATA_HEADER_BYTES, Feature
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.loop import SESSION, Invert, identity_of

HERE = Path(__file__).parent
LIBRARY = sketches_folder() / "libraries" / "KerasTinyLink" / "src"


DEVICE = (
    *("kt_cobs", "kt_control", "kt_crc32", "kt_divide", "kt_frame", "kt_link"),
    *("kt_receiver", "kt_request", "kt_send"),
)
FRAMES = ("kt_cobs", "kt_crc32", "kt_frame")


def build_program(main: Path, *, out_dir: Path, limits: LinkLimits, modules: Sequence[str] = DEVICE) -> Path:
    """Compile a test's C file with modules of the library, for these limits, with ASan and UBSan."""
    flags = (
        "-O1",
        *SANITIZE,
        f"-I{LIBRARY}",
        f"-DKT_LINK_MAX_PAYLOAD={limits.max_payload_bytes}",
        f"-DKT_LINK_WINDOW={limits.window_bytes}U",
        *(("-DKT_LINK_OVERLAP",) if limits.features & Feature.OVERLAP else ()),
    )
    host = TARGETS["host"]
    library = [LIBRARY / f"{name}.c" for name in modules]
    objects = compile_objects(host, [main, *library], out_dir=out_dir, flags=flags)
    return link(host, objects, made=out_dir / main.stem, flags=flags)


class CBoard:
    """The C device with the model of `Invert`; `close` says what the sanitizers found.

    Attributes:
        invocations: how often its model ran.
        rate: of its line; 0 if none can be set.
    """

    def __init__(
        self, program: Path, engine: Invert, *, session: int = SESSION, baud: int = 0, most_baud: int = 0
    ):
        sizes = [
            *(str(spec.nbytes) for spec in engine.inputs),
            "/",
            *(str(spec.nbytes) for spec in engine.outputs),
        ]
        rates = {"KT_TEST_BAUD": str(baud), "KT_TEST_MOST_BAUD": str(most_baud)} if baud else {}
        self._process = subprocess.Popen(
            [program, str(session), identity_of(engine).pack().hex(), *sizes],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **rates},
        )
        self.invocations = 0
        self.rate = baud

    def feed(self, data: bytes) -> bytes:
        """Everything the device answers to these bytes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(struct.pack("=I", len(data)) + data)
        self._process.stdin.flush()
        head = self._process.stdout.read(12)
        if len(head) != 12:
            raise AssertionError(self._process.stderr.read().decode())  # type: ignore[union-attr]
        count, self.invocations, self.rate = struct.unpack("=III", head)
        return self._process.stdout.read(count)

    def wait_ms(self, milliseconds: int) -> None:
        """Let time pass for the board, while nothing comes."""
        for _ in range(milliseconds):
            self.feed(b"")

    def close(self) -> None:
        _, said = self._process.communicate()
        assert self._process.returncode == 0, said.decode()


LIMITS = {
    "768": LinkLimits(max_payload_bytes=768, window_bytes=2 * (768 - DATA_HEADER_BYTES)),
    "64": LinkLimits(max_payload_bytes=64, window_bytes=112),
    "overlap": LinkLimits(
        max_payload_bytes=128, window_bytes=4 * 120, features=Feature.HASH_ONLY | Feature.OVERLAP
    ),
}
