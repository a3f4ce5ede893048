"""What a recipe claims of its arena is what TensorFlow Lite Micro asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keras_tiny.data.paired_masks import CAMVID
from keras_tiny.recipe import find_recipe
from tests.support import require

GARDEN = sorted(path.stem for path in (Path(__file__).parents[2] / "keras_tiny" / "recipes").glob("*.yaml"))
CLAIM = re.compile(r"arena of (\d+) KiB \(([\d,]+) bytes measured\)")
CLAIMED = [name for name in GARDEN if CLAIM.search(find_recipe(name).claim)]
QUICK = "camvid_tiny_unet5"
# Training gives a CONCATENATION's inputs ranges of their own, and each then has a QUANTIZE of 120 bytes before it.
TRAINED_BYTES = 1024


def test_one_recipe_for_camvid_is_for_128_kib_and_three_networks_are_for_320():
    limits = {name: int(CLAIM.search(find_recipe(name).claim)[1]) for name in CLAIMED}
    assert min(limits.values()) <= 128
    assert len({find_recipe(name).model.name for name, kib in limits.items() if kib <= 320}) >= 3


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == QUICK else [pytest.mark.slow]) for name in CLAIMED]
)
def test_the_arena_that_a_recipe_claims_is_the_arena_that_its_network_needs(name: str):
    require("module:tflite_micro")
    from keras_tiny import models
    from keras_tiny.export.untrained import untrained_file
    from keras_tiny.training.seeds import seed_everything
    from mcu.tflm import measure_arena

    recipe = find_recipe(name)
    size = recipe.data.image_size
    assert size is not None
    height, width = (size, size) if isinstance(size, int) else size
    assert min(height, width) >= 96
    seed_everything(0)
    model = models.build(
        recipe.model.name,
        input_shape=(height, width, 3),
        num_classes=len(CAMVID.classes),
        **recipe.model.arguments,
    )
    kib, claimed = (int(text.replace(",", "")) for text in CLAIM.search(recipe.claim).groups())
    measured = measure_arena(untrained_file(model)).total_bytes
    assert 0 <= claimed - measured <= TRAINED_BYTES
    assert claimed <= kib * 1024
