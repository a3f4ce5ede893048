"""Template → page: Jinja2 with every value escaped, and the few filters that all reports share."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from keras_tiny.report import plots
from keras_tiny.report.pictures import png_uri


def render(template: str, **values: object) -> str:
    """The page of `templates/<template>`; a name that the template misses is an error, not an empty cell."""
    return _environment().get_template(template).render(**values)


def percent(share: float | None) -> str:
    """0.98333 → "98.33 %"; None → "–"."""
    return "–" if share is None else f"{100 * share:.2f} %"


def points(difference: float | None) -> str:
    """A difference of two shares in percentage points with its sign: -0.0056 → "−0.56", 0 → "0.00"."""
    if difference is None:
        return "–"
    rounded = f"{100 * difference:+.2f}".replace("-", "−")
    return "0.00" if rounded[1:] == "0.00" else rounded


def count(number: float | None) -> str:
    """12345 → "12 345" (narrow spaces that no line breaks at, readable in every language); None → "–"."""
    return "–" if number is None else f"{number:,.0f}".replace(",", "\u202f")


def size(number: int | None) -> str:
    """Bytes with their KiB: 41376 → "41 376 B (40.4 KiB)"; None → "–"."""
    if number is None:
        return "–"
    return f"{count(number)} B" + (f" ({number / 1024:.1f} KiB)" if number >= 1024 else "")


def figure(value: float | None) -> str:
    """A metric without unit: 0.00047 → "0.00047", 1.0 → "1", what is rounding error of a sum → "0"; None → "–"."""
    if value is None:
        return "–"
    return "0" if abs(value) < 1e-12 else f"{value:.5g}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("keras_tiny.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent,
        points=points,
        count=count,
        size=size,
        figure=figure,
        png_uri=png_uri,
        dot=plots.dot,
        dot_start=plots.dot_start,
    )
    return environment
