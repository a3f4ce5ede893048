"""`--real-data DIR` (or KERAS_TINY_DATA): where the real data sets lie; tests that need them skip without it."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes is no fact about the code: a busy machine takes longer.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--real-data",
        metavar="DIR",
        default=os.environ.get("KERAS_TINY_DATA"),
        help="folder with real data sets, unpacked or as .tar.gz (default: KERAS_TINY_DATA)",
    )


@pytest.fixture(scope="session")
def real_data(request: pytest.FixtureRequest) -> Path:
    """Folder of the unpacked data sets: cifar10/{train,test}/…, camvid_240x180/…, raccoon/….

    Archives in DIR are unpacked once, into the user's cache folder; without archives it is DIR itself.
    """
    option = request.config.getoption("--real-data")
    if not option:
        pytest.skip("needs real data: pass --real-data DIR or set KERAS_TINY_DATA")
    folder = Path(option).expanduser()
    if not folder.is_dir():
        pytest.fail(f"--real-data names {folder}, which is no folder")
    archives = sorted(folder.glob("*.tar.gz"))
    if not archives:
        return folder
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras-tiny" / "real-data"
    cache.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        _unpack_once(archive, into=cache)
    return cache


def _unpack_once(archive: Path, *, into: Path) -> None:
    status = archive.stat()
    done = into / f".{archive.name}-{status.st_size}-{int(status.st_mtime)}"
    if done.exists():
        return
    # Unpacked beside, then moved: another test process, or an interrupted one, never sees half a data set.
    with tempfile.TemporaryDirectory(dir=into, prefix=".unpacking-") as temporary:
        with tarfile.open(archive) as tar:
            tar.extractall(temporary, filter="data")
        for item in Path(temporary).iterdir():
            target = into / item.name
            try:
                item.rename(target)
            except OSError:  # it is there: from an older archive, or another process was faster
                if done.exists():
                    return
                shutil.rmtree(target)
                item.rename(target)
    done.touch()
