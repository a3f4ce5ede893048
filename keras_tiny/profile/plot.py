"""Activation memory over time as one SVG picture: a bar per operator, the peak and its skips marked."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from keras_tiny.profile.memory import ActivationMemory, Moment

WIDTH, HEIGHT = 960, 480
LEFT, RIGHT, TOP, BOTTOM = 84, 20, 150, 58  # margins, pixels
OPERANDS, SKIPS, SCRATCH, MARK, GRID = "#3b6ea5", "#e08a2e", "#b9b9b9", "#b3202a", "#e4e4e4"
MARKED_SKIPS = 3  # more lines than that hide each other


def memory_plot(memory: ActivationMemory, *, title: str, arena_bytes: int | None = None) -> str:
    """The picture as the text of an .svg file.

    Bars stack what an operator reads and writes, what only waits for a later one (skips), and the scratch that
    TensorFlow Lite Micro's kernel asks for. Lines above them span the lives of the skips at the peak, from the operator
    that computes the tensor to the last that reads it.

    Args:
        arena_bytes: drawn as a dashed line, if known; above the bars by what the interpreter itself needs.
    """
    timeline, peak = memory.timeline, memory.peak
    highest = max(*(moment.live_bytes + moment.scratch_bytes for moment in timeline), arena_bytes or 0)
    step = (WIDTH - LEFT - RIGHT) / len(timeline)

    def x(index: float) -> float:
        return LEFT + index * step

    def y(size: float) -> float:
        return HEIGHT - BOTTOM - size / highest * (HEIGHT - TOP - BOTTOM)

    parts = [_text(title, LEFT, 20, size=15, weight="bold"), _legend(arena_bytes is not None)]
    for size in _ticks(highest):
        parts.append(_line(LEFT, WIDTH - RIGHT, y(size), y(size), GRID))
        parts.append(_text(f"{size / 1024:,.4g} KiB", LEFT - 6, y(size) + 4, anchor="end"))
    for moment in timeline:
        parts.append(_bar(moment, x(moment.index), max(step * 0.86, 0.8), y))
    if arena_bytes is not None:
        parts.append(_line(LEFT, WIDTH - RIGHT, y(arena_bytes), y(arena_bytes), "#444", dash="6 4"))
    parts += [*_peak_mark(peak, x(peak.index + 0.43), y), *_skip_marks(memory, x)]
    every = max(1, len(timeline) // 12)
    for moment in timeline[::every]:
        parts.append(_text(str(moment.index), x(moment.index + 0.43), HEIGHT - BOTTOM + 16, anchor="middle"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(_text("operator, in the order of execution", middle, HEIGHT - 14, anchor="middle"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _bar(moment: Moment, left: float, width: float, y: Callable[[float], float]) -> str:
    """Operands, skips and scratch, one above the other; a tooltip names them."""
    skips = sum(size for _, size in moment.skips)
    parts, below = [], 0
    for size, colour in (
        (moment.live_bytes - skips, OPERANDS),
        (skips, SKIPS),
        (moment.scratch_bytes, SCRATCH),
    ):
        if size:
            top, bottom = y(below + size), y(below)
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{bottom - top:.1f}" fill="{colour}"/>'
            )
        below += size
    tooltip = f"{moment.index}: {moment.operator} '{moment.layer}', {moment.live_bytes:,} bytes"
    tooltip += f" and {moment.scratch_bytes:,} of scratch" if moment.scratch_bytes else ""
    return f"<g><title>{escape(tooltip)}</title>{''.join(parts)}</g>"


def _peak_mark(peak: Moment, x: float, y: Callable[[float], float]) -> list[str]:
    said = f"peak: {peak.operator} '{peak.layer}', {peak.live_bytes:,} bytes"
    anchor = "start" if x < WIDTH / 2 else "end"
    return [
        _line(x, x, 58, y(0), MARK),
        _text(said, x + (6 if anchor == "start" else -6), 66, anchor=anchor, colour=MARK, weight="bold"),
    ]


def _skip_marks(memory: ActivationMemory, x: Callable[[float], float]) -> list[str]:
    parts = []
    for row, skip in enumerate(memory.peak_skips[:MARKED_SKIPS]):
        level = 94 + 23 * row
        left, right = x(skip.first + 0.43), x(skip.last + 0.43)
        said = f"skip '{skip.layer}', {skip.bytes:,} bytes"
        parts.append(_line(left, right, level, level, SKIPS, width=4))
        start = min(left, WIDTH - RIGHT - 7 * len(said))  # about 7 pixels a letter
        parts.append(_text(said, start, level - 6, colour=SKIPS))
    return parts


def _legend(arena: bool) -> str:
    parts, x = [], LEFT
    for label, colour in (("read or written", OPERANDS), ("waiting (skips)", SKIPS), ("scratch", SCRATCH)):
        parts.append(f'<rect x="{x}" y="30" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(label, x + 17, 41))
        x += 34 + 7 * len(label)
    if arena:
        parts.append(_line(x, x + 24, 36, 36, "#444", dash="6 4"))
        parts.append(_text("arena of TensorFlow Lite Micro, 32-bit estimate", x + 30, 41))
    return "".join(parts)


def _ticks(highest: int) -> list[int]:
    """Four to eight sizes, a power of two apart."""
    step = 1
    while highest / step > 8:
        step *= 2
    return [*range(0, highest + 1, step)]


def _text(
    said: str,
    x: float,
    y: float,
    *,
    anchor: str = "start",
    colour: str = "#222",
    size: int = 12,
    weight: str = "",
) -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}" font-size="{size}"{bold}>{escape(said)}</text>'


def _line(
    x1: float, x2: float, y1: float, y2: float, colour: str, *, width: float = 1, dash: str = ""
) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashed}/>'
