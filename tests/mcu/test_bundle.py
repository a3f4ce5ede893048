"""A bundle is read whole and unharmed, or refused with one clear error; writing never loses the old one."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mcu import bundle as bundle_room
from mcu.bundle import Bundle, npy_bytes, write_bundle
from mcu.errors import BundleError

TENSOR = {"name": "x", "shape": (1, 2, 2, 1), "dtype": "int8", "scale": 1 / 128, "zero_point": 0}
FIELDS = {
    "name": "tiny",
    "task": "classification",
    "labels": ("no", "yes"),
    "inputs": (TENSOR,),
    "outputs": ({**TENSOR, "name": "y", "shape": (1, 2)},),
    "preprocessing": {"height": 2, "width": 2, "channels": 1},
    "operators": {"CONV_2D": 1},
    "arena_bytes": 1000,
    "arena_bytes_32bit": 900,
    "macs": 4,
    "params": 8,
    "metrics": {"accuracy": {"float": 0.5, "ptq": None, "qat": 0.5}},
}


def files(model: bytes = b"TFL3 model") -> dict[str, bytes]:
    return {
        "model.tflite": model,
        "golden_inputs.npy": npy_bytes(np.zeros((3, 2, 2, 1), np.int8)),
        "golden_outputs.npy": npy_bytes(np.ones((3, 2), np.int8)),
        "tflm/model_data.h": b"/* h */\n",
    }


@pytest.fixture
def written(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "tiny", files=files(), manifest_fields=FIELDS)


def edit_manifest(folder: Path, change) -> None:  # type: ignore[no-untyped-def]
    path = folder / "manifest.json"
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


def test_a_bundle_reads_back_as_it_was_written(written: Bundle):
    again = Bundle.open(written.path)
    assert again.model_bytes == b"TFL3 model"
    assert again.manifest == written.manifest
    assert again.golden_inputs.shape == (3, 2, 2, 1)
    assert (again.path / "tflm" / "model_data.h").read_bytes() == b"/* h */\n"


def test_equal_content_gives_equal_bytes(tmp_path: Path, written: Bundle):
    other = write_bundle(tmp_path / "other", files=files(), manifest_fields=FIELDS)
    for name in ["manifest.json", *written.manifest.files]:
        assert (other.path / name).read_bytes() == (written.path / name).read_bytes()


@pytest.mark.parametrize(
    "name", ["model.tflite", "golden_inputs.npy", "golden_outputs.npy", "tflm/model_data.h"]
)
def test_one_flipped_bit_in_any_file_is_refused_by_name(written: Bundle, name: str):
    path = written.path / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match=name):
        Bundle.open(written.path)


def test_a_manifest_truncated_anywhere_is_refused(written: Bundle):
    path = written.path / "manifest.json"
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(BundleError, match=r"manifest\.json"):
            Bundle.open(written.path)


def test_a_newer_format_says_both_versions(written: Bundle):
    edit_manifest(written.path, lambda fields: fields.update(format_version=99, unheard_of=1))
    with pytest.raises(BundleError, match=r"99.*reads up to 1"):
        Bundle.open(written.path)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/../../b", "C:\\x", ""])
def test_a_path_that_leaves_the_bundle_is_refused(written: Bundle, name: str):
    edit_manifest(
        written.path, lambda fields: fields["files"].update({name: fields["files"]["model.tflite"]})
    )
    with pytest.raises(BundleError, match="inside the bundle"):
        Bundle.open(written.path)


def test_a_symbolic_link_in_the_bundle_is_refused(written: Bundle, tmp_path: Path):
    model = written.path / "model.tflite"
    model.rename(tmp_path / "elsewhere")
    model.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="symbolic link"):
        Bundle.open(written.path)


def test_a_manifest_whose_model_hash_is_anothers_is_refused(written: Bundle):
    edit_manifest(written.path, lambda fields: fields.update(model_sha256="0" * 64))
    with pytest.raises(BundleError, match="model_sha256"):
        Bundle.open(written.path)


@pytest.mark.parametrize("content", [b"[]", b"null", b'"x"', b"{}", b"[" * 100_000, b"\xff\xfe"])
def test_a_manifest_that_is_no_object_is_refused(written: Bundle, content: bytes):
    (written.path / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError):
        Bundle.open(written.path)


def test_a_golden_file_with_a_pickle_is_refused_without_loading_it(tmp_path: Path):
    class Planted:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return (Path.touch, (tmp_path / "executed",))

    import io

    buffer = io.BytesIO()
    np.save(buffer, np.array([Planted()], dtype=object), allow_pickle=True)
    with pytest.raises(BundleError, match=r"\.npy"):
        write_bundle(
            tmp_path / "bad",
            files={**files(), "golden_inputs.npy": buffer.getvalue()},
            manifest_fields=FIELDS,
        )
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path / "bad").exists()


def test_a_missing_bundle_and_a_folder_that_is_none_say_so(tmp_path: Path):
    with pytest.raises(BundleError, match="does not exist"):
        Bundle.open(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"no manifest\.json"):
        Bundle.open(tmp_path)
    (tmp_path / "model.tflite").write_bytes(b"")
    with pytest.raises(BundleError, match="is a file; a bundle is a folder"):
        Bundle.open(tmp_path / "model.tflite")


def test_a_full_disk_leaves_the_old_bundle_whole(written: Bundle, monkeypatch: pytest.MonkeyPatch):
    calls = 0

    def full_after_two(path: Path, content: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(path, content)

    original = bundle_room._write_synced
    monkeypatch.setattr(bundle_room, "_write_synced", full_after_two)
    with pytest.raises(BundleError, match="No space left"):
        write_bundle(written.path, files=files(b"TFL3 new"), manifest_fields=FIELDS)
    monkeypatch.undo()
    assert Bundle.open(written.path).model_bytes == b"TFL3 model"
    assert [path.name for path in written.path.parent.iterdir()] == ["tiny"], "no litter beside the bundle"


def test_a_really_full_disk_leaves_the_old_bundle_whole(tmp_path: Path):
    """On a tmpfs of 64 KiB, where the system allows mounting one."""
    import subprocess

    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("cannot mount a tmpfs here (needs root)")
    try:
        write_bundle(disk / "tiny", files=files(), manifest_fields=FIELDS)
        with pytest.raises(BundleError, match="No space left"):
            write_bundle(disk / "tiny", files=files(bytes(200_000)), manifest_fields=FIELDS)
        assert Bundle.open(disk / "tiny").model_bytes == b"TFL3 model"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_failed_rename_puts_the_old_bundle_back(written: Bundle, monkeypatch: pytest.MonkeyPatch):
    original = Path.rename

    def refuse_staging(self: Path, target: Path) -> Path:
        if (
            self.name.startswith(".tiny.")
            and Path(target).name == "tiny"
            and self.parent == written.path.parent
        ):
            raise OSError(errno.EIO, "Input/output error")
        return original(self, target)

    monkeypatch.setattr(Path, "rename", refuse_staging)
    with pytest.raises(BundleError, match="Input/output"):
        write_bundle(written.path, files=files(b"TFL3 new"), manifest_fields=FIELDS)
    monkeypatch.undo()
    assert Bundle.open(written.path).model_bytes == b"TFL3 model"


def test_writing_over_a_folder_that_is_no_bundle_is_refused(tmp_path: Path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "one.jpg").write_bytes(b"x")
    with pytest.raises(BundleError, match="not a bundle; it is left alone"):
        write_bundle(photos, files=files(), manifest_fields=FIELDS)
    assert (photos / "one.jpg").read_bytes() == b"x"


def test_a_new_bundle_replaces_the_old_one_whole(written: Bundle):
    newer = write_bundle(written.path, files=files(b"TFL3 new"), manifest_fields=FIELDS)
    assert Bundle.open(newer.path).model_bytes == b"TFL3 new"
    shutil.rmtree(newer.path)
    assert list(newer.path.parent.iterdir()) == []
