"""Plots: what is drawn stands where the numbers say, and labels cannot break out of the page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import numpy as np
import pytest

from keras_tiny.report.plots import curves, dot, dot_start, heat_map, histogram
from keras_tiny.report.plots.frame import ticks

EVIL = '<script>alert("1")</script>&'


def drawn(svg: str) -> ElementTree.Element:
    """The SVG parsed as XML: what is not well-formed fails here."""
    return ElementTree.fromstring(svg)


def of_class(svg: str, kind: str) -> list[ElementTree.Element]:
    return [e for e in drawn(svg).iter() if kind in (e.get("class") or "").split()]


def test_a_heat_map_prints_every_count_that_is_not_zero_and_a_tooltip_per_cell():
    svg = heat_map(np.array([[3, 0], [1, 7]]), labels=("cat", "dog"), title="confusion")
    assert sorted(e.text for e in of_class(svg, "count") + of_class(svg, "over")) == ["1", "3", "7"]
    assert "dog answered as cat: 1 (12.5%)" in svg
    assert len(of_class(svg, "hit")) == 2
    assert len(of_class(svg, "miss")) == 2


def test_a_single_mistake_among_thousands_is_still_visible():
    miss = of_class(heat_map(np.array([[9999, 1], [0, 1]]), labels=("a", "b"), title="t"), "miss")[0]
    assert float(re.search(r"fill-opacity:([\d.]+)", miss.get("style") or "")[1]) >= 0.2


def test_a_heat_map_of_a_hundred_classes_leaves_the_numbers_to_the_tooltips():
    svg = heat_map(np.eye(100, dtype=int) * 5, labels=[f"class {i}" for i in range(100)], title="t")
    assert not of_class(svg, "over")
    assert svg.count("<title>class 7 answered as class 7: 5 (100.0%)</title>") == 1


@pytest.mark.parametrize(
    "svg",
    [
        heat_map(np.eye(2, dtype=int), labels=(EVIL, "b"), title=EVIL),
        histogram(np.arange(10), unit=EVIL, title=EVIL),
        curves({EVIL: [1.0, 2.0]}, x_name=EVIL, title=EVIL),
    ],
    ids=["heat_map", "histogram", "curves"],
)
def test_names_are_escaped(svg: str):
    drawn(svg)
    assert "<script" not in svg


def test_histogram_columns_hold_every_sample_once():
    values = np.random.default_rng(0).gamma(3, 100, 1000)
    svg = histogram(values, unit="µs", title="latency")
    counts = [int(c[0].text.rsplit(": ", 1)[1]) for c in of_class(svg, "column")]
    assert sum(counts) == 1000


def test_whole_numbers_close_together_get_a_column_each():
    svg = histogram(np.array([16, 16, 17, 18, 18, 18]), unit="µs", title="latency")
    assert [c[0].text.rsplit(": ", 1)[1] for c in of_class(svg, "column")] == ["2", "1", "3"]


def test_one_slow_sample_does_not_squeeze_the_others():
    values = np.concatenate([np.linspace(100, 200, 999), [1e6]])
    svg = histogram(values, unit="µs", title="latency")
    assert len([c for c in of_class(svg, "column") if float(c.get("height")) > 0]) > 20
    assert len(of_class(svg, "beyond")) == 1


@pytest.mark.parametrize("values", [[5.0], [7, 7, 7]])
def test_a_histogram_of_one_value_has_one_column(values: list[float]):
    tall = [
        c
        for c in of_class(histogram(np.array(values), unit="µs", title="t"), "column")
        if float(c.get("height")) > 0
    ]
    assert len(tall) == 1


def test_curves_break_at_values_that_are_not_finite():
    svg = curves({"loss": [3, 2, float("nan"), 1, 0.5]}, x_name="epoch", title="t")
    assert len(of_class(svg, "line")) == 2


def test_curves_of_nothing_but_nan_draw_an_empty_plot():
    assert not of_class(curves({"loss": [float("nan")]}, x_name="epoch", title="t"), "line")


def test_names_of_curves_that_end_together_do_not_overlap():
    svg = drawn(curves({"a": [1, 2], "b": [2, 2.001], "c": [0, 1.999]}, x_name="epoch", title="t"))
    ys = sorted(
        float(e.get("y")) for e in svg.iter() if (e.get("style") or "").startswith("fill:var") and e.get("y")
    )
    assert len(ys) == 3
    assert min(b - a for a, b in pairwise(ys)) >= 12


def test_names_of_curves_that_end_at_the_bottom_stay_in_the_plot():
    svg = drawn(curves({name: [1, 0.5, 0] for name in "abcd"}, x_name="recall, %", title="t"))
    at = [float(each.attrib["y"]) for each in svg.iter() if each.text in set("abcd")]
    zero = next(float(each.attrib["y"]) for each in svg.iter() if each.text == "0")
    assert sorted(np.diff(sorted(at))) == [14, 14, 14]
    assert max(at) <= zero


def test_more_curves_than_colours_are_refused():
    with pytest.raises(ValueError, match="1 to 5 series, got 6"):
        curves({str(i): [1.0] for i in range(6)}, x_name="epoch", title="t")


def test_a_dot_stands_at_its_share_of_the_line():
    assert 'cx="50.00"' in dot(0.95, start=0.9)
    assert 'cx="96.00"' in dot(1.0, start=0.9)
    assert dot_start([0.993, None, 0.88]) == 0.8
    assert dot_start([1.0]) == 0.9
    assert dot_start([None]) == 0.0


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 10, [0, 5, 10]), (0.1, 0.5, [0.1, 0.2, 0.3, 0.4, 0.5]), (2, 2, [2]), (0, 37, [0, 10, 20, 30])],
)
def test_ticks_are_round_numbers_inside_the_range(low: float, high: float, expected: list[float]):
    assert ticks(low, high, about=4) == expected
