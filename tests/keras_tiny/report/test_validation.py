"""The validation page: one file, nothing fetched, everything escaped, the verdict on top."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from keras_tiny.metrics import agreement, confusion_matrix, per_class
from keras_tiny.report import ClassTable, Example, TaskPart, ValidationPage, render_validation
from keras_tiny.report.page import count, figure, percent, points, size
from keras_tiny.report.pictures import png_uri

EVIL = '"><script>alert(1)</script>'
TRUTH = np.array([0, 1, 1])
CONFUSION = confusion_matrix(TRUTH, np.array([0, 1, 0]), num_classes=2)


def page(label: str = "cat") -> ValidationPage:
    scores = np.array([[1.0, 0.0], [0.2, 0.8], [0.6, 0.4]])
    return ValidationPage(
        name="pets",
        board="virtual",
        engine="tflm",
        data="folders:pets, test split",
        samples=3,
        mismatched_samples=0,
        mismatched_bytes=0,
        output_bytes=6,
        metrics={"accuracy": 2 / 3},
        agreements={"X-cross": agreement(scores, scores)},
        error_steps={0: 6},
        latencies_us=np.array([100.0, 110.0, 120.0]),
        link={"retransmits": "0"},
        model={"SHA-256": "ab" * 32},
        made={"command": "mcu validate build/pets"},
        metric="accuracy",
        scores={"float": 0.7, "PTQ": None, "board": 2 / 3},
        part=TaskPart(
            labels=(label, "dog"),
            confusion_board=CONFUSION,
            confusion_desk=CONFUSION,
            classes=ClassTable(
                columns=("samples", "precision", "recall", "F1"),
                rows={
                    name: (row.support, row.precision, row.recall, row.f1)
                    for name, row in zip((label, "dog"), per_class(CONFUSION), strict=True)
                },
            ),
        ),
        mistakes=(Example("test/2.png", np.zeros((8, 8, 1), np.uint8), "dog", label, label, "surer by 0.2"),),
    )


class _Balance(HTMLParser):
    """Fails on tags that do not close, collects what would be fetched."""

    void = frozenset({"meta", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [v for k, v in attrs if k in ("src", "href") and v and not v.startswith("data:")]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(html: str) -> _Balance:
    parser = _Balance()
    parser.feed(html)
    assert parser.open == []
    return parser


def test_the_page_is_whole_and_fetches_nothing():
    html = render_validation(page())
    found = parsed(html)
    assert found.fetched == []
    assert not found.tags & {"script", "link", "iframe"}
    assert not re.search(r"url\(|@import|https?://", html)
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def test_the_verdict_is_the_first_thing_said():
    html = render_validation(page())
    assert "Bit-exact, 3 of 3 samples" in html
    assert "<title>pets on virtual: bit-exact</title>" in html
    assert html.index("Bit-exact, 3") < html.index("<h2>")


def test_a_run_that_differs_says_how_much_and_shows_the_pictures_first():
    seen = Example(
        "test/1.png", np.zeros((4, 4, 3), np.uint8), "dog", "dog", "cat", "byte 1: desk 3, board 5"
    )
    differs = replace(
        page(), mismatched_samples=1, mismatched_bytes=1, error_steps={-2: 1, 0: 5}, disagreements=(seen,)
    )
    html = render_validation(differs)
    parsed(html)
    assert "Not bit-exact, 1 of 3 samples differ" in html
    assert "byte 1: desk 3, board 5" in html
    assert html.index("Disagreements") < html.index("<h2>Accuracy</h2>")
    assert '<td class="n">-2</td>' in html


def test_golden_inputs_answered_otherwise_turn_the_verdict():
    html = render_validation(
        replace(page(), golden_samples=8, golden_problem="2 of 8 golden inputs are off.")
    )
    parsed(html)
    assert "Not bit-exact: the golden inputs differ" in html
    assert "2 of 8 golden inputs are off." in html
    assert "Disagreements" not in html


def test_the_desks_matrix_is_there_only_if_it_differs():
    same = page()
    other = replace(same, part=replace(same.part, confusion_desk=np.array([[1, 0], [0, 2]])))
    assert "On the desk" not in render_validation(same)
    assert "On the desk" in render_validation(other)


def test_what_was_not_measured_is_a_dash():
    assert re.search(r'<td>PTQ</td><td class="n">–</td>\s*<td class="n">–</td>', render_validation(page()))


def test_the_page_says_in_words_what_the_model_is_and_under_which_licence_its_data():
    html = render_validation(
        replace(page(), summary="Tells 2 classes apart.", card={"licence of the data": "CC BY 4.0"})
    )
    assert html.index("Tells 2 classes apart.") < html.index("Bit-exact, 3")
    assert "<h2>Model card</h2>" in html
    assert "CC BY 4.0" in html


def test_right_answers_are_shown_before_the_mistakes():
    right = Example("test/0.png", np.zeros((8, 8, 1), np.uint8), "cat", "cat", "cat", "99% sure")
    html = render_validation(replace(page(), right=(right,)))
    parsed(html)
    assert html.index("Right answers") < html.index("test/0.png") < html.index("Worst mistakes")


def test_a_task_without_classes_has_a_page_too():
    html = render_validation(replace(page(), part=None, scores={}, metrics={}))
    parsed(html)
    assert "Confusion matrix" not in html


def test_every_name_is_escaped():
    evil = replace(
        page(EVIL), name=EVIL, board=EVIL, engine=EVIL, data=EVIL, link={EVIL: EVIL}, made={EVIL: EVIL}
    )
    example = Example(EVIL, np.zeros((2, 2, 1), np.uint8), EVIL, EVIL, EVIL, EVIL)
    evil = replace(
        evil, mistakes=(example,), tiles={EVIL: EVIL}, agreements={EVIL: page().agreements["X-cross"]}
    )
    assert "script" not in parsed(render_validation(evil)).tags


def test_a_picture_becomes_a_png_with_the_same_pixels():
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    raw = base64.b64decode(png_uri(image).removeprefix("data:image/png;base64,"))
    assert (np.asarray(Image.open(io.BytesIO(raw))) == image).all()


def test_a_large_picture_is_shrunk_to_keep_the_page_small():
    raw = base64.b64decode(png_uri(np.zeros((600, 300, 1), np.uint8)).split(",")[1])
    assert Image.open(io.BytesIO(raw)).size == (80, 160)


def test_a_float_picture_is_refused():
    with pytest.raises(ValueError, match="expected uint8"):
        png_uri(np.zeros((2, 2, 3), np.float32))


def test_numbers_are_printed_for_people():
    assert (percent(0.98333), percent(None)) == ("98.33 %", "–")
    assert (points(-0.0056), points(0.01), points(-1e-9), points(None)) == ("−0.56", "+1.00", "0.00", "–")
    assert (count(12345), count(None)) == ("12\u202f345", "–")
    assert (size(41376), size(512), size(None)) == ("41\u202f376 B (40.4 KiB)", "512 B", "–")
    assert (figure(0.000471234), figure(1.0), figure(5e-19), figure(None)) == ("0.00047123", "1", "0", "–")


@pytest.mark.parametrize(
    ("latency_us", "printed"), [(1234.0, "median 1,234 µs"), (14483.0, "median 14.48 ms")]
)
def test_latency_is_printed_in_the_unit_that_reads_well(latency_us: float, printed: str):
    assert printed in render_validation(replace(page(), latencies_us=np.full(5, latency_us)))
