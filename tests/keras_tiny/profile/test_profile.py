"""A profile has the documented keys, and null where something is not known."""

from __future__ import annotations

import json

import pytest

from keras_tiny.errors import BadInput
from keras_tiny.profile import profile as profile_room
from keras_tiny.profile.profile import profile
from mcu.errors import ModelFileError, missing_extra
from mcu.tflm import measure_arena
from tests.support import require
from tests.tflite_networks import segmenter

KEYS = [
    "params",
    "macs",
    "tflite_bytes",
    "peak_activation_bytes",
    "peak_operator",
    "arena_bytes",
    "arena_bytes_32bit",
    "operators",
    "convention",
    "peak_skips",
    "transpose_conv_scratch_bytes",
]


def test_a_profile_has_the_documented_keys(tmp_path):
    require("module:tflite_micro")
    path = tmp_path / "model.tflite"
    path.write_bytes(segmenter())
    found = profile(path, params=123).to_dict()
    assert list(found) == KEYS
    assert json.loads(json.dumps(found)) == found
    assert (found["params"], found["tflite_bytes"]) == (123, len(segmenter()))
    assert (found["peak_activation_bytes"], found["peak_operator"]) == (1024, "CONCATENATION 'skip'")
    arena = measure_arena(segmenter())
    assert (found["arena_bytes"], found["arena_bytes_32bit"]) == (arena.total_bytes, arena.total_bytes_32bit)


def test_what_is_not_known_is_null(monkeypatch):
    def no_wheel(model_bytes):
        raise missing_extra("virtual", needed_for="measuring")

    monkeypatch.setattr(profile_room, "measure_arena", no_wheel)
    found = profile(segmenter()).to_dict()
    assert list(found) == KEYS
    assert [name for name, value in found.items() if value is None] == [
        "params",
        "arena_bytes",
        "arena_bytes_32bit",
    ]


def test_a_missing_file_and_junk_are_bad_input(tmp_path):
    with pytest.raises(BadInput, match="Cannot read"):
        profile(tmp_path / "nothing.tflite")
    with pytest.raises(ModelFileError):
        profile(b"junk")
