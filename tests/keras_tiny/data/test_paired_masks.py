"""Pictures and masks in any layout, joined; what does not fit together is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from keras_tiny import data
from keras_tiny.data.sample import VOID
from keras_tiny.errors import DataError

RULES = {"images": "{split}/{name}.jpg", "masks": "{split}_L/{name}_L.png", "classes": ["road", "car", "sky"]}


def write(path: Path, pixels: np.ndarray, *, palette: bool = False, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if palette:
        image.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    image.save(path, **options)


def picture(path: Path, *, size: tuple[int, int] = (6, 8), **options: object) -> None:
    write(path, np.full((*size, 3), 90, np.uint8), **options)


@pytest.fixture
def described(tmp_path):
    """A set of three splits of two pictures, described by masks.yaml; the mask of each is 0, 1, 2, 255 in columns."""

    def make(mask: np.ndarray | None = None, **changes: object) -> Path:
        mask = np.array([[0, 0, 1, 1, 2, 2, 255, 255]] * 6, np.uint8) if mask is None else mask
        for split in ("train", "Val", "testing"):
            for number in range(2):
                picture(tmp_path / split / f"a{number}.jpg")
                write(tmp_path / f"{split}_L" / f"a{number}_L.png", mask)
        (tmp_path / "masks.yaml").write_text(yaml.safe_dump({**RULES, **changes}))
        return tmp_path

    return make


def load(root: Path, **options):
    return data.load(f"paired_masks:{root}", image_size=8, **options)


def error_of(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        load(root).train[0]
    return str(caught.value)


def test_splits_names_and_masks_are_joined_by_the_rules(described):
    dataset = load(described())
    assert dataset.task == "segmentation"
    assert dataset.labels == ("road", "car", "sky")
    assert set(dataset.val.ids) == {"Val/a0.jpg", "Val/a1.jpg"}
    assert dataset.test[0].mask.tolist() == [[0, 0, 1, 1, 2, 2, VOID, VOID]] * 6
    assert dataset.test[0].image.shape == (6, 8, 3)


def test_a_name_may_reach_over_folders_as_in_cityscapes(tmp_path):
    for split in ("train", "val", "test"):
        picture(tmp_path / f"leftImg8bit/{split}/ulm/x_1_leftImg8bit.png")
        write(tmp_path / f"gtFine/{split}/ulm/x_1_gtFine_labelIds.png", np.zeros((6, 8), np.uint8))
    rules = {
        "images": "leftImg8bit/{split}/{name}_leftImg8bit.png",
        "masks": "gtFine/{split}/{name}_gtFine_labelIds.png",
    }
    (tmp_path / "masks.yaml").write_text(yaml.safe_dump({**rules, "classes": ["road", "car"]}))
    assert load(tmp_path).train.ids == ("leftImg8bit/train/ulm/x_1_leftImg8bit.png",)


def test_without_splits_they_are_held_out_the_same_way_every_time(tmp_path):
    for number in range(60):
        picture(tmp_path / f"img/{number}.jpg")
        write(tmp_path / f"msk/{number}.png", np.zeros((6, 8), np.uint8))
    (tmp_path / "masks.yaml").write_text(
        yaml.safe_dump({**RULES, "images": "img/{name}.*", "masks": "msk/{name}.*"})
    )
    dataset = load(tmp_path, seed=3)
    parts = [set(split.ids) for split in (dataset.train, dataset.val, dataset.test)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 60
    assert 1 <= len(parts[1]) < len(parts[2]) < 20
    assert dataset.notes == ("held out 15% as test and 10% as val by a hash of each path, seed 3",)
    assert load(tmp_path, seed=3).test.ids == dataset.test.ids


def test_the_layout_of_camvid_needs_no_description(tmp_path):
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for split in ("train", "val", "test"):
        picture(tmp_path / split / "0001TP_1.png", size=(3, 4))
        write(tmp_path / f"{split}annot" / "0001TP_1.png", mask)
    dataset = load(tmp_path)
    assert dataset.labels[:4] == ("sky", "building", "pole", "road")
    assert dataset.num_classes == 11
    assert dataset.test[0].mask.ravel().tolist() == [*range(11), VOID]
    assert "read as CamVid" in dataset.notes[0]


@pytest.mark.real_data
def test_camvid_is_read_whole(real_data):
    dataset = load(real_data / "camvid_240x180")
    assert [len(dataset.train), len(dataset.val), len(dataset.test)] == [367, 101, 233]
    found = {int(c) for index in range(0, 233, 10) for c in np.unique(dataset.test.mask(index))}
    assert found == {*range(11), VOID}


def test_of_a_palette_file_the_index_counts(described):
    root = described()
    write(root / "train_L/a0_L.png", np.full((6, 8), 2, np.uint8), palette=True)
    assert Image.open(root / "train_L/a0_L.png").mode == "P"
    dataset = load(root)
    at = dataset.train.ids.index("train/a0.jpg")
    assert (dataset.train[at].mask == 2).all()


def test_several_numbers_may_be_one_class(described):
    root = described(values={"road": 0, "car": [1, 2], "sky": 255})
    assert load(root).train[0].mask[0].tolist() == [0, 0, 1, 1, 1, 1, 2, 2]


def test_colours_are_looked_up_in_the_palette(described):
    colours = np.array([[128, 64, 128], [0, 0, 142], [70, 130, 180], [0, 0, 0]], np.uint8)
    palette = {"road": [128, 64, 128], "car": [0, 0, 142], "sky": [[70, 130, 180]], "void": [0, 0, 0]}
    root = described(colours[[[0, 0, 1, 1, 2, 2, 3, 3]] * 6], palette=palette)
    assert load(root).train[0].mask[0].tolist() == [0, 0, 1, 1, 2, 2, VOID, VOID]


def test_a_mask_of_another_size_is_refused(described):
    assert "train/a" in (text := error_of(described(np.zeros((5, 8), np.uint8))))
    assert "is 8x6 pixels, its mask 8x5" in text


def test_a_picture_that_a_camera_took_upright_is_compared_upright(described):
    root = described()
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    for number in range(2):
        picture(root / f"train/a{number}.jpg", size=(8, 6), exif=exif)
    sample = load(root).train[0]
    assert sample.image.shape[:2] == sample.mask.shape == (6, 8)


def test_a_label_out_of_range_is_named_with_its_pixels(described):
    text = error_of(described(np.full((6, 8), 7, np.uint8)))
    assert "has the label 7 in 48 pixels; the 3 classes and void are 0..2, 255" in text


def test_colours_without_a_palette_are_refused(described):
    text = error_of(described(np.zeros((6, 8, 3), np.uint8)))
    assert "has colours, and nothing says which colour is which class" in text


def test_a_colour_that_the_palette_does_not_know_is_named(described):
    palette = {"road": [0, 0, 0], "car": [1, 1, 1], "sky": [2, 2, 2]}
    text = error_of(described(np.full((6, 8, 3), (9, 8, 7), np.uint8), palette=palette))
    assert "has the colour [9, 8, 7] in 48 pixels that the palette does not know" in text


def test_a_mask_in_a_lossy_format_is_refused(described):
    root = described(masks="{split}_L/{name}_L.*")
    for file in root.glob("train_L/*.png"):
        Image.open(file).save(file.with_suffix(".jpg"))
        file.unlink()
    assert "a lossy format such as JPEG invents labels" in error_of(root)


def test_a_truncated_mask_is_named(described):
    root = described()
    for file in root.glob("train_L/*.png"):
        file.write_bytes(file.read_bytes()[:-20])
    assert "a0_L.png" in (text := error_of(root)) or "a1_L.png" in text


def test_a_picture_without_a_mask_is_named_with_the_mask_that_it_should_have(described):
    root = described()
    (root / "train_L/a1_L.png").unlink()
    text = error_of(root)
    assert "1 of 6 pictures have no mask: train/a1.jpg" in text
    assert "train_L/a1_L.png" in text


def test_a_mask_without_a_picture_is_counted_in_the_notes(described):
    root = described()
    write(root / "train_L/b_L.png", np.zeros((6, 8), np.uint8))
    assert load(root).notes == ("ignored 1 mask without a picture",)


def test_two_masks_of_one_picture_are_refused(described):
    root = described(masks="{split}_L/{name}_L.*")
    (root / "train_L/a0_L.bmp").write_bytes((root / "train_L/a0_L.png").read_bytes())
    assert "both follow the rule" in error_of(root)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": "{split}/x.jpg"}, "must have {name} once"),
        ({"images": "{name}.jpg"}, "Only one of the naming rules"),
        ({"images": "../{split}/{name}.jpg"}, "leaves the data set's folder"),
        ({"images": "{split}/{name}.{ext}"}, "must have {name} once"),
        ({"images": "{split}/nothing/{name}.jpg"}, "No file below"),
        ({"classes": ["road"]}, "classes"),
        ({"classes": ["road", "road"]}, "a class is named twice"),
        ({"values": {"road": 0, "car": 1}}, "do not name the same classes: sky"),
        ({"values": {"road": 0, "car": 1, "sky": 1}}, "gives one entry to two classes"),
        ({"void": 1}, "the number 1 is void and a class"),
        ({"klasses": []}, "klasses"),
    ],
)
def test_a_wrong_description_is_explained(described, changes, message):
    assert message in error_of(described(**changes))


def test_a_folder_without_description_says_what_to_write(tmp_path):
    assert "Write a masks.yaml with the keys images, masks and classes" in error_of(tmp_path)
