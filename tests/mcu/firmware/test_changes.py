"""What is proposed for a model that does not fit has a figure, and the figure is right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcu.boards import Board, get_board
from mcu.compiler import compile_model
from mcu.firmware.estimate import model_flash_bytes
from mcu.firmware.fits import fits
from mcu.firmware.verdict import Engine, Verdict
from tests.mcu.compiler.networks import mobilenet_v2
from tests.tflite_networks import segmenter
from tests.tflite_writer import Graph


def smaller(**limits: int) -> Board:
    """A board like the real one, with less of something."""
    return get_board("nucleo_f446re").model_copy(update={**limits, "flash": get_board("nucleo_f446re").flash})


def judged(model_bytes: bytes, folder: Path, *, board: Board, engine: Engine = "c") -> Verdict:
    path = folder / "model.tflite"
    path.write_bytes(model_bytes)
    (verdict,) = fits(path, board=board, engine=engine)
    return verdict


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found is not None, text
    return float(found[1].replace(",", ""))


def test_the_width_that_is_proposed_leaves_weights_that_fit(tmp_path: Path):
    verdict = judged(mobilenet_v2(), tmp_path, board=smaller(flash_bytes=300_000))
    assert not verdict.fits
    assert verdict.flash_spare is not None
    share = number(r"about ([\d.]+) of this one", verdict.suggestion)
    weights = model_flash_bytes(compile_model(mobilenet_v2(), kernels="dsp"))
    assert 0.3 < share < 1
    assert weights * share**2 <= weights + verdict.flash_spare


def test_where_even_no_weights_would_do_a_smaller_model_is_proposed(tmp_path: Path):
    verdict = judged(mobilenet_v2(), tmp_path, board=smaller(flash_bytes=5_000))
    assert "without any weights the firmware would still be too large" in verdict.suggestion


def test_another_upsampling_is_proposed_where_its_sums_make_the_peak(tmp_path: Path):
    board = smaller(ram_bytes=9_000)
    verdict = judged(segmenter(), tmp_path, board=board, engine="tflm")
    # 4 * 256 bytes of int32 sums beside 256 + 256 + 64; without them the concatenation of 512 + 256 + 256 decides.
    assert number(r"sums about ([\d,]+) bytes less", verdict.suggestion) == 1024 + 256 + 256 + 64 - 1024
    assert "TRANSPOSE_CONV" not in judged(segmenter(), tmp_path, board=board).suggestion


def test_a_board_with_room_gets_no_proposals(tmp_path: Path):
    assert judged(segmenter(), tmp_path, board=get_board("nucleo_f446re")).suggestion == ""


def test_psram_is_named_where_the_arena_would_go_there(tmp_path: Path):
    graph = Graph()
    x = graph.input("image", (1, 400, 400, 3))
    options = {"padding": "SAME", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
    model = graph.build(outputs=[graph.add("MAX_POOL_2D", (x,), "small", (1, 200, 200, 3), options=options)])
    verdict = judged(model, tmp_path, board=get_board("esp32_s3_eye"))
    assert "Its PSRAM of 8 MiB would hold the arena, slower." in verdict.suggestion


@pytest.mark.parametrize("engine", ["c", "tflm"])
def test_every_no_names_the_peak_and_where_to_go_on(engine: Engine, tmp_path: Path):
    verdict = judged(segmenter(), tmp_path, board=smaller(ram_bytes=8_500), engine=engine)
    assert not verdict.fits
    assert "bytes of RAM too many" in verdict.suggestion
    assert verdict.peak_operator in verdict.suggestion
    assert "keras-tiny advise --board nucleo_f446re" in verdict.suggestion
