"""Masks across the line: what the board makes of its output is what the desk makes of the same bytes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.errors import LinkError
from mcu.postprocess.mask_object import HEAD, mask_of, mask_tensor, pack_mask, packed_bytes, unpack_mask
from mcu.protocol.frame import Frame, FrameReader, encode_frame
from mcu.protocol.messages import Data, Error, Feature, Fetch, Hello, Invoke, Message, Object, Result, Type
from mcu.tensor import TensorSpec
from tests.mcu.protocol.loop import SESSION, Invert, Loop, make_board, noise
from tests.mcu.protocol.masks import OUTPUTS, Segmenter

FORMS = ("packed", "runs")


@st.composite
def score_tensors(draw: st.DrawFn) -> tuple[bytes, TensorSpec]:
    height, width, channels = draw(st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 16)))
    spec = TensorSpec(
        name="y",
        shape=(1, height, width, channels),
        scale=draw(st.sampled_from([1 / 256, 0.1])),
        zero_point=draw(st.sampled_from([-128, 0, 127])),
    )
    patch = draw(st.binary(min_size=channels, max_size=4 * channels))
    return (patch * (spec.nbytes // len(patch) + 1))[: spec.nbytes], spec


@given(score_tensors(), st.booleans())
def test_a_mask_packed_or_as_runs_is_the_mask_again(tensor: tuple[bytes, TensorSpec], runs: bool):
    scores, spec = tensor
    block = pack_mask(scores, spec, runs=runs)
    expected = mask_of(np.frombuffer(scores, np.int8).reshape(spec.shape[1:]), spec)
    np.testing.assert_array_equal(unpack_mask(block, spec), expected)
    assert len(block) == packed_bytes(spec) if not runs else len(block) <= HEAD.size + expected.size
    if runs and HEAD.size < len(block):
        with pytest.raises(LinkError):
            unpack_mask(block[:-1], spec)


def test_a_damaged_mask_is_refused():
    spec = TensorSpec(name="y", shape=(1, 3, 5, 4), scale=0.1)
    block = pack_mask(bytes(spec.nbytes), spec, runs=False)
    for at in range(13):
        broken = block[:at] + bytes([block[at] ^ 0x41]) + block[at + 1 :]
        with pytest.raises(LinkError, match="not what the board announced"):
            unpack_mask(broken, spec)


def test_only_a_single_int8_picture_of_up_to_sixteen_channels_becomes_a_mask():
    good = TensorSpec(name="y", shape=(1, 3, 5, 16), scale=0.1)
    assert mask_tensor((good,)) is good
    for wrong in (
        (good, good),
        (),
        (good.model_copy(update={"shape": (1, 3, 5, 17)}),),
        (good.model_copy(update={"shape": (1, 15)}),),
        (good.model_copy(update={"dtype": "float32"}),),
    ):
        assert mask_tensor(wrong) is None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("output", OUTPUTS)
def test_the_boards_mask_is_the_desks_and_its_output_is_there_besides(output: str, form: str):
    engine = Segmenter(output)
    with Loop(make_board(engine)).connect() as session:
        for seed in range(3):
            pixels, scores = engine.scores(seed=seed)
            answer = session.infer([pixels], mask=form)  # type: ignore[arg-type]
            assert answer.outputs == (scores.tobytes(),)
            np.testing.assert_array_equal(answer.mask, engine.mask(scores))
            assert session.infer([pixels]).mask is None
    assert engine.runs == 6


def test_with_the_outputs_expected_a_mask_is_nearly_all_that_crosses_the_line():
    engine = Segmenter("sixteen classes")
    pixels, scores = engine.scores()
    with Loop(make_board(engine)).connect() as session:
        before = session.stats.bytes_received
        answer = session.infer([pixels], expected=[scores.tobytes()], mask="packed")
        received = session.stats.bytes_received - before
    assert not answer.sent_by_board
    np.testing.assert_array_equal(answer.mask, engine.mask(scores))
    assert received < len(scores.tobytes()) / 16
    other = bytes([scores.flat[0] ^ 1 & 0xFF]) + scores.tobytes()[1:]
    with Loop(make_board(engine)).connect() as session:
        answer = session.infer([pixels], expected=[other], mask="runs")
    assert answer.outputs == (scores.tobytes(),)
    np.testing.assert_array_equal(answer.mask, engine.mask(scores))


@pytest.mark.parametrize("seed", range(4))
def test_masks_arrive_over_a_line_that_damages_bytes(seed: int):
    engine = Segmenter("sixteen classes")
    line = {"flip": 2e-5, "drop": 2e-4, "insert": 1e-4}
    loop = Loop(make_board(engine), up=noise(seed=seed, **line), down=noise(seed=seed + 50, **line))
    with loop.connect(timeout_s=60) as session:
        for number in range(4):
            pixels, scores = engine.scores(seed=number)
            answer = session.infer([pixels], mask=FORMS[number % 2])  # type: ignore[arg-type]
            np.testing.assert_array_equal(answer.mask, engine.mask(scores))
    assert engine.runs == 4


def test_a_board_without_masks_is_not_asked_for_one():
    for engine, features in ((Invert(), Feature.MASK), (Segmenter("two classes"), Feature(0))):
        board = make_board(engine)
        pixels = bytes(engine.inputs[0].nbytes)
        if not features:  # as firmware from before there were masks
            board._limits = dataclasses.replace(board._limits, features=features)
        with Loop(board).connect() as session:
            assert session.infer([pixels], mask="packed").mask is None


class Line:
    """Frames to a board and its answers, without a session."""

    def __init__(self, engine: Invert):
        self._board, self._seq = make_board(engine), 0

    def say(self, message: Message) -> list[Frame]:
        wire = encode_frame(Frame(message.frame_type, message.pack(), self._seq, SESSION))
        self._seq += 1
        return [frame for frame in FrameReader().feed(self._board.feed(wire)) if frame is not None]


def test_a_mask_takes_the_place_of_the_result_and_the_model_does_not_run_again():
    engine = Segmenter("four classes")
    pixels, scores = engine.scores()
    line = Line(engine)
    line.say(Hello(1, 1, 2048, nonce=1))
    (early,) = line.say(Fetch(1, Object.MASK, 0, 9999))
    assert Error.unpack(early.payload).code == 4  # BAD_REQUEST
    line.say(Data(1, 0, 0, pixels))
    first = Result.unpack(line.say(Invoke(1))[0].payload)
    assert first.data == scores.tobytes()
    block = b"".join(frame.payload[8:] for frame in line.say(Fetch(1, Object.MASK, 0, 9999)))
    np.testing.assert_array_equal(unpack_mask(block, engine.outputs[0]), engine.mask(scores))
    (again,) = line.say(Fetch(1, Object.MASK, 5, 6))
    assert again.payload[8:] == block[5:11]
    for gone in (Object.RESULT, Object.MASK_RUNS):
        (refused,) = line.say(Fetch(1, gone, 0, 9999))
        assert (refused.type, Error.unpack(refused.payload).code) == (Type.ERROR, 1)  # NO_SUCH_OBJECT
    (repeated,) = line.say(Invoke(1))
    assert Result.unpack(repeated.payload) == dataclasses.replace(first, data=b"")
    assert engine.runs == 1
    (chunk,) = [*line.say(Data(2, 0, 0, pixels)), *line.say(Invoke(2))]
    assert Result.unpack(chunk.payload).data == scores.tobytes()


def test_a_failed_run_has_no_mask():
    engine = Segmenter("four classes")
    engine.fails = True
    line = Line(engine)
    line.say(Hello(1, 1, 2048, nonce=1))
    line.say(Data(1, 0, 0, bytes(engine.inputs[0].nbytes)))
    assert Result.unpack(line.say(Invoke(1))[0].payload).status
    (refused,) = line.say(Fetch(1, Object.MASK, 0, 9999))
    assert Error.unpack(refused.payload).code == 1
