"""What a .tflite costs on a board: multiply-accumulates, flash, activation memory, arena."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keras_tiny.errors import BadInput
from keras_tiny.profile.macs import total_macs
from keras_tiny.profile.memory import ActivationMemory, activation_memory
from mcu.errors import MissingExtra
from mcu.tflite import read_model
from mcu.tflm import measure_arena


@dataclass(frozen=True)
class Profile:
    """The numbers of one file; None where they are not known.

    Attributes:
        params: trainable parameters of the float model, which a .tflite does not tell.
        macs: multiply-accumulates of one inference.
        tflite_bytes: the file, which lies in flash.
        memory: which tensors are alive when.
        arena_bytes: measured by TensorFlow Lite Micro's interpreter on a 64-bit host.
        arena_bytes_32bit: estimate for a microcontroller.
        operators: operator name → how often.
        convention: what `macs` counts, see keras_macs.py.
    """

    params: int | None
    macs: int
    tflite_bytes: int
    memory: ActivationMemory
    arena_bytes: int | None
    arena_bytes_32bit: int | None
    operators: dict[str, int]
    convention: str = "keras_tiny"

    @property
    def scratch_bytes(self) -> int:
        """What the hungriest TRANSPOSE_CONV asks for beside its tensors; 0 without any."""
        return max(moment.scratch_bytes for moment in self.memory.timeline)

    def to_dict(self) -> dict[str, object]:
        """The keys of `keras-tiny profile --json`."""
        return {
            "params": self.params,
            "macs": self.macs,
            "tflite_bytes": self.tflite_bytes,
            "peak_activation_bytes": self.memory.peak_activation_bytes,
            "peak_operator": self.memory.peak_operator,
            "arena_bytes": self.arena_bytes,
            "arena_bytes_32bit": self.arena_bytes_32bit,
            "operators": dict(self.operators),
            "convention": self.convention,
            "peak_skips": [
                {"layer": skip.layer, "bytes": skip.bytes, "from": skip.first, "to": skip.last}
                for skip in self.memory.peak_skips
            ],
            "transpose_conv_scratch_bytes": self.scratch_bytes,
        }


def profile(
    model: bytes | str | Path,
    *,
    params: int | None = None,
    macs: int | None = None,
    convention: str = "keras_tiny",
) -> Profile:
    """Profile a .tflite file, given as bytes or as a path; needs no TensorFlow.

    The arena is None where the extra `virtual` is not installed.

    Args:
        params: of the float model, if the caller knows it.
        macs: of the float model, counted in another convention; None counts the file's in ours.
        convention: that `macs` is in.

    Raises:
        BadInput: no such file.
        ModelFileError: not a .tflite file, or one that TensorFlow Lite Micro cannot run.
    """
    if isinstance(model, bytes):
        model_bytes = model
    else:
        try:
            model_bytes = Path(model).read_bytes()
        except OSError as error:
            raise BadInput(
                f"Cannot read {model}: {error.strerror}.", hint="Pass a .tflite file or a bundle folder."
            ) from None
    graph = read_model(model_bytes)
    memory = activation_memory(graph)
    try:
        arena = measure_arena(model_bytes)
    except MissingExtra:
        arena = None
    return Profile(
        params,
        total_macs(graph) if macs is None else macs,
        len(model_bytes),
        memory,
        arena.total_bytes if arena else None,
        arena.total_bytes_32bit if arena else None,
        graph.operator_counts,
        convention,
    )
