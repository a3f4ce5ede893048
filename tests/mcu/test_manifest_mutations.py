"""A damaged manifest is refused with one clear error, or says the same as before: never another exception."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcu.bundle import MANIFEST_NAME, Manifest, read_manifest, write_bundle
from mcu.errors import BundleError
from tests.mcu.test_bundle import FIELDS, files

PIECES = (b"null", b"-1", b"1e999", b"[]", b"{}", b'"', b"\\u0000", b"\xff", b",", b"9" * 40, b"NaN", b"../x")


def damaged(original: bytes, rng: np.random.Generator) -> bytes:
    """One to three damages: bytes and bits changed, pieces put in, taken out, doubled, the end cut off."""
    data = bytearray(original)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(data) + 1))
        length = int(rng.integers(1, 40))
        match rng.integers(6):
            case 0:
                data[at : at + 1] = bytes([int(rng.integers(256))])
            case 1:
                data[at : at + 1] = bytes(byte ^ (1 << int(rng.integers(8))) for byte in data[at : at + 1])
            case 2:
                data[at : at + int(rng.integers(0, 8))] = PIECES[int(rng.integers(len(PIECES)))]
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case 5:
                del data[at:]
    return bytes(data)


def check(folder: Path, count: int, *, seed: int) -> None:
    bundle = write_bundle(folder / "bundle", files=files(), manifest_fields=FIELDS)
    path = bundle.path / MANIFEST_NAME
    original = path.read_bytes()
    rng = np.random.default_rng(seed)
    refused = 0
    for _ in range(count):
        path.write_bytes(damaged(original, rng))
        try:
            assert isinstance(read_manifest(bundle.path), Manifest)
        except BundleError:
            refused += 1
    # Both outcomes must have been seen, or the damages prove nothing.
    assert 0.5 * count < refused < count


def test_1000_damaged_manifests_are_read_or_refused(tmp_path: Path):
    check(tmp_path, 1000, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_100000_damaged_manifests_are_read_or_refused(tmp_path: Path):
    check(tmp_path, 100_000, seed=1)
