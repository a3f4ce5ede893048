"""The code printed in docs/how_to/add_a_data_set.md, run as printed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from keras_tiny import data
from keras_tiny.errors import DataError

PAGE = Path(__file__).parents[3] / "docs/how_to/add_a_data_set.md"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_page_s_own_source_loads_its_file_once_it_is_in_the_table(tmp_path, monkeypatch):
    _, module, line = blocks()
    (tmp_path / "my_sources.py").write_text(module)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (90, 12, 12, 3), dtype=np.uint8)
    np.savez(tmp_path / "faces.npz", images=images, labels=np.arange(90) % 3)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(data, "SOURCES", type(data.SOURCES)("data source", dict(data.SOURCES)))
    exec(compile(line, str(PAGE), "exec"), {})

    faces = data.load(f"npz:{tmp_path / 'faces.npz'}", image_size=48)
    assert len(faces.train) + len(faces.val) + len(faces.test) == 90
    assert faces.labels == ("0", "1", "2")
    sample = faces.val[0]
    np.testing.assert_array_equal(sample.image, images[int(sample.id)])
    assert sample.label == int(sample.id) % 3
    data.check(faces)
    with pytest.raises(DataError, match=r"no file .*gone\.npz"):
        data.load("npz:gone.npz")


def test_the_page_s_first_lines_run_on_a_folder(tree, tmp_path, monkeypatch, capsys):
    tree(*(f"{label}/{n}.png" for label in ("rose", "tulip") for n in range(5)), root="flowers")
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks()[0], str(PAGE), "exec"), {})
    assert "('rose', 'tulip')" in capsys.readouterr().out


def test_the_shares_on_the_page_are_those_of_the_code():
    from keras_tiny.data.folders import TEST_SHARE, VAL_SHARE
    from keras_tiny.preprocessing.image import EXTENSIONS

    text = PAGE.read_text()
    assert f"{TEST_SHARE * 100:.0f} % become test and {VAL_SHARE * 100:.0f} % val" in text
    assert all(extension in text for extension in EXTENSIONS)
