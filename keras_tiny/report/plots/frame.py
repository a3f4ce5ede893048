"""What every plot shares: the SVG around it, escaped words in it, round ticks. Colours are CSS classes of the page."""

from __future__ import annotations

from math import ceil, floor, log10

from markupsafe import Markup, escape

PLOT_WIDTH = 640


def svg(parts: list[str], *, width: float, height: float, title: str, shrinks_to: float = 0.0) -> Markup:
    """The parts as one picture that shrinks with a narrow page; `title` is read by screen readers.

    Args:
        shrinks_to: share of `width` that it keeps at least, and scrolls from there; with 0 it may also grow.
    """
    style = f' style="max-width:{width:g}px;min-width:{shrinks_to * width:.0f}px"' if shrinks_to else ""
    return Markup(
        f'<svg class="plot" viewBox="0 0 {width:g} {height:g}" role="img"{style} aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


def words(
    said: str,
    x: float,
    y: float,
    *,
    anchor: str = "middle",
    kind: str = "",
    style: str = "",
    tilted: bool = False,
) -> str:
    """Text at a point, escaped; what is longer than 14 characters is shortened and whole in the tooltip."""
    short = said if len(said) <= 14 or kind == "mark" else said[:13] + "…"
    attributes = f' class="{kind}"' if kind else ""
    attributes += f' style="{style}"' if style else ""
    attributes += f' transform="rotate(-45 {x:.1f} {y:.1f})"' if tilted else ""
    tooltip = f"<title>{escape(said)}</title>" if short != said else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attributes}>{escape(short)}{tooltip}</text>'


def grid_line(y: float, *, left: float, right: float) -> str:
    return f'<line class="grid" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'


def ticks(low: float, high: float, *, about: int) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) within [low, high], roughly `about` of them."""
    raw = (high - low) / about
    if raw <= 0:
        return [low]
    power = 10.0 ** floor(log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]
