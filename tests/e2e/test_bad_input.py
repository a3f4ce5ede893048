"""Bad input on the command line: one clear error each, the right exit code, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mcu.bundle import Bundle
from mcu.errors import ExitCode

pytestmark = pytest.mark.xdist_group("trained_run")  # one worker, so that the run is made once


def one_error(answer, code: ExitCode, *words: str) -> None:  # type: ignore[no-untyped-def]
    assert answer.code == code, answer.err
    assert answer.err.count("error:") == 1, answer.err
    assert "Traceback" not in answer.err
    for word in words:
        assert word in answer.err, answer.err
    assert answer.out == ""


def pictures(folder: Path, *, count: int = 12, seed: int = 0) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for index in range(count):
        Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).save(folder / f"{index}.png")


@pytest.fixture
def two_classes(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        pictures(tmp_path / "data" / name, seed=len(name))
    return tmp_path / "data"


def test_a_missing_data_folder(cli, tmp_path: Path):  # type: ignore[no-untyped-def]
    answer = cli(
        "keras-tiny", "train", "--data", f"folders:{tmp_path}/nowhere", "--run-dir", tmp_path / "run"
    )
    one_error(answer, ExitCode.USAGE, "nowhere")
    assert not (tmp_path / "run").exists()


def test_an_empty_data_folder(cli, tmp_path: Path):  # type: ignore[no-untyped-def]
    (tmp_path / "empty").mkdir()
    answer = cli("keras-tiny", "train", "--data", f"folders:{tmp_path}/empty", "--run-dir", tmp_path / "run")
    one_error(answer, ExitCode.USAGE, "empty")


def test_one_class_only(cli, tmp_path: Path):  # type: ignore[no-untyped-def]
    pictures(tmp_path / "data" / "cat")
    answer = cli("keras-tiny", "train", "--data", f"folders:{tmp_path}/data", "--run-dir", tmp_path / "run")
    one_error(answer, ExitCode.USAGE, "cat")


def test_a_corrupt_picture_is_named(cli, two_classes: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    (two_classes / "cat" / "3.png").write_bytes((two_classes / "cat" / "3.png").read_bytes()[:40])
    (two_classes / "dog" / "5.png").write_bytes(b"this is text")
    answer = cli(
        "keras-tiny",
        "train",
        "--data",
        f"folders:{two_classes}",
        "--image-size",
        32,
        "--run-dir",
        tmp_path / "run",
    )
    assert answer.code == ExitCode.USAGE
    assert "Traceback" not in answer.err
    assert "3.png" in answer.err or "5.png" in answer.err


def test_training_and_validation_classes_that_differ(cli, tmp_path: Path):  # type: ignore[no-untyped-def]
    for split, names in (("train", ("cat", "dog")), ("val", ("cat", "fox"))):
        for name in names:
            pictures(tmp_path / "data" / split / name)
    answer = cli("keras-tiny", "train", "--data", f"folders:{tmp_path}/data", "--run-dir", tmp_path / "run")
    one_error(answer, ExitCode.USAGE, "fox")


def test_an_empty_test_split(cli, copied_bundle: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    for split in ("train", "val", "test"):
        for digit in range(10):
            folder = tmp_path / "data" / split / str(digit)
            pictures(folder, count=1) if split != "test" else folder.mkdir(parents=True)
    answer = cli("mcu", "validate", copied_bundle, "--data", f"folders:{tmp_path}/data")
    one_error(answer, ExitCode.USAGE, "test")


def test_a_calibration_set_that_is_too_small(cli, run_dir: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    recipe = (
        (run_dir / "recipe.yaml").read_text().replace("calibration_samples: 32", "calibration_samples: 3")
    )
    (tmp_path / "recipe.yaml").write_text(recipe)
    (tmp_path / "float.npz").write_bytes((run_dir / "float.npz").read_bytes())
    answer = cli("keras-tiny", "quantize", tmp_path, "--run-dir", tmp_path / "new")
    assert answer.code == ExitCode.USAGE
    assert "calibration" in answer.err
    assert "3" in answer.err


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x1c\x00\x00\x00TFL3" + bytes(40)])
def test_a_file_that_is_not_a_tflite_given_to_audit(cli, tmp_path: Path, content: bytes):  # type: ignore[no-untyped-def]
    (tmp_path / "x.tflite").write_bytes(content)
    one_error(cli("keras-tiny", "audit", tmp_path / "x.tflite"), ExitCode.USAGE, "x.tflite")


def test_audit_of_a_file_that_does_not_exist(cli, tmp_path: Path):  # type: ignore[no-untyped-def]
    one_error(cli("keras-tiny", "audit", tmp_path / "x.tflite"), ExitCode.USAGE, "x.tflite")


def test_a_bundle_with_a_flipped_byte_in_the_model(cli, copied_bundle: Path):  # type: ignore[no-untyped-def]
    path = copied_bundle / "model.tflite"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    one_error(cli("mcu", "validate", copied_bundle), ExitCode.USAGE, "model.tflite", "changed")


def test_a_truncated_manifest(cli, copied_bundle: Path):  # type: ignore[no-untyped-def]
    path = copied_bundle / "manifest.json"
    path.write_bytes(path.read_bytes()[:300])
    one_error(cli("mcu", "validate", copied_bundle), ExitCode.USAGE, "manifest.json")


@pytest.mark.parametrize(
    ("change", "word"),
    [({"format_version": 2}, "2"), ({"files": {"../x": {"bytes": 1, "sha256": "0" * 64}}}, "inside")],
)
def test_a_manifest_of_a_newer_format_or_with_a_path_that_leaves(cli, copied_bundle: Path, change, word: str):  # type: ignore[no-untyped-def]
    path = copied_bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    one_error(cli("mcu", "validate", copied_bundle), ExitCode.USAGE, word)


def test_data_with_other_labels_than_the_bundles(cli, copied_bundle: Path, two_classes: Path):  # type: ignore[no-untyped-def]
    answer = cli("mcu", "validate", copied_bundle, "--data", f"folders:{two_classes}")
    one_error(answer, ExitCode.USAGE, "cat")


def test_a_serial_port_that_does_not_exist(cli, copied_bundle: Path):  # type: ignore[no-untyped-def]
    answer = cli("mcu", "validate", copied_bundle, "--board", "nucleo_f446re", "--port", "/dev/ttyNONE7")
    one_error(answer, ExitCode.BOARD, "/dev/ttyNONE7")


def test_an_unknown_board_offers_near_names(cli, copied_bundle: Path):  # type: ignore[no-untyped-def]
    one_error(
        cli("mcu", "validate", copied_bundle, "--board", "nucleo_f446r"), ExitCode.USAGE, "nucleo_f446re"
    )


def test_an_unknown_model_and_an_unknown_recipe_key_offer_near_names(cli, tmp_path: Path):  # type: ignore[no-untyped-def]
    answer = cli(
        "keras-tiny", "train", "--model", "mobilnet_v2", "--image-size", 32, "--run-dir", tmp_path / "run"
    )
    one_error(answer, ExitCode.USAGE, "mobilenet_v2")
    one_error(
        cli("keras-tiny", "train", "--set", "float_phase.epoch=3"), ExitCode.USAGE, "float_phase.epochs"
    )


def test_a_wrong_type_in_the_recipe_says_which_key_and_what_was_received(cli):  # type: ignore[no-untyped-def]
    one_error(cli("keras-tiny", "train", "--set", "batch_size=many"), ExitCode.USAGE, "batch_size", "many")


SMALL = ("--model", "mobilenet_v1", "--width", 0.25, "--image-size", 32)


def test_num_classes_that_contradicts_the_data_names_both_numbers(cli, tmp_path: Path):  # type: ignore[no-untyped-def]
    answer = cli(
        "keras-tiny", "train", *SMALL, "--set", "model.arguments.num_classes=7", "--run-dir", tmp_path / "run"
    )
    one_error(answer, ExitCode.USAGE, "7 outputs", "10 classes")
    assert not (tmp_path / "run").exists()


def test_a_warm_start_from_a_checkpoint_of_another_model_names_layers_of_both(cli, tmp_path: Path):  # type: ignore[no-untyped-def]
    np.savez(tmp_path / "float.npz", **{"weights/0000/other/kernel:0": np.zeros((3, 3), np.float32)})
    answer = cli("keras-tiny", "train", *SMALL, "--warm-start", tmp_path, "--run-dir", tmp_path / "run")
    assert answer.code == ExitCode.USAGE, answer.err
    assert "No layer of" in answer.err
    assert "it has other; the model has" in answer.err
    assert "Traceback" not in answer.err


def test_a_run_folder_that_is_taken_is_left_alone(cli, tmp_path: Path):  # type: ignore[no-untyped-def]
    (tmp_path / "notes.txt").write_text("mine")
    one_error(
        cli("keras-tiny", "train", "--image-size", 32, "--run-dir", tmp_path), ExitCode.USAGE, "not empty"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_resuming_with_a_changed_recipe_lists_what_changed(cli, run_dir: Path):  # type: ignore[no-untyped-def]
    answer = cli("keras-tiny", "train", "--resume", "--run-dir", run_dir, "--batch-size", 7)
    one_error(answer, ExitCode.USAGE, "batch_size: 32 → 7")


@pytest.mark.parametrize(
    ("missing", "command", "extra"),
    [
        ("tensorflow", ["keras-tiny", "train", "--run-dir", "x"], "train"),
        ("tf_keras", ["keras-tiny", "train", "--run-dir", "x"], "train"),
        ("tflite_micro", ["mcu", "validate", "BUNDLE"], "virtual"),
    ],
)
def test_a_missing_extra_is_exit_4_with_the_pip_line(
    bundle: Bundle, tmp_path: Path, missing: str, command: list[str], extra: str
):
    program, *arguments = [str(bundle.path) if word == "BUNDLE" else word for word in command]
    module = "mcu.cli" if program == "mcu" else "keras_tiny.cli"
    code = f"import sys; sys.modules[{missing!r}] = None; from {module} import main; sys.argv[1:] = {arguments}; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == ExitCode.MISSING_TOOL, done.stderr
    assert f"pip install 'keras-tiny[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def start_validation(bundle: Bundle, out: Path) -> subprocess.Popen[str]:
    """`mcu validate` in a process group of its own, once the first samples have been answered."""
    code = (
        "import sys, pathlib, mcu.hil.runner as r\n"
        "from mcu.cli import main\n"
        "s = r.stream\n"
        "def slow(*a, **k):\n"
        "    import time\n"
        "    for index, answer in enumerate(s(*a, **k)):\n"
        f"        pathlib.Path({str(out / 'answered')!r}).write_text(str(index))\n"
        "        time.sleep(0.05)\n"
        "        yield answer\n"
        "r.stream = slow\n"
        f"sys.argv[1:] = ['validate', {str(bundle.path)!r}, '--out', {str(out)!r}, '--wait', '0']\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (out / "answered").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def gone(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_ctrl_c_is_exit_130_and_leaves_no_board_behind(bundle: Bundle, tmp_path: Path):
    process = start_validation(bundle, tmp_path)
    boards = children(process.pid)
    assert boards
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert "Traceback" not in err
    time.sleep(0.5)
    assert all(gone(pid) for pid in boards)
    assert not (tmp_path / "hil_run.json").exists()


def test_a_virtual_board_killed_in_the_middle_of_a_run_says_so_at_once(bundle: Bundle, tmp_path: Path):
    process = start_validation(bundle, tmp_path)
    for pid in children(process.pid):
        os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    _, err = process.communicate(timeout=20)
    assert process.returncode == ExitCode.BOARD, err
    assert "Traceback" not in err
    assert time.monotonic() - killed < 10
    assert json.loads((tmp_path / "hil_run.incomplete.json").read_text())["complete"] is False
    assert not (tmp_path / "hil_run.json").exists()
