"""Live answers: pictures in, one answer per frame out, with the frame rate."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_tiny.data.finding import Finding
from keras_tiny.preprocessing.image import EXTENSIONS, read_image
from keras_tiny.preprocessing.to_int8 import to_int8
from mcu.boards import Board
from mcu.bundle import Bundle
from mcu.errors import BadInput
from mcu.hil.connection import board_named, connect_board, port_of
from mcu.hil.stream import as_int8
from mcu.hil.tasks import task_of


@dataclass(frozen=True)
class Answer:
    """The board's answer to one picture.

    Attributes:
        index: 0 for the first picture.
        source: its path.
        findings: what the answer means, the surest first; empty if nothing was seen, or the task is not known.
        output: output bytes of every tensor, int8 (bytes,).
        latency_us: of the inference, by the board.
        fps: pictures per second since the picture before (the first: since it was asked for), decoding and
            transfer included.
    """

    index: int
    source: str
    findings: tuple[Finding, ...]
    output: np.ndarray
    latency_us: int
    fps: float

    @property
    def label(self) -> str | None:
        """Of the surest finding; None without one."""
        return self.findings[0].label if self.findings else None

    @property
    def score(self) -> float | None:
        """Of the surest finding, 0..1; None without one."""
        return self.findings[0].score if self.findings else None


def infer(
    bundle: Bundle | str | Path,
    source: str | Path,
    *,
    board: str | Board = "virtual",
    port: str | None = None,
    lines: Iterable[str] | None = None,
) -> Iterator[Answer]:
    """Answer pictures one by one; the board is left idle when the iteration ends or is closed.

    Args:
        source: a picture; a folder, whose pictures are taken in the order of their names; or "-" for one path per
            line on stdin, answered as the lines come.
        port: URL or device of the board's port; the virtual board needs none.
        lines: read instead of stdin for "-".

    Raises:
        BadInput: no such path, a folder without pictures. DataError: a picture that cannot be read.
        PortError, LinkError, WrongModel: see `mcu.hil.connection.connect_board`.
    """
    bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
    board = board_named(board)
    url = port_of(bundle, board, port)
    paths = pictures(source, lines=sys.stdin if lines is None else lines)
    # A function of its own: the checks above happen at the call, not at the first answer.
    return _answers(bundle, paths, board=board, url=url)


def pictures(source: str | Path, *, lines: Iterable[str]) -> Iterable[Path]:
    """The pictures that `source` means; see `infer`."""
    if str(source) == "-":
        return (Path(line.strip()) for line in lines if line.strip())
    path = Path(source)
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix.lower().lstrip(".") in EXTENSIONS)
        if not found:
            raise BadInput(
                f"The folder {path} has no pictures.", hint=f"Readable are {', '.join(sorted(EXTENSIONS))}."
            )
        return found
    if not path.exists():
        raise BadInput(f"{path} does not exist.", hint="Give a picture, a folder, or - for paths on stdin.")
    return [path]


def _answers(bundle: Bundle, paths: Iterable[Path], *, board: Board, url: str) -> Iterator[Answer]:
    manifest = bundle.manifest
    spec, (tensor,) = manifest.preprocessing, manifest.inputs
    task = task_of(manifest)
    with connect_board(bundle, board=board, port=url) as session:
        before = time.perf_counter()
        for index, path in enumerate(paths):
            pixels = to_int8(read_image(path, channels=spec.channels), spec, tensor)
            answer = session.infer([pixels.tobytes()])
            output = as_int8(answer)
            now = time.perf_counter()
            findings = tuple(task.findings(output))
            yield Answer(index, str(path), findings, output, answer.latency_us, fps=1 / (now - before))
            before = now
