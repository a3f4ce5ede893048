"""The pytest plugin: the test that the documentation prints passes on a good bundle and explains a bad one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from keras_tiny.data.sample import Dataset
from mcu.bundle import Bundle
from tests.mcu.hil.digits_bundle import write_digits_bundle

PAGE = Path(__file__).parents[3] / "docs" / "how_to" / "write_a_hil_test.md"
PRINTED = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)


def run_pytest(folder: Path, test: str, *arguments: str, ci: str = "") -> subprocess.CompletedProcess[str]:
    """pytest on one file, in a process of its own, with our plugin and no other."""
    (folder / "test_board.py").write_text(test)
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "CI": ci, "PYTEST_ADDOPTS": ""}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "mcu.hil.pytest_plugin",
        "-c",
        os.devnull,
        "--rootdir",
        ".",
    ]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", *arguments, "test_board.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_printed_test_passes_on_a_good_bundle(bundle: Bundle, tmp_path: Path):
    arguments = [
        "--hil-bundle",
        str(bundle.path),
        "--hil-data",
        "digits",
        "--hil-out",
        "out",
        "--junitxml",
        "j.xml",
    ]
    done = run_pytest(tmp_path, PRINTED[0], *arguments)
    assert done.returncode == 0, done.stdout
    properties = {
        p.get("name"): p.get("value")
        for p in ElementTree.parse(tmp_path / "j.xml").getroot().iter("property")
    }
    assert float(properties["hil.metrics.accuracy"]) > 0.9
    assert properties["hil.mismatched_bytes"] == "0"
    assert properties["hil.bit_exact"] == "True"
    assert properties["hil.samples"] == "300"
    assert properties["hil.model_sha256"] == bundle.manifest.model_sha256
    assert float(properties["hil.latency_us.median"]) > 0
    assert (tmp_path / "out" / "test_the_digits_on_the_board" / "report.html").is_file()


def test_the_printed_failure_is_what_a_bundle_that_answers_otherwise_gives(tmp_path: Path, data: Dataset):
    write_digits_bundle(tmp_path / "build" / "digits", data=data, wrong_golden=True)
    done = run_pytest(
        tmp_path, PRINTED[0], "--hil-bundle", "build/digits", "--hil-data", "digits", "--junitxml", "j.xml"
    )
    assert done.returncode == 1
    printed = re.search(r"```text\n(>       assert run.bit_exact.*?)```", PAGE.read_text("utf-8"), re.S)[1]
    for line in printed.splitlines():
        assert line.split("…")[0] in done.stdout
    assert re.search(r"golden input 2: byte 7: expected -?\d+, board -?\d+", done.stdout)
    failure = ElementTree.parse(tmp_path / "j.xml").getroot().find(".//failure")
    assert "golden input 2: byte 7" in failure.text


def test_the_printed_test_names_the_pictures_that_a_poor_bundle_gets_wrong(tmp_path: Path, data: Dataset):
    # So strong a penalty that hardly more than the bias is left of the classifier.
    poor = write_digits_bundle(tmp_path / "poor", data=data, ridge=1e5)
    done = run_pytest(tmp_path, PRINTED[0], "--hil-bundle", str(poor.path), "--hil-data", "digits")
    assert done.returncode == 1
    assert re.search(r"assert 0\.\d+ >= 0\.90", done.stdout) or re.search(
        r"assert 0\.\d+ >= 0\.9", done.stdout
    )
    assert re.search(r"\d+ of 300 samples are answered wrong", done.stdout)
    assert re.search(r"  digits/\d{4} \(truth \d, board \d\)", done.stdout)


def test_the_printed_tests_that_share_a_run_stream_once(bundle: Bundle, tmp_path: Path):
    arguments = [
        "--hil-bundle",
        str(bundle.path),
        "--hil-data",
        "digits",
        "--hil-limit",
        "20",
        "--hil-out",
        "out",
    ]
    done = run_pytest(tmp_path, PRINTED[1], *arguments)
    assert "3 passed" in done.stdout, done.stdout
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "hil_run.json",
        "outputs.npy",
        "report.html",
    ]


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_without_a_bundle_it_skips_and_fails_where_ci_is_true(tmp_path: Path, ci: str, outcome: str):
    done = run_pytest(tmp_path, PRINTED[0], "-rs", ci=ci)
    assert outcome in done.stdout
    assert "--hil-bundle BUNDLE" in done.stdout


def test_a_bundle_that_names_no_data_asks_for_it(bundle: Bundle, tmp_path: Path):
    done = run_pytest(tmp_path, PRINTED[0], "--hil-bundle", str(bundle.path))
    assert done.returncode != 0
    assert "pass --hil-data" in done.stdout


def test_loading_the_plugin_imports_nothing_heavy():
    code = (
        "import mcu.hil.pytest_plugin, sys\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'numpy', 'PIL', 'jinja2', 'pydantic'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
