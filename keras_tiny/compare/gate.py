"""`gate`: one result against thresholds, for CI; a figure that is not known does not pass."""

from __future__ import annotations

from dataclasses import dataclass

from keras_tiny.compare.subject import Subject
from keras_tiny.errors import BadInput


@dataclass(frozen=True)
class Check:
    """One threshold.

    Attributes:
        name: of the figure, with what it is of: "accuracy (board)".
        wanted: the threshold as a person reads it, ">= 0.97".
        received: None where this result does not tell it.
        hint: what to pass instead, where it is not known.
    """

    name: str
    wanted: str
    received: float | int | bool | None
    ok: bool
    hint: str = ""


def gate(
    subject: Subject,
    *,
    min_accuracy: float | None = None,
    max_drop: float | None = None,
    max_arena_bytes: int | None = None,
    max_flash_bytes: int | None = None,
    max_latency_us: float | None = None,
    max_instructions: int | None = None,
    bit_exact: bool = False,
) -> tuple[Check, ...]:
    """Check the thresholds that are given; the result passes if every one is ok.

    Args:
        min_accuracy: of the task's metric (accuracy, map50, mean_iou), 0 to 1: the board's, else QAT's, else PTQ's.
        max_drop: how far that may be below the float model's.
        max_arena_bytes: working memory: as the board told it, else the estimate for a 32-bit board.
        max_flash_bytes: the int8 file.
        bit_exact: the board must have answered every byte as the desk.

    Raises:
        BadInput: no threshold at all.
    """
    checks = []
    metric, of, score = _score(subject)
    if min_accuracy is not None:
        checks.append(_at_least(f"{metric} ({of})", score, min_accuracy))
    if max_drop is not None:
        drop = None if score is None or subject.score_float is None else subject.score_float - score
        # 0.96 - 0.95 is a little more than 0.01 in binary.
        drop = drop if drop is None else round(drop, 9)
        checks.append(_at_most(f"{metric}, float minus {of}", drop, max_drop))
    if max_arena_bytes is not None:
        where, arena = _arena(subject)
        checks.append(_at_most(f"arena_bytes ({where})", arena, max_arena_bytes))
    if max_flash_bytes is not None:
        checks.append(_at_most("flash_bytes (the int8 file)", subject.tflite_bytes, max_flash_bytes))
    if max_latency_us is not None:
        checks.append(_at_most("latency_us (median)", subject.latency_us, max_latency_us))
    if max_instructions is not None:
        checks.append(_at_most("instructions", subject.instructions, max_instructions))
    if bit_exact:
        hint = "" if subject.bit_exact is not None else "Only a run record tells it: mcu validate BUNDLE"
        checks.append(Check("bit_exact", "yes", subject.bit_exact, subject.bit_exact is True, hint))
    if not checks:
        raise BadInput("No threshold to check.", hint="Name one, for example --min-accuracy 0.97 --bit-exact")
    return tuple(checks)


def _score(subject: Subject) -> tuple[str, str, float | None]:
    scores = {"board": subject.score_board, "QAT": subject.score_qat, "PTQ": subject.score_ptq}
    of = next((name for name, value in scores.items() if value is not None), "QAT")
    return subject.metric or "accuracy", of, scores[of]


def _arena(subject: Subject) -> tuple[str, int | None]:
    if subject.ram_bytes is not None:
        return f"on {subject.board}", subject.ram_bytes
    if subject.arena_bytes_32bit is not None:
        return "32-bit estimate", subject.arena_bytes_32bit
    return "64-bit host", subject.arena_bytes


def _at_least(name: str, received: float | None, least: float) -> Check:
    return Check(
        name, f">= {least:g}", received, received is not None and received >= least, _unknown(received)
    )


def _at_most(name: str, received: float | None, most: float) -> Check:
    wanted = f"<= {most:,}" if isinstance(most, int) else f"<= {most:g}"
    return Check(name, wanted, received, received is not None and received <= most, _unknown(received))


def _unknown(received: float | None) -> str:
    return "" if received is not None else "It is not in this result; a bundle or a run record may tell it."
