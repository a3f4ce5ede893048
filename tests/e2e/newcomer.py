"""What a newcomer has: the README's commands, and a folder of pictures of their own."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from keras_tiny import data

README = Path(__file__).parents[2] / "README.md"
CLASSES = ("zero", "one", "two")
PER_CLASS = 40


def commands() -> list[str]:
    """The lines of the first block of the README's section "Your own pictures", one command each."""
    text = README.read_text(encoding="utf-8")
    section = text[text.index("## Your own pictures") :]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return block[1].replace("\\\n", " ").strip().splitlines()


def draw_pictures(folder: Path, *, per_class: int = PER_CLASS) -> None:
    """`folder/zero/000.png`, …: real handwritten digits as PNG files, one folder per class."""
    digits = data.load("digits")
    for number, label in enumerate(CLASSES):
        (folder / label).mkdir(parents=True)
        mine = [sample for sample in digits.train if sample.label == number][:per_class]
        for index, sample in enumerate(mine):
            picture = Image.fromarray(sample.image[..., 0]).resize((48, 48), Image.Resampling.BICUBIC)
            picture.save(folder / label / f"{index:03d}.png")
