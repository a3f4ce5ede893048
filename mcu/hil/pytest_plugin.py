"""pytest with the board in the loop: the fixtures `hil` and `hil_run` (docs/how_to/write_a_hil_test.md).

pytest loads this file on every start, so it imports nothing heavy until a test asks for a fixture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from keras_tiny.data.sample import Dataset, Split
    from mcu.bundle import Bundle
    from mcu.hil.record import HilRun

_RUNS: pytest.StashKey[list[HilRun]] = pytest.StashKey()
_ONCE: pytest.StashKey[HilRun] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hil", "board in the loop (keras-tiny)")
    group.addoption(
        "--hil-bundle", metavar="BUNDLE", help="the exported model; tests that need a board skip without"
    )
    group.addoption("--hil-board", metavar="ID", default="virtual", help="see `mcu boards`; default: virtual")
    group.addoption("--hil-port", metavar="URL", help="port of the board; the virtual board needs none")
    group.addoption(
        "--hil-data", metavar="SOURCE", help="digits, folders:PATH, …; default: what the bundle names"
    )
    group.addoption("--hil-limit", metavar="N", type=int, help="at most N samples, the classes taking turns")
    group.addoption("--hil-out", metavar="DIR", help="records and reports; default: BUNDLE-hil-BOARD")


class Hil:
    """The bundle and the board that the command line names; a test gets it as `hil`.

    Attributes:
        bundle: `mcu.Bundle`, read and checked.
        board: id.
    """

    def __init__(self, request: pytest.FixtureRequest, bundle: Bundle):
        self.bundle = bundle
        self.board: str = request.config.getoption("--hil-board")
        self._request = request

    def stream(self, data: Dataset | Split | str | None = None, *, limit: int | None = None) -> HilRun:
        """Stream test samples to the board and compare every byte; figures go into the JUnit file.

        Args:
            data: as `mcu.validate` takes it; None for `--hil-data`.
            limit: at most this many samples; None for `--hil-limit`, without which it is all.
        """
        return self._stream(self._out() / _file_name(self._request.node.name), data, limit=limit)

    def stream_once(self) -> HilRun:
        """The run over `--hil-data`, streamed by the first test that asks."""
        stash = self._request.config.stash
        if _ONCE not in stash:
            stash[_ONCE] = self._stream(self._out(), None, limit=None)
        run = stash[_ONCE]
        self._keep(run)
        return run

    def _stream(self, folder: Path, data: Dataset | Split | str | None, *, limit: int | None) -> HilRun:
        from mcu.hil.runner import validate

        option = self._request.config.getoption
        run = validate(
            self.bundle,
            self._data() if data is None else data,
            board=self.board,
            port=option("--hil-port"),
            limit=option("--hil-limit") if limit is None else limit,
            out_dir=folder,
        )
        self._keep(run)
        return run

    def _keep(self, run: HilRun) -> None:
        """For the failure text and for JUnit."""
        runs = self._request.node.stash.setdefault(_RUNS, [])
        if any(kept is run for kept in runs):
            return
        runs.append(run)
        self._request.node.user_properties += list(_figures(run).items())

    def _data(self) -> str:
        source = self._request.config.getoption("--hil-data") or self.bundle.manifest.data.get("source")
        if not source:
            pytest.fail("The bundle names no data; pass --hil-data, e.g. --hil-data digits.", pytrace=False)
        return str(source)

    def _out(self) -> Path:
        from mcu.hil.files import default_folder

        given = self._request.config.getoption("--hil-out")
        return Path(given) if given else default_folder(self.bundle.path, board_id=self.board)


@pytest.fixture
def hil(request: pytest.FixtureRequest) -> Hil:
    """The board in the loop: `run = hil.stream()`, then assert on `run.accuracy`, `run.bit_exact`, `run.latency_us`."""
    path = request.config.getoption("--hil-bundle")
    if not path:
        reason = "needs a bundle: pass --hil-bundle BUNDLE"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"{reason}; a skip would hide it in CI", pytrace=False)
        pytest.skip(reason)
    from mcu.bundle import Bundle

    return Hil(request, Bundle.open(path))


@pytest.fixture
def hil_run(hil: Hil) -> HilRun:
    """The whole test set, streamed once for all tests that ask for it."""
    return hil.stream_once()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """A failed test says which samples and which bytes, in the terminal and in the JUnit file."""
    outcome = yield
    report = outcome.get_result()
    runs = item.stash.get(_RUNS, [])
    if not report.failed or not runs or not hasattr(report.longrepr, "addsection"):
        return
    from mcu.hil.explain import explain

    for run in runs:
        report.longrepr.addsection("board in the loop", explain(run), "-")


def _figures(run: HilRun) -> dict[str, object]:
    """The summary of a run, flat: {"hil.samples": 300, "hil.metrics.accuracy": 0.98, …}."""
    flat: dict[str, object] = {}
    for key, value in run.summary().items():
        inner = value if isinstance(value, dict) else {"": value}
        flat |= {f"hil.{key}.{name}".rstrip("."): each for name, each in inner.items() if each is not None}
    return flat


def _file_name(test: str) -> str:
    return re.sub(r"[^\w.-]+", "_", test)
