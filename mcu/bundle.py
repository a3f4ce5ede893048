"""The bundle: a folder that holds one exported model and everything that is known of it (docs/reference/bundle.md)."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keras_tiny.boxes.anchors import AnchorSpec
from keras_tiny.preprocessing.spec import PreprocessingSpec
from mcu.errors import BundleError
from mcu.tensor import TensorSpec

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
MODEL_NAME = "model.tflite"
GOLDEN_INPUTS_NAME = "golden_inputs.npy"
GOLDEN_OUTPUTS_NAME = "golden_outputs.npy"
REQUIRED_FILES = (MODEL_NAME, GOLDEN_INPUTS_NAME, GOLDEN_OUTPUTS_NAME)


class FileEntry(BaseModel):
    """One file of the bundle, named relative to its folder with forward slashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What `manifest.json` says; every number in it was computed or measured at export.

    Args:
        task: "classification", "detection" or "segmentation".
        labels: class names; index = output channel.
        arena_bytes: measured by TensorFlow Lite Micro's interpreter on a 64-bit host.
        arena_bytes_32bit: estimate for a microcontroller, where pointers take 4 bytes.
        anchors: of a detector: what its box outputs are told against, see `keras_tiny.boxes`; None for other tasks.
        macs: multiply-accumulates of one inference, bias and BatchNorm excluded.
        params: trainable parameters of the float model; None for a foreign .tflite.
        metrics: metric name → {"float": value, "ptq": value, "qat": value}, measured on the test split.
        data: source, split sizes and licence of the data the metrics were measured on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    name: str
    task: str
    labels: tuple[str, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    preprocessing: PreprocessingSpec
    anchors: AnchorSpec | None = None
    model_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    model_crc32: int = Field(ge=0, le=0xFFFFFFFF)
    tflite_bytes: int = Field(gt=0)
    operators: dict[str, int]
    arena_bytes: int | None
    arena_bytes_32bit: int | None
    macs: int | None
    params: int | None
    metrics: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    data: dict[str, str | int] = Field(default_factory=dict)
    tool_versions: dict[str, str] = Field(default_factory=dict)
    files: dict[str, FileEntry]


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files were read and whose hashes were checked.

    Attributes:
        golden_inputs: int8 (n, *input shape without batch).
        golden_outputs: int8 (n, bytes of all outputs of one inference, concatenated in order).
    """

    path: Path
    manifest: Manifest
    model_bytes: bytes
    golden_inputs: np.ndarray
    golden_outputs: np.ndarray

    @classmethod
    def open(cls, path: str | Path) -> Bundle:
        """Read a bundle and check every file against the manifest.

        Raises:
            BundleError: no bundle there, a manifest that is truncated, newer or points outside the folder, a
                file that is missing or whose bytes changed.
        """
        folder = Path(path)
        manifest = read_manifest(folder)
        contents = {name: _read_checked(folder, name, entry) for name, entry in manifest.files.items()}
        model_bytes = contents[MODEL_NAME]
        if hashlib.sha256(model_bytes).hexdigest() != manifest.model_sha256:
            raise BundleError(
                f"{folder}: model_sha256 in {MANIFEST_NAME} is not the hash of {MODEL_NAME}.",
                hint=_EXPORT_AGAIN,
            )
        if zlib.crc32(model_bytes) != manifest.model_crc32:
            raise BundleError(
                f"{folder}: model_crc32 in {MANIFEST_NAME} is not the CRC-32 of {MODEL_NAME}.",
                hint=_EXPORT_AGAIN,
            )
        golden_inputs = _read_npy(contents[GOLDEN_INPUTS_NAME], folder / GOLDEN_INPUTS_NAME)
        golden_outputs = _read_npy(contents[GOLDEN_OUTPUTS_NAME], folder / GOLDEN_OUTPUTS_NAME)
        return cls(folder, manifest, model_bytes, golden_inputs, golden_outputs)

    @property
    def name(self) -> str:
        return self.manifest.name


_EXPORT_AGAIN = "The bundle is damaged; export it again."


def read_manifest(folder: Path) -> Manifest:
    """Parse `manifest.json` of a bundle folder; see `Bundle.open` for the errors."""
    path = folder / MANIFEST_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        what = "is not a bundle: it has no manifest.json" if folder.is_dir() else "does not exist"
        raise BundleError(f"{folder} {what}.", hint="Make one with `keras-tiny export RUN`.") from None
    except NotADirectoryError:
        raise BundleError(
            f"{folder} is a file; a bundle is a folder.",
            hint="Pass the folder that `keras-tiny export RUN` made, with its model.tflite in it.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"Cannot read {path}: {error}.", hint=_EXPORT_AGAIN) from None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is not complete JSON ({error}).", hint=_EXPORT_AGAIN) from None
    version = fields.get("format_version") if isinstance(fields, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise BundleError(
            f"{path} has format version {version}; this keras-tiny reads up to {FORMAT_VERSION}.",
            hint="Update with: pip install -U keras-tiny",
        )
    try:
        manifest = Manifest.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise BundleError(f"{path} is not a manifest: {where}: {first['msg']}.", hint=_EXPORT_AGAIN) from None
    for name in manifest.files:
        _check_inside(folder, name)
    for name in REQUIRED_FILES:
        if name not in manifest.files:
            raise BundleError(f"{path} does not list {name}.", hint=_EXPORT_AGAIN)
    return manifest


def write_bundle(
    path: str | Path, *, files: Mapping[str, bytes], manifest_fields: Mapping[str, object]
) -> Bundle:
    """Write a bundle as a whole or not at all: an older bundle at that place survives every failure.

    Everything goes to a new folder beside it first, is flushed to disk and read back; only then the names change.

    Args:
        files: name inside the bundle → content; must hold the model and the golden vectors.
        manifest_fields: fields of `Manifest` except `files`, the hashes and the size, which are computed here.

    Raises:
        BundleError: the folder exists and is no bundle, or the disk is full or not writable.
    """
    target = Path(path)
    if (
        target.exists()
        and not (target / MANIFEST_NAME).is_file()
        and (not target.is_dir() or any(target.iterdir()))
    ):
        raise BundleError(
            f"{target} exists and is not a bundle; it is left alone.", hint="Name another folder."
        )
    for name in files:
        _check_inside(target, name)
    model_bytes = files[MODEL_NAME]
    manifest = Manifest.model_validate(
        {
            **manifest_fields,
            "model_sha256": hashlib.sha256(model_bytes).hexdigest(),
            "model_crc32": zlib.crc32(model_bytes),
            "tflite_bytes": len(model_bytes),
            "files": {
                name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in files.items()
            },
        }
    )
    text = manifest.model_dump_json(indent=2) + "\n"
    staging: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        staging.chmod(0o755)
        for name, content in {**files, MANIFEST_NAME: text.encode()}.items():
            _write_synced(staging / name, content)
        Bundle.open(staging)
        _swap(staging, target)
    except OSError as error:
        raise BundleError(
            f"Cannot write the bundle {target}: {error.strerror or error}; what was there before is unchanged.",
            hint="Free some space or name another folder.",
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    return Bundle.open(target)


def npy_bytes(array: np.ndarray) -> bytes:
    """The array as the content of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _check_inside(folder: Path, name: str) -> None:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name or "\0" in name:
        raise BundleError(f"{folder}: the manifest names '{name}', which is not a path inside the bundle.")
    if (folder / name).is_symlink():
        raise BundleError(f"{folder}: '{name}' is a symbolic link; a bundle holds plain files only.")


def _read_checked(folder: Path, name: str, entry: FileEntry) -> bytes:
    try:
        size = (folder / name).stat().st_size
        content = (folder / name).read_bytes() if size == entry.bytes else b""
    except OSError as error:
        raise BundleError(
            f"{folder}: cannot read {name}: {error.strerror or error}.", hint=_EXPORT_AGAIN
        ) from None
    if size != entry.bytes:
        raise BundleError(
            f"{folder}: {name} has {size} bytes, the manifest says {entry.bytes}.", hint=_EXPORT_AGAIN
        )
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        raise BundleError(
            f"{folder}: {name} was changed: SHA-256 is {found[:16]}…, the manifest says {entry.sha256[:16]}….",
            hint=_EXPORT_AGAIN,
        )
    return content


def _read_npy(content: bytes, path: Path) -> np.ndarray:
    try:
        return np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BundleError(f"{path} is not a .npy array: {error}.", hint=_EXPORT_AGAIN) from None


def _write_synced(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _swap(staging: Path, target: Path) -> None:
    """Put `staging` in the place of `target`; if the second rename fails, the first is undone."""
    if not target.exists():
        staging.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent)) / target.name
    target.rename(old)
    try:
        staging.rename(target)
    except OSError:
        old.rename(target)
        old.parent.rmdir()
        raise
    shutil.rmtree(old.parent, ignore_errors=True)
