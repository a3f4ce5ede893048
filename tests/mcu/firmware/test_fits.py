"""`mcu fits`: what it promises before a build is what the linker finds, and a no says how much and because of what."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keras_tiny.models.table import read_table
from mcu.boards import get_board
from mcu.compiler import EMITTERS, compile_model
from mcu.compiler.compiled import Kernels
from mcu.compiler.emit import LIBRARY, sketches_folder
from mcu.errors import BadInput
from mcu.firmware.builder import build_firmware
from mcu.firmware.code_bytes import code_bytes
from mcu.firmware.estimate import CODE_MARGIN, model_ram_bytes
from mcu.firmware.fits import fits
from mcu.firmware.gcc import TARGETS
from mcu.firmware.ports import PORTS, port_for
from mcu.firmware.verdict import Cover, Verdict
from mcu.tflite import read_model
from tests.benchmarks.code_bytes import BOARDS, measured_kernels
from tests.mcu.compiler.networks import mobilenet_v2
from tests.support import require
from tests.tflite_networks import residual_network, segmenter
from tests.tflite_writer import Graph

KEYS = (
    "board engine fits flash_bytes flash_spare ram_bytes ram_spare peak_operator assumed_flash_bytes"
    " assumed_ram_bytes operators_missing suggestion operators arena_bytes arena_source peak_tensors bytes_source"
    " latency"
)
# How far above the linker's map an estimate may be.
FLASH_SHARE, FLASH_BYTES, RAM_BYTES = 0.01, 6144, 512


def file_of(model_bytes: bytes, folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(model_bytes)
    return path


def one(model_bytes: bytes, folder: Path, board: str) -> Verdict:
    (verdict,) = fits(file_of(model_bytes, folder), board=board)
    return verdict


@pytest.mark.parametrize(
    ("board", "model"),
    [
        *((board, "residual") for board in BOARDS),
        ("qemu_riscv_virt", "segmenter"),
        ("qemu_stm32f405", "mobilenet_v2"),
    ],
)
def test_an_estimate_is_at_least_what_the_linker_finds_and_not_much_more(
    board: str, model: str, tmp_path: Path
):
    require(TARGETS[port_for(get_board(board)).target].compiler[0])
    makers = {"residual": residual_network, "segmenter": segmenter, "mobilenet_v2": mobilenet_v2}
    model_bytes = makers[model]()
    size = build_firmware(model_bytes, board=get_board(board)).size
    verdict = one(model_bytes, tmp_path, board)
    assert size is not None
    assert verdict.flash_bytes is not None
    assert verdict.ram_bytes is not None
    assert size.flash_bytes <= verdict.flash_bytes <= size.flash_bytes * (1 + FLASH_SHARE) + FLASH_BYTES
    assert size.ram_bytes <= verdict.ram_bytes <= size.ram_bytes + RAM_BYTES
    kernels: Kernels = "dsp" if TARGETS[port_for(get_board(board)).target].dsp else "portable"
    assert size.parts["model"].ram == model_ram_bytes(compile_model(model_bytes, kernels=kernels)), (
        "to the byte"
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [row.name for row in read_table() if row.tflite_bytes is not None])
def test_every_model_of_the_garden_takes_at_most_what_was_estimated(name: str, tmp_path: Path):
    for tool in ("module:tensorflow", "module:tf_keras", "arm-none-eabi-gcc"):
        require(tool)
    from keras_tiny.export.untrained import untrained_file
    from keras_tiny.models.variants import variants
    from keras_tiny.profile.count_variant import build_variant

    (variant,) = (each for each in variants() if each.name == name)
    path = file_of(untrained_file(build_variant(variant)), tmp_path)
    (estimated,), (linked,) = (fits(path, board="qemu_mps2_an500", build=build) for build in (False, True))
    assert linked.bytes_source == "linked"
    assert linked.flash_bytes is not None
    assert linked.ram_bytes is not None
    assert estimated.flash_bytes is not None
    assert estimated.ram_bytes is not None
    assert 0 <= estimated.flash_bytes - linked.flash_bytes <= linked.flash_bytes * FLASH_SHARE + FLASH_BYTES
    assert 0 <= estimated.ram_bytes - linked.ram_bytes <= RAM_BYTES


def test_every_kernel_is_in_the_table_for_every_target_that_runs_it():
    library = {path.name for path in (sketches_folder() / LIBRARY).glob("*.c")}
    for target in {port.target for port in PORTS if not port.in_ram}:
        listed = {part for of, part in code_bytes() if of == target}
        assert listed == {name for name in library if TARGETS[target].dsp or not name.endswith("_dsp.c")}


@pytest.mark.slow
def test_no_kernel_outgrew_the_table():
    for target in {port.target for port in PORTS if not port.in_ram}:
        require(TARGETS[target].compiler[0])
    for row in measured_kernels():
        assert row.flash_bytes <= code_bytes()[row.of, row.part].flash_bytes * (1 + CODE_MARGIN)


def test_all_boards_are_judged_and_what_is_left_adds_up(tmp_path: Path):
    verdicts = fits(file_of(residual_network(), tmp_path))
    assert {verdict.board for verdict in verdicts} > {"virtual", "nucleo_f446re", "esp32_s3_devkitc"}
    for verdict in verdicts:
        board = get_board(verdict.board)
        assert verdict.fits
        assert not verdict.suggestion
        if board.ram_bytes is None:
            assert verdict.ram_spare is verdict.flash_spare is None
        else:
            assert verdict.ram_bytes is not None
            assert verdict.ram_spare == board.ram_bytes - verdict.ram_bytes


def large_image() -> bytes:
    graph = Graph()
    x = graph.input("image", (1, 256, 256, 3))
    options = {"padding": "SAME", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
    y = graph.add("MAX_POOL_2D", (x,), "net/small/MaxPool", (1, 128, 128, 3), options=options)
    return graph.build(outputs=[y])


def test_a_model_that_does_not_fit_says_how_much_and_which_operator_makes_the_peak(tmp_path: Path):
    verdict = one(large_image(), tmp_path, "nucleo_f446re")
    assert not verdict.fits
    assert verdict.ram_spare is not None
    assert verdict.ram_spare < 0
    assert verdict.peak_operator == "0 MAX_POOL_2D (small)"
    assert f"{-verdict.ram_spare:,} bytes of RAM too many" in verdict.suggestion
    assert "Try a side of" in verdict.suggestion


def test_the_side_that_is_suggested_fits(tmp_path: Path):
    """The suggestion of a model whose memory is all image."""
    verdict = one(large_image(), tmp_path, "nucleo_f446re")
    side = int(verdict.suggestion.split("a side of ")[1].split()[0])
    board = get_board("nucleo_f446re")
    arena = compile_model(large_image()).arena_bytes
    assert verdict.ram_bytes is not None
    assert board.ram_bytes is not None
    assert arena * (side / 256) ** 2 <= arena - (verdict.ram_bytes - board.ram_bytes)


def test_an_operator_that_the_engine_lacks_is_named(tmp_path: Path):
    graph = Graph()
    x = graph.input("x", (1, 4))
    verdict = one(graph.build(outputs=[graph.add("TANH", (x,), "net/odd/Tanh", (1, 4))]), tmp_path, "virtual")
    assert "TANH" not in EMITTERS
    assert (verdict.fits, verdict.operators_missing, verdict.flash_bytes) == (False, ("TANH",), None)
    assert "TANH (layer 'net/odd/Tanh')" in verdict.suggestion


def test_tflite_micro_needs_more_of_both(tmp_path: Path):
    path = file_of(residual_network(), tmp_path)
    (ours,), (theirs,) = (fits(path, board="nucleo_f446re", engine=engine) for engine in ("c", "tflm"))  # type: ignore[arg-type]
    assert theirs.engine == "tflm"
    assert theirs.ram_bytes is not None
    assert ours.ram_bytes is not None
    assert theirs.ram_bytes > ours.ram_bytes


def test_every_board_is_judged_with_every_engine(tmp_path: Path):
    verdicts = fits(file_of(residual_network(), tmp_path), engine="all")
    boards = {verdict.board for verdict in verdicts}
    assert {(verdict.board, verdict.engine) for verdict in verdicts} == {
        (board, engine) for board in boards for engine in ("c", "tflm")
    }
    assert len(verdicts) == 2 * len(boards)


def test_the_kernel_of_every_operator_is_named(tmp_path: Path):
    path = file_of(residual_network(), tmp_path)
    arm, sketch = (fits(path, board=board)[0].operators for board in ("nucleo_f446re", "esp32_devkitc"))
    assert {Cover("CONV_2D", "dsp", 2), Cover("DEPTHWISE_CONV_2D", "dsp", 1)} < {*arm}
    assert {each.kernel for each in sketch} <= {"portable", "none"}
    (theirs,) = fits(path, board="nucleo_f446re", engine="tflm")
    assert {each.kernel for each in theirs.operators} == {"registered"}
    for covers in (arm, sketch, theirs.operators):
        counts: dict[str, int] = {}
        for each in covers:
            counts[each.operator] = counts.get(each.operator, 0) + each.count
        assert counts == read_model(residual_network()).operator_counts


def test_an_arena_that_is_measured_is_the_one_that_was_planned(tmp_path: Path):
    require("module:tflite_micro")
    path = file_of(segmenter(), tmp_path)
    (planned,), (measured,) = (
        fits(path, board="nucleo_f446re", engine="tflm", measure=measure) for measure in (False, True)
    )
    assert (planned.arena_source, measured.arena_source) == ("planned", "measured")
    assert planned.arena_bytes is not None
    assert measured.arena_bytes is not None
    assert measured.arena_bytes <= planned.arena_bytes <= measured.arena_bytes * 1.02 + 256


def test_the_tensors_of_the_peak_are_named_the_largest_first(tmp_path: Path):
    for engine in ("c", "tflm"):
        (verdict,) = fits(file_of(large_image(), tmp_path), board="nucleo_h743zi2", engine=engine)  # type: ignore[arg-type]
        assert verdict.peak_operator == "0 MAX_POOL_2D (small)"
        assert verdict.peak_tensors[0] == ("image", 256 * 256 * 3)
        sizes = [size for _, size in verdict.peak_tensors]
        assert sizes == sorted(sizes, reverse=True)


def test_the_engine_that_would_do_is_proposed(tmp_path: Path):
    """In place, where TensorFlow Lite Micro keeps input and output."""
    graph = Graph()
    x = graph.input("image", (1, 90, 100, 10))
    path = file_of(
        graph.build(outputs=[graph.add("RELU", (x,), "net/only/Relu", (1, 90, 100, 10))]), tmp_path
    )
    ours, theirs = fits(path, board="nucleo_f446re", engine="all")
    assert (ours.fits, theirs.fits) == (True, False)
    assert ours.ram_bytes is not None
    assert f"The compiled engine fits, with {ours.ram_bytes:,} bytes of RAM: --engine c." in theirs.suggestion


def test_a_linked_verdict_has_the_linkers_bytes(tmp_path: Path):
    require("arm-none-eabi-gcc")
    board = get_board("nucleo_f446re")
    (verdict,) = fits(file_of(residual_network(), tmp_path), board=board, build=True)
    size = build_firmware(residual_network(), board=board).size
    assert size is not None
    assert verdict.bytes_source == "linked"
    assert (verdict.flash_bytes, verdict.ram_bytes) == (size.flash_bytes, size.ram_bytes)


def test_a_verdict_on_a_foreign_file_loads_no_framework(tmp_path: Path):
    """It is what keeps the answer under two seconds."""
    path = file_of(segmenter(), tmp_path)
    code = (
        "import sys; from mcu.cli import app\n"
        f"try: app(['fits', {str(path)!r}, '--engine', 'all', '--json'], standalone_mode=False)\n"
        "finally: import json; print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr))
    assert "mcu" in loaded
    assert not loaded & {"tensorflow", "keras", "tf_keras", "tflite_micro"}
    assert json.loads(done.stdout)["verdicts"]


def test_what_is_assumed_of_a_framework_is_said(tmp_path: Path):
    path = file_of(residual_network(), tmp_path)
    verdicts = {verdict.board: verdict for verdict in fits(path)}
    computed = {board for board, verdict in verdicts.items() if not verdict.assumed_flash_bytes}
    assert computed == {board for board, verdict in verdicts.items() if not verdict.assumed_ram_bytes}, (
        "both or none"
    )
    assert {"virtual", "nucleo_f446re", "qemu_stm32f405"} < computed
    sketch = verdicts["esp32_s3_eye"]
    assert sketch.flash_bytes is not None
    assert sketch.flash_bytes > sketch.assumed_flash_bytes == 384 << 10
    command = [sys.executable, "-c", "from mcu.cli import main; main()", "fits", str(path)]
    said = subprocess.run([*command, "--board", "esp32_s3_eye"], capture_output=True, text=True, check=False)
    assert "384 KiB of flash and 48 KiB of RAM of it are assumed" in said.stdout
    assert (
        "assumed"
        not in subprocess.run(
            [*command, "--board", "nucleo_f446re"], capture_output=True, text=True, check=False
        ).stdout
    )


def test_an_unknown_board_or_engine_is_refused(tmp_path: Path):
    path = file_of(residual_network(), tmp_path)
    with pytest.raises(BadInput, match="no board named 'nucleo_f446r'"):
        fits(path, board="nucleo_f446r")
    with pytest.raises(BadInput, match="no engine 'onnx'"):
        fits(path, engine="onnx")  # type: ignore[arg-type]


def test_the_command_prints_the_documented_keys_and_answers_with_its_exit_code(tmp_path: Path):
    code = "from mcu.cli import main; main()"
    asked = [sys.executable, "-c", code, "fits", str(file_of(large_image(), tmp_path)), "--json", "--board"]
    no = subprocess.run([*asked, "nucleo_f446re"], capture_output=True, text=True, check=False)
    yes = subprocess.run([*asked, "all"], capture_output=True, text=True, check=False)
    assert (no.returncode, yes.returncode) == (1, 0)
    for answer in (no, yes):
        for verdict in json.loads(answer.stdout)["verdicts"]:
            assert list(verdict) == KEYS.split()
    assert [each["engine"] for each in json.loads(no.stdout)["verdicts"]] == ["c", "tflm"], (
        "one board, both engines"
    )
    assert {each["engine"] for each in json.loads(yes.stdout)["verdicts"]} == {"c"}
