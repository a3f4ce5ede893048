"""Run a .tflite file in TensorFlow Lite Micro's interpreter and measure its arena (the `tflite-micro` wheel)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np

from mcu.errors import BadInput, MissingExtra, ModelFileError, missing_extra
from mcu.tensor import TensorSpec
from mcu.tflite import TfliteModel, check_graph, read_model
from mcu.tflm_probe import ALIGNMENT_BYTES, new_interpreter

_MAX_ARENA_BYTES = 1 << 30

# Share of each part of the tail that a 32-bit target saves: bytes of the struct here and there, from the declarations
# in tensorflow/lite/c/common.h (TF_LITE_STATIC_MEMORY) and tensorflow/lite/micro/micro_allocator.h.
SHRINK_32BIT = {
    "TfLiteEvalTensor data": 1 - 12 / 24,  # data, dims, type
    "NodeAndRegistration struct": 1 - 32 / 64,  # six pointers, a size, the registration
    "Persistent TfLiteTensor data": 1 - 40 / 64,
    "Persistent TfLiteTensor quantization data": 1
    - 20 / 32,  # scale, zero point, dimension, one zero point array
}

_stderr_lock = threading.Lock()


@dataclass(frozen=True)
class ArenaUsage:
    """What TensorFlow Lite Micro needs on this 64-bit host, by its recording allocator.

    Attributes:
        total_bytes: the smallest arena in which the model allocates and runs: head + tail, and for tiny models more,
            because planning the memory itself takes some for a moment.
        head_bytes: activations and scratch buffers.
        tail_bytes: what stays for the interpreter's lifetime: tensor and node structs, kernel data.
        parts: (what, bytes, allocations) of the tail, as the allocator names them.
    """

    total_bytes: int
    head_bytes: int
    tail_bytes: int
    parts: tuple[tuple[str, int, int], ...] = field(default=(), repr=False)

    @property
    def total_bytes_32bit(self) -> int:
        """Estimate of `total_bytes` on a microcontroller, where pointers take 4 bytes; meant to err upwards.

        The head holds numbers only and stays. Of the tail, the structs that are mostly pointers shrink by a known
        share (`SHRINK_32BIT`); kernel data and the allocator's own state shrink too, but by what is in no report, so
        they are left as they are. MobileNetV2 0.35 at 96x96x3: 0.7 % above what a Cortex-M4 needs (204,612 B).
        """
        saved = sum(int(used * SHRINK_32BIT.get(name, 0)) for name, used, _ in self.parts)
        return -(-(self.total_bytes - saved) // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


class TflmInterpreter:
    """The reference: TensorFlow Lite Micro with its reference kernels, on one model.

    Args:
        model_bytes: a .tflite file.
        arena_bytes: what a board would give it; None for as much as it takes.
        keep_tensors: every tensor keeps its memory after an inference, for `tensor`; nothing is recorded then.

    Raises:
        ModelFileError: not a .tflite file, or one that TensorFlow Lite Micro cannot run.
        BadInput: an arena that is too small.
        MissingExtra: the `tflite-micro` wheel is not installed.
    """

    def __init__(self, model_bytes: bytes, *, arena_bytes: int | None = None, keep_tensors: bool = False):
        require_wheel()
        # The wheel itself trusts the file: a damaged one ends the process or reads beyond the arena.
        model = read_model(model_bytes)
        check_graph(model)
        if model.subgraph_count > 1:
            raise ModelFileError(
                f"The model has {model.subgraph_count} subgraphs; control flow is not supported."
            )
        self.model: TfliteModel = model
        self.inputs: tuple[TensorSpec, ...] = tuple(model.tensors[index].spec() for index in model.inputs)
        self.outputs: tuple[TensorSpec, ...] = tuple(model.tensors[index].spec() for index in model.outputs)
        model_bytes = bytes(model_bytes)
        if arena_bytes is not None:
            need = measure_arena(model_bytes).total_bytes
            if arena_bytes < need:
                raise BadInput(
                    f"An arena of {arena_bytes} bytes is too small; this model needs {need} bytes."
                )
        self.arena_bytes = _generous_arena_bytes(model) if arena_bytes is None else arena_bytes
        with _captured_stderr() as messages:
            try:
                self._interpreter = new_interpreter(
                    model_bytes, arena_bytes=self.arena_bytes, keep_tensors=keep_tensors
                )
            except RuntimeError as error:
                said = messages().strip() or str(error)
                raise ModelFileError(f"TensorFlow Lite Micro cannot run this model: {said}") from error

    def invoke(self, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """Run one inference.

        Args:
            inputs: one array for each of `self.inputs`, of exactly its shape and type.

        Returns:
            One new array for each of `self.outputs`.

        Raises:
            BadInput: another number of arrays, another shape or another type.
        """
        if len(inputs) != len(self.inputs):
            raise BadInput(f"The model takes {len(self.inputs)} inputs, received {len(inputs)}.")
        for index, (array, spec) in enumerate(zip(inputs, self.inputs, strict=True)):
            self._interpreter.SetInputTensor(_as_expected(array, spec), index)
        try:
            self._interpreter.Invoke()
        except RuntimeError as error:
            raise ModelFileError("TensorFlow Lite Micro stopped in the middle of this model.") from error
        return tuple(self._interpreter.GetOutputTensor(index) for index in range(len(self.outputs)))

    def tensor(self, index: int) -> np.ndarray:
        """A copy of one tensor as the last inference left it; needs `keep_tensors`."""
        return np.array(self._interpreter.GetTensor(index, 0)["tensor_data"])

    def allocations(self) -> str:
        """What the recording allocator prints: the arena's head, tail and the parts of the tail."""
        with _captured_stderr() as messages:
            self._interpreter.PrintAllocations()
            return messages()


def measure_arena(model_bytes: bytes) -> ArenaUsage:
    """How much arena a model needs on this host, found with the real interpreter.

    Raises:
        ModelFileError, MissingExtra: see `TflmInterpreter`.
    """
    interpreter = TflmInterpreter(model_bytes)
    # Some kernels allocate on the first inference.
    interpreter.invoke([np.zeros(spec.shape, spec.dtype) for spec in interpreter.inputs])
    text = interpreter.allocations()
    head, tail = (_number(rf"allocation {part} (\d+) bytes", text) for part in ("head", "tail"))
    parts = tuple(
        (name, int(used), int(count))
        for name, used, count in re.findall(r"'([^']+)' used (\d+) bytes.*? for (\d+) ", text)
    )
    total = _smallest_arena(bytes(model_bytes), lowest=head + tail)
    return ArenaUsage(total, head, tail, parts)


def _smallest_arena(model_bytes: bytes, *, lowest: int) -> int:
    """The smallest arena of at least `lowest` bytes in which the model runs; see `mcu.tflm_probe`."""
    command = [sys.executable, "-m", "mcu.tflm_probe", str(lowest), str(_MAX_ARENA_BYTES)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, input=model_bytes, env=environment, capture_output=True, check=False)
    if done.returncode != 0 or int(done.stdout) == 0:
        said = done.stderr.decode("utf-8", errors="replace").strip()[-300:]
        raise ModelFileError(f"TensorFlow Lite Micro ended its process while the arena was measured. {said}")
    return int(done.stdout)


def _generous_arena_bytes(model: TfliteModel) -> int:
    """More than the model can need; memory that is not touched costs nothing."""
    computed = sum(tensor.nbytes for tensor in model.tensors if not tensor.is_constant)
    channels = sum(len(tensor.scales) for tensor in model.tensors)
    # Besides its output, a kernel asks at most for an int32 per output (TRANSPOSE_CONV, MEAN).
    arena_bytes = (
        (1 << 18) + 6 * computed + 64 * channels + 2048 * (len(model.tensors) + len(model.operators))
    )
    if arena_bytes > _MAX_ARENA_BYTES:
        raise ModelFileError(
            f"The model computes {computed} bytes of tensors, far beyond any microcontroller."
        )
    # Of an arena that ends between two alignments, the tail would be measured some bytes larger.
    return -(-arena_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def _as_expected(array: np.ndarray, spec: TensorSpec) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.dtype != spec.dtype or array.shape != spec.shape:
        received = (
            f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
        )
        raise BadInput(f"Input '{spec.name}' takes {spec.dtype} {spec.shape}, received {received}.")
    return array if array.flags.c_contiguous else array.copy(order="C")


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    if found is None:
        raise MissingExtra(
            "The installed tflite-micro prints its allocations in another form than the pinned one.",
            hint="Install the pinned one with: pip install 'keras-tiny[virtual]'",
        )
    return int(found.group(1))


def require_wheel() -> None:
    """Raise `MissingExtra` unless the `tflite-micro` wheel can be imported."""
    try:
        from tflite_micro.python.tflite_micro import _runtime  # noqa: F401
    except ImportError as error:
        raise missing_extra("virtual", needed_for="Running TensorFlow Lite Micro on this computer") from error


@contextmanager
def _captured_stderr() -> Iterator[Any]:
    """What C code prints to stderr meanwhile: TensorFlow Lite Micro tells causes nowhere else."""
    with _stderr_lock, tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield lambda: _text(file)
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")
