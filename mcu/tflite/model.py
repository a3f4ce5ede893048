"""What a .tflite file holds, as frozen dataclasses (TensorFlow Lite's schema.fbs, version 3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import prod

import numpy as np

from mcu.errors import ModelFileError
from mcu.tensor import TensorSpec
from mcu.tflite.options import Options

ITEM_BITS = {
    "float32": 32,
    "float16": 16,
    "bfloat16": 16,
    "float64": 64,
    "int4": 4,
    "int8": 8,
    "uint8": 8,
    "int16": 16,
    "uint16": 16,
    "int32": 32,
    "uint32": 32,
    "int64": 64,
    "uint64": 64,
    "bool": 8,
    "complex64": 64,
    "complex128": 128,
}
FLOAT_TYPES = frozenset({"float32", "float16", "bfloat16", "float64", "complex64", "complex128"})


# The converter joins the names of what it fused by ';'; these are the computations that give a layer its name.
_KERNELS = ("Conv2D", "depthwise", "conv2d_transpose", "MatMul")


def layer_name(tensor_name: str) -> str:
    """ "model/relu/Relu;model/conv/Conv2D1" → "conv": of a fused name, the layer with the weights.

    A converter's name is "model/layer/computation"; a name of another form stays as it is.
    """
    parts = tensor_name.split(";")
    chosen = next((part for part in parts if part.rpartition("/")[2].startswith(_KERNELS)), parts[0])
    words = chosen.split("/")
    words = words[:-1] if len(words) > 1 else words
    words = words[1:] if len(words) > 1 else words
    return "/".join(words).removeprefix("quant_")


@dataclass(frozen=True, eq=False)
class TfliteTensor:
    """One tensor: `real = (q - zero_point) * scale`, per tensor or along `quantized_dimension`.

    Attributes:
        shape: as TensorFlow Lite Micro sees it, (batch, height, width, channels) for images.
        shape_signature: the same with -1 where the converter left a dimension open; () if it left none open.
        dtype: NumPy's name where NumPy has the type, else "int4", "bfloat16", "string", "resource", "variant".
        scales, zero_points: one each per tensor, or one per channel; () if not quantized.
        buffer: the constant's values in `shape`, read-only; for types NumPy does not have, its raw bytes as uint8;
            None for a tensor that is computed.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    quantized_dimension: int
    buffer: np.ndarray | None = field(repr=False)
    shape_signature: tuple[int, ...] = ()
    is_variable: bool = False
    is_sparse: bool = False

    @property
    def layer(self) -> str:
        """The Keras layer that the tensor belongs to, from the name that the converter made."""
        return layer_name(self.name)

    @property
    def is_constant(self) -> bool:
        return self.buffer is not None

    @property
    def is_per_channel(self) -> bool:
        return len(self.scales) > 1

    @property
    def nbytes(self) -> int:
        """Bytes in memory; 0 for types of no fixed size (string, resource, variant)."""
        return (prod(self.shape) * ITEM_BITS.get(self.dtype, 0) + 7) // 8

    @property
    def scale(self) -> float:
        """The one scale of a per-tensor quantized tensor; 0.0 if it is not quantized."""
        return self.scales[0] if self.scales else 0.0

    @property
    def zero_point(self) -> int:
        return self.zero_points[0] if self.zero_points else 0

    def spec(self) -> TensorSpec:
        """The tensor as it is described at a model's edge.

        Raises:
            ModelFileError: a type that no input or output of a board can have.
        """
        if self.dtype not in ("int8", "uint8", "int16", "int32", "float32"):
            raise ModelFileError(f"Tensor '{self.name}' at the model's edge is {self.dtype}.")
        return TensorSpec.model_validate(
            {
                "name": self.name,
                "shape": self.shape,
                "dtype": self.dtype,
                "scale": self.scale,
                "zero_point": self.zero_point,
            }
        )


@dataclass(frozen=True)
class TfliteOperator:
    """One step of the graph.

    Attributes:
        name: the schema's name, "CONV_2D"; for a custom operator its own name.
        inputs: tensor indices; -1 for an optional input that is left out.
        options: decoded, of the class that belongs to the operator; None for operators without any in our table.
    """

    index: int
    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options | None
    is_custom: bool = False


@dataclass(frozen=True)
class TfliteModel:
    """The main subgraph of a .tflite file; operators are in the order of execution."""

    description: str
    tensors: tuple[TfliteTensor, ...] = field(repr=False)
    operators: tuple[TfliteOperator, ...] = field(repr=False)
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraph_count: int = 1

    @property
    def operator_counts(self) -> dict[str, int]:
        """Operator name → how often, most frequent first, then by name."""
        return dict(
            sorted(Counter(op.name for op in self.operators).items(), key=lambda item: (-item[1], item[0]))
        )

    def layer_of(self, operator: TfliteOperator) -> str:
        """The layer that the operator's first output belongs to.

        The converter renames the model's outputs ("Identity"); then the layer's weights still have its name.
        """
        named = [self.tensors[index] for index in operator.outputs[:1]]
        named += [tensor for tensor in self.inputs_of(operator) if tensor is not None and tensor.is_constant]
        return next((tensor.layer for tensor in named if "/" in tensor.name), named[0].layer if named else "")

    def inputs_of(self, operator: TfliteOperator) -> tuple[TfliteTensor | None, ...]:
        """The operator's input tensors, None where an optional one is left out."""
        return tuple(None if index < 0 else self.tensors[index] for index in operator.inputs)

    def outputs_of(self, operator: TfliteOperator) -> tuple[TfliteTensor, ...]:
        return tuple(self.tensors[index] for index in operator.outputs)
