"""Two results side by side."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from keras_tiny.compare import compare, read_subject
from keras_tiny.errors import BadInput
from mcu.bundle import Bundle


def test_a_bundle_is_no_different_from_itself(first: Bundle):
    found = compare(first.path, first.path)
    assert found.differences == ()
    assert found.layers == ()
    assert found.note == "Both hold the same model, byte for byte."


def test_two_models_of_one_graph_are_compared_tensor_by_tensor(first: Bundle, second: Bundle):
    found = compare(first.path, second.path)
    (layer,) = found.layers
    assert layer.operator == "FULLY_CONNECTED"
    assert 0 < layer.sqnr_db < 60
    assert 0.5 < layer.cosine < 1


def test_models_of_different_graphs_are_compared_by_figures_alone(first: Bundle, other: Bundle):
    found = compare(first.path, other.path)
    assert found.layers == ()
    assert "graphs differ" in found.note
    by_name = {each.name: each for each in found.differences}
    bytes_more = other.manifest.tflite_bytes - first.manifest.tflite_bytes
    assert by_name["tflite_bytes"].change == bytes_more != 0


def test_a_file_tells_of_itself_what_its_bundle_tells(first: Bundle):
    subject = read_subject(first.path / "model.tflite")
    of_bundle = read_subject(first.path)
    for name in ("model_sha256", "tflite_bytes", "arena_bytes", "operators"):
        assert getattr(subject, name) == getattr(of_bundle, name)


def test_a_run_record_tells_what_the_board_answered(first: Bundle, run_folder: Path):
    subject = read_subject(run_folder)
    assert (subject.kind, subject.board, subject.bit_exact) == ("run record", "virtual", True)
    assert subject.score_board is not None
    assert subject.model_sha256 == first.manifest.model_sha256
    changed = {each.name for each in compare(first.path, run_folder).differences}
    assert {"score_board", "bit_exact", "latency_us"} <= changed


def test_a_bench_tells_its_instructions(tmp_path: Path):
    path = tmp_path / "bench.json"
    fields = {"board": "qemu_stm32f405", "engine": "c", "operators": [], "macs": 640, "instructions": 9000}
    path.write_text(json.dumps(fields))
    subject = read_subject(path)
    assert (subject.kind, subject.instructions, subject.macs) == ("bench", 9000, 640)


def test_the_json_has_the_keys_that_scripts_rely_on(first: Bundle, second: Bundle):
    told = compare(first.path, second.path).to_dict()
    assert {"a", "b", "differences", "layers", "note"} == told.keys()
    json.dumps(told, allow_nan=False)


def test_a_tensor_that_is_equal_has_no_number_in_json(first: Bundle, second: Bundle):
    found = compare(first.path, second.path)
    layer = replace(found.layers[0], sqnr_db=math.inf)
    assert replace(found, layers=(layer,)).to_dict()["layers"][0]["sqnr_db"] is None


def test_what_is_no_result_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="neither a bundle nor the folder of a run record"):
        read_subject(tmp_path)
    with pytest.raises(BadInput, match="Cannot read"):
        read_subject(tmp_path / "no.tflite")
    (tmp_path / "some.json").write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        read_subject(tmp_path / "some.json")
