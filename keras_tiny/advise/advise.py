"""Which network for this task on this board: candidates → built → judged by `mcu fits` → those that nothing beats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_tiny.advise.candidates import Candidate, Score, candidates
from keras_tiny.advise.file import candidate_file, default_cache
from keras_tiny.errors import BadInput
from keras_tiny.models.deployable import CLASSES
from mcu.boards import Board, get_board
from mcu.firmware.fits import fits
from mcu.firmware.verdict import Engine, Verdict

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Advice:
    """A network that fits.

    Attributes:
        score: what it was measured at, on the data that was asked for; None where nobody did: then multiply-accumulates
            stand in for how good it may be, and say little.
        verdict: of `mcu fits`, with the bytes and the latency.
        file: that was judged: untrained, of the right shape.
    """

    candidate: Candidate
    num_classes: int
    score: Score | None
    verdict: Verdict
    file: Path

    @property
    def call(self) -> str:
        """What builds it."""
        given = {
            "input_shape": self.candidate.input_shape,
            "num_classes": self.num_classes,
            **self.candidate.arguments,
        }
        return f"kt.models.{self.candidate.model}({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.candidate.name,
            "call": self.call,
            "params": self.candidate.params,
            "macs": self.candidate.macs,
            "quality": "measured" if self.score else "macs",
            "score": vars(self.score) if self.score else None,
            "verdict": self.verdict.to_dict(),
            "file": str(self.file),
        }


def advise(
    task: str,
    *,
    board: str | Board,
    flash_bytes: int | None = None,
    ram_bytes: int | None = None,
    latency_ms: float | None = None,
    data: str | None = None,
    num_classes: int | None = None,
    model: str | None = None,
    engine: Engine = "c",
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
    on_build: Callable[[], None] | None = None,
) -> tuple[Advice, ...]:
    """Networks that fit and that no other one beats in everything: better, smaller and faster; the best first.

    Args:
        flash_bytes, ram_bytes: that the firmware may take at most; None: what the board has.
        latency_ms: of one inference, the likely value of the estimate.
        data: a source, as `keras_tiny.data.load` takes it: its classes size the heads, and only scores on data of
            its kind count.
        num_classes: of the heads; None: of the data, else 10 for a classifier, 2 for the others.
        model: only this architecture.
        cache_dir: where untrained files are kept from call to call; None: the user's cache.
        progress: called with (judged, of how many).
        on_build: called before a file is built, which loads TensorFlow; files in the cache need none.

    Raises:
        UnknownName, BadInput: no such task, board, model or data; a limit that is not positive.
        MissingExtra: TensorFlow is not installed, and a file is not in the cache.
    """
    chosen = board if isinstance(board, Board) else get_board(board)
    for name, limit in (("flash_bytes", flash_bytes), ("ram_bytes", ram_bytes), ("latency_ms", latency_ms)):
        if limit is not None and limit <= 0:
            raise BadInput(f"{name} is {limit}; it must be positive.")
    kind = None if data is None else data.partition(":")[0].partition("?")[0]
    listed = candidates(task, data=kind, model=model)
    classes = num_classes or (CLASSES[task] if data is None else _classes_of(data, task))
    folder = Path(cache_dir) if cache_dir is not None else default_cache()
    listed = tuple(each for each in listed if _may_fit(each, chosen, flash_bytes, ram_bytes))
    found = []
    for done, candidate in enumerate(listed):
        if progress is not None:
            progress(done, len(listed))
        file = candidate_file(candidate, num_classes=classes, cache_dir=folder, on_build=on_build)
        (verdict,) = fits(file, board=chosen, engine=engine)
        if verdict.fits and _within(verdict, flash_bytes, ram_bytes, latency_ms):
            score = max(candidate.scores, key=lambda each: each.value, default=None)
            found.append(Advice(candidate, classes, score, verdict, file))
    best = [each for each in found if not any(_beats(other, each) for other in found)]
    return tuple(sorted(best, key=lambda each: (each.score is None, -_quality(each))))


def _classes_of(data: str, task: str) -> int:
    from keras_tiny.data import load

    loaded = load(data)
    if loaded.task != task:
        raise BadInput(f"{data} is for {loaded.task}, not for {task}.", hint=f"Pass --task {loaded.task}.")
    return loaded.num_classes


def _may_fit(candidate: Candidate, board: Board, flash_bytes: int | None, ram_bytes: int | None) -> bool:
    """False only for what cannot: its weights alone fill flash, or its picture RAM; saves building it."""
    height, width, channels = candidate.input_shape
    flash, ram = (
        min((limit for limit in limits if limit is not None), default=None)
        for limits in ((flash_bytes, board.flash_bytes), (ram_bytes, board.ram_bytes))
    )
    # A head for fewer classes has fewer weights than the table says.
    return not (flash is not None and candidate.params // 2 > flash) and not (
        ram is not None and height * width * channels > ram
    )


def _within(
    verdict: Verdict, flash_bytes: int | None, ram_bytes: int | None, latency_ms: float | None
) -> bool:
    latency_us = verdict.latency.us if verdict.latency else None
    needs = (
        (verdict.flash_bytes, flash_bytes),
        (verdict.ram_bytes, ram_bytes),
        (latency_us, None if latency_ms is None else latency_ms * 1000),
    )
    # A need that is not known keeps no promise: it is not within a limit that was set.
    return all(limit is None or (need is not None and need <= limit) for need, limit in needs)


def _quality(advice: Advice) -> float:
    return advice.score.value if advice.score else advice.candidate.macs


def _beats(one: Advice, other: Advice) -> bool:
    """At least as good in everything, and better in something; scores of different data do not compare."""
    if _measure(one) != _measure(other):
        return False
    ones, others = _costs(one), _costs(other)
    no_worse = _quality(one) >= _quality(other) and all(a <= b for a, b in zip(ones, others, strict=True))
    return no_worse and (_quality(one) > _quality(other) or ones != others)


def _measure(advice: Advice) -> tuple[str, str] | None:
    return (advice.score.metric, advice.score.data) if advice.score else None


def _costs(advice: Advice) -> Sequence[float]:
    """Flash, RAM, and instructions rather than time: emulated boards have these too."""
    verdict = advice.verdict
    count = (verdict.latency.instructions if verdict.latency else None) or advice.candidate.macs
    return (verdict.flash_bytes or 0, verdict.ram_bytes or 0, count)
