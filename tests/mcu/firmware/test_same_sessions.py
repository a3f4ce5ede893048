"""The same sessions on every kind of board: TensorFlow Lite Micro, the compiled engine here, and under QEMU."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from mcu.postprocess.mask_object import mask_of, mask_tensor
from mcu.protocol.profile import ProfileUnit
from mcu.protocol.session import Session
from mcu.tflm import TflmInterpreter
from mcu.transport import open_port
from tests.mcu.firmware.conftest import EMULATED, TOOLS, url_of
from tests.support import require

INFERENCES = 5


def _inputs(desk: TflmInterpreter, *, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(-128, 128, spec.shape, np.int8) for spec in desk.inputs]


@pytest.mark.parametrize("name", ["classifier", "segmenter"])
def test_every_output_byte_is_that_of_tensorflow_lite_micro(board: str, models: dict[str, Path], name: str):
    require("module:tflite_micro")
    desk = TflmInterpreter(models[name].read_bytes())
    with Session.connect(open_port(url_of(board, models[name]))) as session:
        for seed in range(INFERENCES):
            inputs = _inputs(desk, seed=seed)
            answer = session.infer([array.tobytes() for array in inputs])
            assert answer.outputs == tuple(array.tobytes() for array in desk.invoke(inputs))
        stats = session.stats
    assert (stats.inferences, stats.crc_errors, stats.damage_reports) == (INFERENCES, 0, 0)


def test_the_mask_that_the_board_makes_is_that_of_its_bytes(board: str, models: dict[str, Path]):
    require("module:tflite_micro")
    desk = TflmInterpreter(models["segmenter"].read_bytes())
    tensor = mask_tensor(desk.outputs)
    assert tensor is not None
    with Session.connect(open_port(url_of(board, models["segmenter"]))) as session:
        for form in ("packed", "runs"):
            inputs = _inputs(desk, seed=7)
            answer = session.infer([array.tobytes() for array in inputs], mask=form)
            (expected,) = desk.invoke(inputs)
            assert answer.outputs == (expected.tobytes(),)
            assert answer.mask is not None
            assert np.array_equal(answer.mask, mask_of(expected.reshape(tensor.shape[1:]), tensor))
            assert 0 < answer.mask.mean() < 1


def test_the_identity_names_the_model_and_its_tensors(board: str, models: dict[str, Path]):
    require("module:tflite_micro")
    model = models["segmenter"].read_bytes()
    desk = TflmInterpreter(model)
    with Session.connect(open_port(url_of(board, models["segmenter"]))) as session:
        identity = session.identity
        session.require_model(sha256=identity.model_sha256, crc32=zlib.crc32(model))
    assert (identity.inputs, identity.outputs) == (desk.inputs, desk.outputs)
    assert identity.engine == ("tflm" if board == "virtual_tflm" else "c")
    assert identity.board == ("virtual" if board.startswith("virtual") else board)


def test_a_second_session_finds_the_board_as_the_first_did(board: str, models: dict[str, Path]):
    for _ in range(2):
        with Session.connect(open_port(url_of(board, models["classifier"]))) as session:
            inputs = [bytes(session.identity.inputs[0].nbytes)]
            first = session.infer(inputs).outputs
            assert session.infer(inputs).outputs == first


@pytest.mark.parametrize("board_id", EMULATED)
def test_instructions_are_counted_and_the_same_in_every_run(models: dict[str, Path], board_id: str):
    for tool in TOOLS[board_id]:
        require(tool)
    counts = set()
    for _ in range(2):
        with Session.connect(open_port(url_of(board_id, models["classifier"]))) as session:
            inputs = [bytes(range(192))]
            counts |= {session.infer(inputs).instructions for _ in range(3)}
    (count,) = counts
    assert count is not None
    assert (
        count > 5712
    )  # its multiply-accumulates, at most two in an instruction on one core, one on the others


@pytest.mark.parametrize("board_id", EMULATED)
def test_a_profile_tells_what_every_operator_took(models: dict[str, Path], board_id: str):
    for tool in TOOLS[board_id]:
        require(tool)
    with Session.connect(open_port(url_of(board_id, models["classifier"]))) as session:
        plain = session.infer([bytes(range(192))])
        profiled = session.infer([bytes(range(192))], profile=True)
    assert profiled.outputs == plain.outputs
    assert profiled.profile is not None
    assert profiled.profile.unit == ProfileUnit.INSTRUCTIONS
    assert len(profiled.profile.counts) == 7
    assert all(profiled.profile.counts)
    # What the operators took is what the whole took, but for the runner between them.
    assert plain.instructions is not None
    assert 0.7 * plain.instructions < sum(profiled.profile.counts) <= 1.2 * plain.instructions
