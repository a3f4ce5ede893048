"""The memory plot: every operator a bar, the peak and the skips that wait there marked."""

from __future__ import annotations

from xml.etree import ElementTree

from keras_tiny.profile.memory import activation_memory
from keras_tiny.profile.plot import HEIGHT, WIDTH, memory_plot
from tests.tflite_networks import segmenter
from tests.tflite_writer import Graph

SVG = "{http://www.w3.org/2000/svg}"


def skipping() -> bytes:
    """x → a → b → c → d + a: while c is computed, a waits."""
    graph = Graph()
    x = graph.input("image", (1, 8, 8, 1))
    a = graph.add("RELU", (x,), "a", (1, 8, 8, 1))
    b = graph.add("RELU", (a,), "b", (1, 8, 8, 1))
    c = graph.add("RELU", (b,), "c", (1, 8, 8, 1))
    d = graph.add("ADD", (c, a), "d<&>", (1, 8, 8, 1))
    return graph.build(outputs=(d,))


def test_the_skip_at_the_peak_is_the_tensor_that_only_waits() -> None:
    memory = activation_memory(skipping())
    assert memory.peak_operator == "RELU 'c'"
    (skip,) = memory.peak_skips
    assert (skip.layer, skip.bytes, skip.first, skip.last) == ("a", 64, 0, 3)
    assert memory.peak.skips == (("a", 64),)


def test_a_tensor_that_is_read_is_no_skip() -> None:
    memory = activation_memory(segmenter())
    assert memory.peak_operator == "CONCATENATION 'skip'"
    assert memory.peak_skips == ()


def test_every_operator_is_a_bar_and_the_marks_name_peak_and_skip() -> None:
    memory = activation_memory(skipping())
    root = ElementTree.fromstring(memory_plot(memory, title="a <model>", arena_bytes=4096))
    assert len(root.findall(f"{SVG}g")) == len(memory.timeline)
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert "a <model>" in words
    assert "peak: RELU 'c', 192 bytes" in words
    assert "skip 'a', 64 bytes" in words
    assert any("arena" in (word or "") for word in words)


def test_everything_is_inside_the_picture() -> None:
    for network in (segmenter(), skipping()):
        root = ElementTree.fromstring(memory_plot(activation_memory(network), title="model"))
        for text in root.iter(f"{SVG}text"):
            length = 7 * len(text.text or "")
            left = (
                float(text.attrib["x"])
                - {"start": 0, "middle": length / 2, "end": length}[text.attrib["text-anchor"]]
            )
            assert -1 <= left <= left + length <= WIDTH, text.text
            assert 0 <= float(text.attrib["y"]) <= HEIGHT
        for bar in root.iter(f"{SVG}rect"):
            assert 0 <= float(bar.get("y", 0)) <= HEIGHT
