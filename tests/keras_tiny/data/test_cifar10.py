"""CIFAR-10 in its three layouts, truncated, and with an object planted in it."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_tiny import data
from keras_tiny.data.cifar10 import LABELS
from keras_tiny.data.cifar_pickle import read_batch
from keras_tiny.errors import DataError

BATCHES = (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch")
PER_BATCH = 40


def contents(batch: str) -> tuple[np.ndarray, list[int]]:
    """Planes uint8 (PER_BATCH, 3072) and labels of a batch, different in each."""
    rng = np.random.default_rng(BATCHES.index(batch))
    return rng.integers(0, 256, (PER_BATCH, 3072), dtype=np.uint8), [index % 10 for index in range(PER_BATCH)]


def python2_pickle(pixels: np.ndarray, labels: list[int]) -> bytes:
    """The opcodes that Python 2's cPickle wrote for the original distribution, protocol 2."""

    def text(value: str) -> bytes:
        return b"U" + bytes([len(value)]) + value.encode()

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09(K\x01"
        + (b"J" + struct.pack("<i", len(pixels)) + b"M\x00\x0c\x86")
        + (
            b"cnumpy\ndtype\nq\nU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        )
        + (b"\x89T" + struct.pack("<i", pixels.nbytes) + pixels.tobytes() + b"tb")
    )
    return (
        (b"\x80\x02}q\x01(" + text("batch_label") + b"q\x02" + text("training batch 1 of 5") + b"q\x03")
        + (text("labels") + b"q\x04]q\x05(" + b"".join(b"K" + bytes([label]) for label in labels) + b"e")
        + (text("data") + b"q\x06" + array + text("filenames") + b"q\x0c]q\x0du.")
    )


def write_python(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for batch in BATCHES:
        (folder / batch).write_bytes(python2_pickle(*contents(batch)))
    return folder


def write_binary(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for batch in BATCHES:
        pixels, labels = contents(batch)
        rows = np.concatenate([np.array(labels, np.uint8)[:, None], pixels], axis=1)
        (folder / f"{batch}.bin").write_bytes(rows.tobytes())
    return folder


def write_folders(folder: Path) -> Path:
    for batch in BATCHES:
        for index, (planes, label) in enumerate(zip(*contents(batch), strict=True)):
            split = "test" if batch == "test_batch" else "train"
            file = folder / split / LABELS[label] / f"{batch}_{index}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(planes.reshape(3, 32, 32).transpose(1, 2, 0)).save(file)
    return folder


@pytest.mark.parametrize("write", [write_python, write_binary, write_folders])
def test_the_three_layouts_hold_the_same_pictures(tmp_path, write):
    dataset = data.load(f"cifar10:{write(tmp_path / 'cifar')}")
    assert dataset.labels == LABELS
    assert (dataset.preprocessing.height, dataset.preprocessing.width, dataset.preprocessing.channels) == (
        32,
        32,
        3,
    )
    assert len(dataset.train) + len(dataset.val) == 5 * PER_BATCH
    planes, labels = contents("test_batch")
    expected = {
        (label, image.tobytes())
        for label, image in zip(labels, planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), strict=True)
    }
    assert {(sample.label, sample.image.tobytes()) for sample in dataset.test} == expected
    assert np.bincount(dataset.val.labels, minlength=10).min() >= 1


@pytest.mark.parametrize("name", ["cifar-10-batches-py", "cifar-10-batches-bin", "cifar10"])
def test_the_folder_above_the_unpacked_one_may_be_named(tmp_path, name):
    {"py": write_python, "in": write_binary, "10": write_folders}[name[-2:]](tmp_path / name)
    assert len(data.load(f"cifar10:{tmp_path}").test) == PER_BATCH


def test_val_does_not_depend_on_the_layout_of_the_batches(tmp_path):
    python = data.load(f"cifar10:{write_python(tmp_path / 'py')}", seed=4)
    binary = data.load(f"cifar10:{write_binary(tmp_path / 'bin')}", seed=4)
    assert python.val.ids == binary.val.ids
    assert python.val.ids != data.load(f"cifar10:{tmp_path / 'bin'}", seed=5).val.ids


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_batch_saved_again_by_python_3_is_read(protocol):
    pixels, labels = contents("data_batch_2")
    for keys in (("data", "labels"), (b"data", b"labels")):
        batch = read_batch(
            pickle.dumps(dict(zip(keys, (pixels, labels), strict=True)), protocol), name="again"
        )
        np.testing.assert_array_equal(batch["data"], pixels)
        assert batch["labels"] == labels


def test_the_python_2_pickle_of_these_tests_is_what_python_itself_reads():
    pixels, labels = contents("data_batch_1")
    itself = pickle.loads(python2_pickle(pixels, labels), encoding="latin1")
    np.testing.assert_array_equal(itself["data"], pixels)
    assert itself["labels"] == labels


class Planted:
    """Runs a command when a real unpickler reads it."""

    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(0, 6))
def test_a_planted_object_is_refused_without_running_it(tmp_path, protocol):
    write_python(tmp_path)
    pixels, labels = contents("data_batch_3")
    planted = {"data": pixels, "labels": labels, "filenames": [Planted(f"touch {tmp_path}/ran")]}
    (tmp_path / "data_batch_3").write_bytes(pickle.dumps(planted, protocol))
    with pytest.raises(DataError, match=r"data_batch_3 is refused: .*system.*nothing of the file was run"):
        data.load(f"cifar10:{tmp_path}")
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(planted, protocol))  # the plant is alive: a real unpickler runs it
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "attack",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"(S'true'\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nS'true'\no.",  # OBJ
        b"\x80\x02cnumpy\nndarray\n)\x81.",  # NEWOBJ
        b"\x80\x02\x82\x01.",  # EXT1
        b"Pid\n.",  # PERSID
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy\nndarray\n(I1\ntR.",  # an array of uninitialised memory
        b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR.",  # elements that are pointers
        b"cnumpy\ndtype\n}S'x'\nI1\nsb.",
        b"c_codecs\nencode\n(S'x'\nS'zlib'\ntR.",
    ],
)
def test_every_way_to_call_something_is_refused(attack):
    with pytest.raises(DataError, match="refused"):
        read_batch(attack, name="batch")


def test_deeply_nested_data_is_an_error_not_a_crash():
    for nested in (b"(" + b")" + b"\x85" * 100_000 + b"I1\nd.", b"]" * 20_000 + b"a" * 19_999 + b"."):
        with pytest.raises(DataError, match="no CIFAR batch"):
            read_batch(nested, name="batch")


def test_any_damage_to_a_batch_gives_plain_data_or_one_clear_error():
    rng = np.random.default_rng(7)
    pixels, labels = contents("data_batch_1")
    whole = np.frombuffer(python2_pickle(pixels[:2], labels[:2]), np.uint8)
    header = len(whole) - 2 * 3072
    for _ in range(500):
        damaged = whole.copy()
        damaged[rng.integers(0, header, 2)] = rng.integers(0, 256, 2)
        try:
            batch = read_batch(damaged.tobytes(), name="batch")
        except DataError:
            continue
        assert isinstance(batch, dict)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.999])
def test_a_truncated_python_batch_is_named(tmp_path, part):
    write_python(tmp_path)
    file = tmp_path / "data_batch_4"
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * part)])
    with pytest.raises(DataError, match="data_batch_4 is truncated"):
        data.load(f"cifar10:{tmp_path}")


@pytest.mark.parametrize("size", [0, 1000, 3073 * PER_BATCH - 1, 3073 * (PER_BATCH - 1)])
def test_a_truncated_binary_batch_is_named_even_when_cut_between_images(tmp_path, size):
    write_binary(tmp_path)
    file = tmp_path / "test_batch.bin"
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(DataError, match=r"test_batch\.bin is truncated"):
        data.load(f"cifar10:{tmp_path}")


def test_missing_batches_are_listed(tmp_path):
    write_python(tmp_path)
    (tmp_path / "data_batch_2").unlink()
    (tmp_path / "test_batch").unlink()
    with pytest.raises(DataError, match="lacks data_batch_2, test_batch"):
        data.load(f"cifar10:{tmp_path}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [0] * (PER_BATCH - 1)}, "40 images, 39 labels"),
        ({"labels": [11] * PER_BATCH}, "'labels' is not a list of 0 to 9"),
        ({"labels": None}, "'labels' is not a list"),
        ({"data": [1, 2]}, "'data' is not uint8"),
        ({"data": np.zeros((PER_BATCH, 100), np.uint8)}, "'data' is not uint8"),
        ({"data": np.zeros((PER_BATCH, 3072), np.float32)}, "refused"),
        ({"fine_labels": []}, "CIFAR-100"),
    ],
)
def test_a_batch_of_another_form_is_refused(tmp_path, change, message):
    write_python(tmp_path)
    pixels, labels = contents("data_batch_1")
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({"data": pixels, "labels": labels} | change))
    with pytest.raises(DataError, match=message):
        data.load(f"cifar10:{tmp_path}")


def test_a_label_beyond_9_in_a_binary_batch_is_refused(tmp_path):
    write_binary(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(b"\x0b" * 3073)
    with pytest.raises(DataError, match="label 11"):
        data.load(f"cifar10:{tmp_path}")


def test_a_folder_without_cifar_10_is_told_what_was_looked_for(tmp_path):
    with pytest.raises(DataError, match="neither data_batch_1, nor"):
        data.load(f"cifar10:{tmp_path}")


def test_class_folders_of_something_else_are_sent_to_folders(tree):
    root = tree(
        *(f"{split}/{label}/{n}.png" for split in ("train", "test") for label in "ab" for n in range(3))
    )
    with pytest.raises(DataError, match="not those of CIFAR-10: a, b"):
        data.load(f"cifar10:{root}")


def test_no_pickle_machine_is_used_by_the_package():
    package = Path(data.__file__).parents[1]
    for file in package.rglob("*.py"):
        text = file.read_text()
        assert "import pickle\n" not in text, file
        assert "allow_pickle=True" not in text, file


@pytest.mark.real_data
def test_real_cifar_10_opens_in_seconds_and_every_picture_can_be_decoded(real_data):
    dataset = data.load(f"cifar10:{real_data}")
    assert len(dataset.train) + len(dataset.val) == 50_000
    assert np.bincount(dataset.train.labels).min() > 4300  # 4,500 expected, standard deviation 21
    assert len(dataset.test) in (5_000, 10_000)
    assert dataset.test[0].image.shape == (32, 32, 3)
    data.check(dataset)
