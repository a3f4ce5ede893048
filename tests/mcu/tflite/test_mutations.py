"""A damaged .tflite file gives `ModelFileError` or a valid answer: never a crash, a hang or a huge allocation."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

from mcu.errors import ModelFileError
from mcu.tflite import TfliteModel, read_model
from tests.tflite_networks import residual_network, segmenter

WORDS = (0, 1, 2, 4, 0x7F, 0xFF, 0x100, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def mutated(original: bytes, rng: np.random.Generator) -> bytes:
    """One to three damages of the kinds that storage, transfer and attackers do."""
    data = bytearray(original)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(data))) if data else 0
        match rng.integers(7):
            case 0:
                data[at : at + 1] = bytes([int(rng.integers(256))])
            case 1:
                data[at : at + 1] = bytes([data[at] ^ (1 << int(rng.integers(8)))]) if data else b""
            case 2:
                at -= at % 4
                data[at : at + 4] = int(rng.choice(WORDS)).to_bytes(4, "little")
            case 3:
                at -= at % 4
                data[at : at + 4] = int(rng.integers(-200, 200)).to_bytes(4, "little", signed=True)
            case 4:
                del data[at:]
            case 5:
                del data[at : at + int(rng.integers(1, 64))]
            case 6:
                other = int(rng.integers(len(data))) if data else 0
                data[at : at + 32] = data[other : other + 32]
    return bytes(data)


def read_or_refuse(data: bytes) -> bool:
    """Whether the file was read; what was read is walked through as any user of it would."""
    try:
        model = read_model(data)
    except ModelFileError:
        return False
    use(model)
    return True


def use(model: TfliteModel) -> None:
    assert all(0 <= index < len(model.tensors) for index in (*model.inputs, *model.outputs))
    for operator in model.operators:
        assert all(-1 <= index < len(model.tensors) for index in operator.inputs)
        model.inputs_of(operator), model.outputs_of(operator)
    for tensor in model.tensors:
        assert tensor.nbytes >= 0
        assert isinstance(tensor.name, str)
        if tensor.buffer is not None:
            tensor.buffer.sum()
        assert len(tensor.zero_points) in (0, 1, len(tensor.scales))


def check_mutations(count: int, *, seed: int) -> None:
    rng = np.random.default_rng(seed)
    originals = (residual_network(), segmenter())
    read, slowest_s = 0, 0.0
    for index in range(count):
        data = mutated(originals[index % 2], rng)
        start = time.perf_counter()
        read += read_or_refuse(data)
        slowest_s = max(slowest_s, time.perf_counter() - start)
    # Both outcomes must have been seen, or the mutations prove nothing.
    assert 0.02 * count < read < 0.98 * count
    assert slowest_s < 5


def test_3000_mutated_files_are_read_or_refused():
    check_mutations(3000, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_100000_mutated_files_are_read_or_refused():
    check_mutations(100_000, seed=1)


def test_every_truncation_is_read_or_refused():
    original = residual_network()
    for length in range(0, len(original), 3):
        read_or_refuse(original[:length])


def test_every_single_byte_may_become_ff():
    original = residual_network()
    for at in range(0, len(original), 5):
        read_or_refuse(original[:at] + b"\xff" + original[at + 1 :])


def test_a_vector_that_claims_four_billion_elements_takes_no_memory():
    original = residual_network()
    at = original.index(np.array([4, 1, 8, 8, 3], "<i4").tobytes())
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="claims 4294967295 elements"):
        read_model(original[:at] + b"\xff\xff\xff\xff" + original[at + 4 :])
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
