"""MLPerf Tiny's protocol, the device's side: every exchange of the vectors, and bytes that nobody would send."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.errors import BadInput
from mcu.protocol.mlperf_model import MlperfModel
from mcu.protocol.mlperf_tiny import MlperfTiny
from mcu.tensor import TensorSpec
from tests.mcu.protocol.loop import Invert
from tests.mcu.protocol.mlperf import MODEL_ID, SESSIONS, VectorModel, hold, lines_of


def _device(engine: Invert | None = None, *, id: str = MODEL_ID) -> MlperfTiny:
    return MlperfTiny(
        engine or VectorModel(), model=MlperfModel(id), clock_ns=itertools.count(0, 500_000).__next__
    )


@pytest.mark.parametrize("name", SESSIONS)
def test_every_exchange_is_that_of_the_vectors(name: str):
    hold(_device().feed, SESSIONS[name])


def test_a_command_may_arrive_byte_by_byte_and_commands_in_one_piece():
    whole = "".join(command for command, _ in SESSIONS["a sample in one line"]).encode()
    device = _device()
    by_byte = b"".join(device.feed(bytes([byte])) for byte in whole)
    assert lines_of(by_byte) == lines_of(_device().feed(whole))


def test_help_is_text_that_fits_a_line():
    help_, ready = lines_of(_device().feed(b"help%"))
    assert ready == "m-ready"
    assert 0 < len(help_) <= 90


def test_the_model_runs_as_often_as_it_is_asked_to():
    engine = VectorModel()
    _device(engine).feed(b"infer 3 4%infer%infer 2%")
    assert engine.runs == 3 + 4 + 1 + 10 + 2 + 10


def test_laps_tell_microseconds_and_wrap_at_32_bits():
    times_ns = iter([5_000, 5_000 + 1_000 * (2**32 + 7)])
    device = MlperfTiny(VectorModel(), model=MlperfModel("x"), clock_ns=times_ns.__next__)
    assert device.feed(b"timestamp%") == b"m-lap-us-7\r\nm-ready\r\n"


@pytest.mark.parametrize(("id", "real"), [("ic01", "-0.500"), ("kws01", "63.500")])
def test_pixels_become_int8_by_minus_128_and_spectrograms_stay_as_they_are(id: str, real: str):
    device = _device(Invert(inputs=(2,), outputs=(1,)), id=id)
    assert f"m-results-[{real}]" in lines_of(device.feed(b"db load 2%db 8000%infer 1 0%"))


@pytest.mark.parametrize("id", ["", "a]b", "ic 01", "ä", "x" * 33, "ad01", "sww01"])
def test_ids_that_the_runner_could_not_read_or_feed_are_refused(id: str):
    with pytest.raises(BadInput):
        MlperfModel(id)


@given(st.text(max_size=60))
def test_every_name_gives_an_id(name: str):
    assert MlperfModel.named(name).id


def test_tensors_that_are_not_int8_are_taken_and_given_as_they_are():
    class Negate:
        inputs = outputs = (TensorSpec(name="x", shape=(1, 2), dtype="float32", scale=0),)

        def invoke(self, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
            return (-inputs[0],)

    sent = np.array([1.5, -0.25], np.float32).tobytes().hex().encode()
    device = MlperfTiny(Negate(), model=MlperfModel("ic01"))
    assert b"m-results-[-1.500,0.250]" in device.feed(b"db load 8%db " + sent + b"%infer%")


@given(
    st.lists(st.sampled_from([b"db", b"load", b"infer", b" ", b"%", b"2", b"ff", b"print", b"\n", b"\xff"]))
)
def test_each_command_ends_in_one_m_ready_whatever_it_says(parts: list[bytes]):
    sent = b"".join(parts)
    assert lines_of(_device().feed(sent)).count("m-ready") == sent.count(b"%")
