"""The fixture package, installed once for all tests of this room."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.plugins.fixtures import ACME, pip_install
from tests.support import require


@pytest.fixture(scope="session")
def acme_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sys.path in which acme-garden 1.0 is installed."""
    require("module:hatchling")
    site = tmp_path_factory.mktemp("site")
    # pip builds beside the sources: a copy keeps the project's own folder as it is.
    project = Path(shutil.copytree(ACME, tmp_path_factory.mktemp("acme") / "acme_garden"))
    pip_install(project, site)
    return site
