"""What the pages speak of, as real files: bundles, pictures, a model file. No TensorFlow."""

from __future__ import annotations

import shutil
from pathlib import Path

from keras_tiny import data
from tests.docs.snippets import snippets
from tests.e2e.newcomer import draw_pictures
from tests.mcu.compiler.networks import mobilenet_v2
from tests.mcu.hil.digits_bundle import write_digits_bundle


def make_world(folder: Path) -> None:
    """Fill an empty folder: `flowers`, `pictures`, `photos`, `model.tflite`, a test, and bundles under `build`."""
    for name in ("flowers", "pictures"):
        draw_pictures(folder / name)
        mine = data.load(f"folders:{folder / name}", image_size=8, channels=1)
        write_digits_bundle(folder / "build" / name, data=mine)
    write_digits_bundle(folder / "build/demo/bundle")
    photos = folder / "photos"
    photos.mkdir()
    for picture in sorted((folder / "pictures/one").iterdir())[:3]:
        shutil.copy(picture, photos)
    (folder / "model.tflite").write_bytes(mobilenet_v2())
    (folder / "test_board.py").write_text(snippets("docs/how_to/write_a_hil_test.md")[0].text)
    (folder / "build/masks").mkdir()
    shutil.copy(folder / "model.tflite", folder / "build/masks")
