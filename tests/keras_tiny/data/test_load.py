"""`load`: sources by name, sizes and channels checked, nothing heavy imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from keras_tiny import data
from keras_tiny.errors import DataError, UnknownName


def test_a_misspelt_source_gets_near_names():
    with pytest.raises(UnknownName, match="Did you mean folders"):
        data.load("folder:/x")
    with pytest.raises(UnknownName, match="Did you mean digits"):
        data.load("digit")


def test_a_bare_path_gets_told_how_to_write_it(tmp_path):
    with pytest.raises(DataError, match=f"Write folders:{tmp_path}"):
        data.load(str(tmp_path))


@pytest.mark.parametrize("image_size", [0, -1, 4097, (32, 0), (32, 9999)])
def test_an_image_size_out_of_range_is_refused(image_size):
    with pytest.raises(DataError, match=r"out of range.*1 to 4096"):
        data.load("digits", image_size=image_size)


@pytest.mark.parametrize("image_size", [True, 32.0, "32", (32,), (32, 32, 3), (32, "32")])
def test_an_image_size_of_another_kind_is_refused(image_size):
    with pytest.raises(DataError, match="Give a side in pixels"):
        data.load("digits", image_size=image_size)


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_other_channels_than_1_and_3_are_refused(channels):
    with pytest.raises(DataError, match="Give 3 for colour or 1 for grey"):
        data.load("digits", channels=channels)


def test_height_and_width_come_in_this_order():
    spec = data.load("digits", image_size=(24, 40)).preprocessing
    assert (spec.height, spec.width) == (24, 40)


def test_loading_and_preparing_import_neither_tensorflow_nor_keras():
    program = (
        "import sys; from keras_tiny import data; from keras_tiny.preprocessing import to_int8;"
        "d = data.load('digits'); data.prepare_split(d.val, d.preprocessing);"
        "print([m for m in ('tensorflow', 'keras', 'tf_keras', 'sklearn') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(data.SOURCES))
def test_every_source_in_the_table_can_be_imported(name):
    assert callable(data.SOURCES.load(name))
