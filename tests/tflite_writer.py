"""Write .tflite files with the FlatBuffers schema directly: any operator, shape, scale and zero point.

    graph = Graph()
    x = graph.input("x", (1, 8, 8, 3), scale=0.02, zero_point=-3)
    w = graph.constant("w", weights, scales=(0.01,) * 4, zero_points=(0,) * 4)
    y = graph.add("CONV_2D", (x, w), "y", (1, 8, 8, 4), scale=0.1, zero_point=5,
                  options={"padding": "SAME", "stride_h": 1, "stride_w": 1})
    model_bytes = graph.build(outputs=(y,))

Options have the schema's field names in snake case; enumerations are given by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

TABLES = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "RELU": "",
    "RELU6": "",
    "LOGISTIC": "",
    "TANH": "",
    "PRELU": "",
    "CUSTOM": "",
}
ENUMERATIONS = {
    "padding": "Padding",
    "fused_activation_function": "ActivationFunctionType",
    "type": "TensorType",
}


@dataclass(frozen=True)
class _Tensor:
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    quantized_dimension: int
    data: bytes | None = None
    shape_signature: tuple[int, ...] = ()
    is_variable: bool = False


@dataclass(frozen=True)
class _Operator:
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]
    version: int


@dataclass
class Graph:
    """One subgraph under construction; tensors are named, and names are handed from method to method."""

    description: str = "keras-tiny test"
    _tensors: list[_Tensor] = field(default_factory=list)
    _operators: list[_Operator] = field(default_factory=list)
    _inputs: list[int] = field(default_factory=list)
    _index: dict[str, int] = field(default_factory=dict)  # of the first tensor of a name

    def input(
        self,
        name: str,
        shape: Sequence[int],
        *,
        scale: float | None = 1.0,
        zero_point: int = 0,
        dtype: str = "int8",
        shape_signature: Sequence[int] = (),
    ) -> str:
        """A model input; `scale=None` leaves it unquantized."""
        self._inputs.append(len(self._tensors))
        return self._computed(name, shape, scale, zero_point, dtype, shape_signature)

    def constant(
        self,
        name: str,
        values: np.ndarray,
        *,
        scales: Sequence[float] = (),
        zero_points: Sequence[int] = (),
        quantized_dimension: int = 0,
    ) -> str:
        """A constant; its type and shape are those of `values`."""
        self._index.setdefault(name, len(self._tensors))
        self._tensors.append(
            _Tensor(
                name,
                tuple(values.shape),
                values.dtype.name,
                tuple(scales),
                tuple(zero_points),
                quantized_dimension,
                np.ascontiguousarray(values).tobytes(),
            )
        )
        return name

    def add(
        self,
        operator: str,
        inputs: Sequence[str | None],
        name: str,
        shape: Sequence[int],
        *,
        scale: float | None = 1.0,
        zero_point: int = 0,
        dtype: str = "int8",
        options: Mapping[str, Any] | None = None,
        version: int = 1,
    ) -> str:
        """An operator with one output, which gets `name`. None among `inputs` is an optional input left out."""
        self._computed(name, shape, scale, zero_point, dtype)
        indices = tuple(-1 if each is None else self.index(each) for each in inputs)
        self._operators.append(
            _Operator(operator, indices, (len(self._tensors) - 1,), dict(options or {}), version)
        )
        return name

    def index(self, name: str) -> int:
        return self._index[name]

    def build(self, *, outputs: Sequence[str]) -> bytes:
        """The .tflite file."""
        return _write(
            self.description,
            self._tensors,
            self._operators,
            self._inputs,
            [self.index(name) for name in outputs],
        )

    def _computed(
        self,
        name: str,
        shape: Sequence[int],
        scale: float | None,
        zero_point: int,
        dtype: str,
        shape_signature: Sequence[int] = (),
    ) -> str:
        scales, zero_points = ((), ()) if scale is None else ((scale,), (zero_point,))
        self._index.setdefault(name, len(self._tensors))
        self._tensors.append(
            _Tensor(name, tuple(shape), dtype, scales, zero_points, 0, None, tuple(shape_signature))
        )
        return name


def _write(
    description: str,
    tensors: Sequence[_Tensor],
    operators: Sequence[_Operator],
    inputs: Sequence[int],
    outputs: Sequence[int],
) -> bytes:
    builder = flatbuffers.Builder(4096)
    contents = [b""] + [tensor.data for tensor in tensors if tensor.data is not None]
    buffers = [_buffer(builder, content) for content in contents]
    tensor_offsets, used = [], 0
    for tensor in tensors:
        used += tensor.data is not None
        tensor_offsets.append(_tensor(builder, tensor, used if tensor.data is not None else 0))
    codes = sorted({(operator.name, operator.version) for operator in operators})
    code_offsets = [_operator_code(builder, name, version) for name, version in codes]
    operator_offsets = [
        _operator(builder, each, codes.index((each.name, each.version))) for each in operators
    ]
    graph = write_table(
        builder,
        "SubGraph",
        {
            "tensors": write_offsets(builder, tensor_offsets),
            "inputs": write_numbers(builder, np.array(inputs, np.int32)),
            "outputs": write_numbers(builder, np.array(outputs, np.int32)),
            "operators": write_offsets(builder, operator_offsets),
            "name": builder.CreateString("main"),
        },
    )
    fields = {
        "version": 3,
        "operator_codes": write_offsets(builder, code_offsets),
        "subgraphs": write_offsets(builder, [graph]),
        "description": builder.CreateString(description),
        "buffers": write_offsets(builder, buffers),
    }
    builder.Finish(write_table(builder, "Model", fields), b"TFL3")
    return bytes(builder.Output())


def _buffer(builder: flatbuffers.Builder, content: bytes) -> int:
    data = None
    if content:
        builder.StartVector(1, len(content), 16)  # the schema forces an alignment of 16
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        data = builder.EndVector()
    return write_table(builder, "Buffer", {"data": data})


def _tensor(builder: flatbuffers.Builder, tensor: _Tensor, buffer: int) -> int:
    quantization = None
    if tensor.scales:
        quantization = write_table(
            builder,
            "QuantizationParameters",
            {
                "scale": write_numbers(builder, np.array(tensor.scales, np.float32)),
                "zero_point": write_numbers(builder, np.array(tensor.zero_points, np.int64)),
                "quantized_dimension": tensor.quantized_dimension,
            },
        )
    signature = np.array(tensor.shape_signature, np.int32)
    fields = {
        "shape": write_numbers(builder, np.array(tensor.shape, np.int32)),
        "type": getattr(tflite.TensorType, tensor.dtype.upper()),
        "buffer": buffer,
        "name": builder.CreateString(tensor.name),
        "quantization": quantization,
        "is_variable": tensor.is_variable,
        "shape_signature": write_numbers(builder, signature) if tensor.shape_signature else None,
    }
    return write_table(builder, "Tensor", fields)


def _operator_code(builder: flatbuffers.Builder, name: str, version: int) -> int:
    code = getattr(tflite.BuiltinOperator, name, tflite.BuiltinOperator.CUSTOM)
    is_custom = code == tflite.BuiltinOperator.CUSTOM
    fields = {
        "deprecated_builtin_code": min(code, 127),
        "custom_code": builder.CreateString(name) if is_custom else None,
        "version": version,
        "builtin_code": code,
    }
    return write_table(builder, "OperatorCode", fields)


def _operator(builder: flatbuffers.Builder, operator: _Operator, code: int) -> int:
    table = TABLES.get(operator.name, f"{camel(operator.name.lower())}Options")
    options_type = getattr(tflite.BuiltinOptions, table, 0) if table else 0
    options = write_table(builder, table, _encoded(builder, operator.options)) if options_type else None
    fields = {
        "opcode_index": code,
        "inputs": write_numbers(builder, np.array(operator.inputs, np.int32)),
        "outputs": write_numbers(builder, np.array(operator.outputs, np.int32)),
        "builtin_options_type": options_type,
        "builtin_options": options,
    }
    return write_table(builder, "Operator", fields)


def _encoded(builder: flatbuffers.Builder, options: Mapping[str, Any]) -> dict[str, Any]:
    encoded = {}
    for name, value in options.items():
        if isinstance(value, str):
            value = getattr(getattr(tflite, ENUMERATIONS[name]), value)
        elif isinstance(value, list | tuple):
            value = write_numbers(builder, np.array(value, np.int32))
        encoded[name] = value
    return encoded


def write_table(builder: flatbuffers.Builder, table: str, fields: Mapping[str, Any]) -> int:
    """One table; fields in snake case, None for one that is left out."""
    getattr(tflite, f"{table}Start")(builder)
    for name, value in fields.items():
        if value is not None:
            getattr(tflite, f"{table}Add{camel(name)}")(builder, value)
    return getattr(tflite, f"{table}End")(builder)


def write_offsets(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def write_numbers(builder: flatbuffers.Builder, values: np.ndarray) -> int:
    return builder.CreateNumpyVector(values)


def camel(snake: str) -> str:
    """`stride_h` → `StrideH`, `depth_to_space` → `DepthToSpace`."""
    return "".join(word[:1].upper() + word[1:] for word in snake.split("_"))
