"""Read a .tflite file without TensorFlow (schema.fbs version 3, through the `tflite` package)."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import tflite
from flatbuffers.number_types import Int32Flags

from mcu.errors import ModelFileError
from mcu.tflite.flat import Budget, checked, damaged, elements, integers
from mcu.tflite.model import ITEM_BITS, TfliteModel, TfliteOperator, TfliteTensor
from mcu.tflite.options import OPTIONAL, OPTIONS, Options

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
_BUILTIN_CODE_SLOT = 10  # field 3 of OperatorCode: 4 + 2 * 3
MAX_RANK = 8  # TensorFlow Lite's own limit; its kernels stop at 5

_OPERATOR_NAMES = {value: name for name, value in vars(tflite.BuiltinOperator).items() if name.isupper()}
_TYPE_NAMES = {value: name.lower() for name, value in vars(tflite.TensorType).items() if name.isupper()}
_OPTIONS_NAMES = {
    value: name for name, value in vars(tflite.BuiltinOptions).items() if not name.startswith("_")
}


def read_model(model_bytes: bytes) -> TfliteModel:
    """The main subgraph of a .tflite file, verified: every index points somewhere, every constant fills its shape.

    Raises:
        ModelFileError: bytes that are not a .tflite file, a damaged one, or one with data outside of itself.
    """
    if not isinstance(model_bytes, bytes | bytearray | memoryview):
        raise ModelFileError(f"A .tflite file is bytes, not {type(model_bytes).__name__}.")
    data = bytes(model_bytes)
    if len(data) < 8 or data[4:8] != FILE_IDENTIFIER:
        raise ModelFileError(
            f"This is not a .tflite file: {len(data)} bytes without the mark 'TFL3' at byte 4.",
            hint="Pass the file that `keras-tiny export` or TFLiteConverter wrote.",
        )
    try:
        return _read(data)
    except (struct.error, IndexError, ValueError, OverflowError, TypeError) as error:
        # The FlatBuffers runtime's own answers to impossible numbers in a damaged file.
        raise damaged(str(error)) from error


def _read(data: bytes) -> TfliteModel:
    budget = Budget(len(data))
    root = tflite.Model()
    root.Init(data, struct.unpack_from("<I", data)[0])
    model = checked(root, budget)
    if model.Version() != SCHEMA_VERSION:
        raise damaged(f"its schema version is {model.Version()}, not {SCHEMA_VERSION}")
    if model.SubgraphsLength() < 1:
        raise damaged("it holds no graph")
    buffers = [_buffer(table) for table in elements(model.Buffers, model.BuffersLength(), budget)]
    codes = elements(model.OperatorCodes, model.OperatorCodesLength(), budget)
    operator_names = [_operator_name(code) for code in codes]
    graph = checked(model.Subgraphs(0), budget)
    tables = elements(graph.Tensors, graph.TensorsLength(), budget)
    tensors = tuple(_tensor(index, table, buffers, budget) for index, table in enumerate(tables))
    tables = elements(graph.Operators, graph.OperatorsLength(), budget)
    operators = tuple(
        _operator(index, table, operator_names, len(tensors), budget) for index, table in enumerate(tables)
    )
    _check_unread(model, len(buffers), budget)
    return TfliteModel(
        _text(model.Description()),
        tensors,
        operators,
        _tensor_indices(graph.InputsAsNumpy(), len(tensors)),
        _tensor_indices(graph.OutputsAsNumpy(), len(tensors)),
        model.SubgraphsLength(),
    )


def _check_unread(model: Any, buffer_count: int, budget: Budget) -> None:
    """Verify what TensorFlow Lite Micro reads beside what we do: a memory plan may be stored as metadata."""
    for metadata in elements(model.Metadata, model.MetadataLength(), budget):
        metadata.Name()
        if metadata.Buffer() >= buffer_count:
            raise damaged(f"its metadata points to buffer {metadata.Buffer()} of {buffer_count}")


def _buffer(table: Any) -> np.ndarray | None:
    """The bytes of a constant; None for the empty buffer that computed tensors share."""
    if table.Offset() > 1:  # 0 and 1 are the schema's marks for "in the vector"
        raise damaged("its constants are stored outside of the FlatBuffer (a file of more than 2 GB)")
    data = table.DataAsNumpy()
    return None if isinstance(data, int) or not len(data) else data


def _operator_name(code: Any) -> tuple[str, int, bool]:
    """Operator name, version, and whether it is a custom one."""
    # Files before 2020 have the code in one byte, later ones in both fields; TensorFlow Lite takes the larger. Not so
    # `BuiltinCode()` of the package, which prefers the byte; a damaged file would mean two different operators.
    builtin = max(code._tab.GetSlot(_BUILTIN_CODE_SLOT, 0, Int32Flags), code.DeprecatedBuiltinCode())
    name = _OPERATOR_NAMES.get(builtin)
    if name is None:
        raise damaged(f"operator code {builtin} is unknown")
    if name == "CUSTOM":
        return _text(code.CustomCode()) or "CUSTOM", code.Version(), True
    return name, code.Version(), False


def _tensor(index: int, table: Any, buffers: list[np.ndarray | None], budget: Budget) -> TfliteTensor:
    name = _text(table.Name()) or f"tensor_{index}"
    dtype = _TYPE_NAMES.get(table.Type())
    if dtype is None:
        raise damaged(f"tensor '{name}' has the unknown type {table.Type()}")
    shape = integers(table.ShapeAsNumpy())
    if len(shape) > MAX_RANK or any(side < 0 for side in shape):
        raise damaged(f"tensor '{name}' has the shape {shape[: MAX_RANK + 1]}")
    scales, zero_points, dimension = _quantization(name, shape, table.Quantization(), budget)
    if not 0 <= table.Buffer() < len(buffers):
        raise damaged(f"tensor '{name}' points to buffer {table.Buffer()} of {len(buffers)}")
    is_sparse = table.Sparsity() is not None
    raw = buffers[table.Buffer()]
    return TfliteTensor(
        index,
        name,
        shape,
        dtype,
        scales,
        zero_points,
        dimension,
        None if raw is None else _values(name, raw, shape, dtype, is_sparse),
        integers(table.ShapeSignatureAsNumpy()),
        table.IsVariable(),
        is_sparse,
    )


def _values(name: str, raw: np.ndarray, shape: tuple[int, ...], dtype: str, is_sparse: bool) -> np.ndarray:
    if is_sparse or dtype not in ITEM_BITS:
        return raw
    expected = (math.prod(shape) * ITEM_BITS[dtype] + 7) // 8
    if len(raw) != expected:
        raise damaged(
            f"constant '{name}' has {len(raw)} bytes, its shape {shape} of {dtype} needs {expected}"
        )
    if dtype in ("int4", "bfloat16"):
        return raw
    # The file is little-endian, whatever this machine is.
    return raw.view(np.dtype(dtype).newbyteorder("<")).reshape(shape)


def _quantization(
    name: str, shape: tuple[int, ...], table: Any, budget: Budget
) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    if table is None:
        return (), (), 0
    checked(table, budget)
    scales = integers(table.ScaleAsNumpy())
    zero_points = integers(table.ZeroPointAsNumpy())
    dimension = table.QuantizedDimension()
    if not (scales and zero_points):
        return (), (), 0  # not quantized, whatever else is there: so TensorFlow Lite reads it
    if not all(math.isfinite(scale) and scale >= 0 for scale in scales):
        raise damaged(f"tensor '{name}' has a scale that is negative or not finite")
    if any(not -(2**31) <= zero_point < 2**31 for zero_point in zero_points):
        raise damaged(f"tensor '{name}' has a zero point beyond 32 bits")
    if len(scales) > 1 and not (0 <= dimension < len(shape) and shape[dimension] == len(scales)):
        raise damaged(
            f"tensor '{name}' of shape {shape} has {len(scales)} scales along dimension {dimension}"
        )
    if len(zero_points) not in (1, len(scales)):
        raise damaged(f"tensor '{name}' has {len(scales)} scales and {len(zero_points)} zero points")
    return scales, zero_points, dimension


def _operator(
    index: int, table: Any, names: list[tuple[str, int, bool]], tensor_count: int, budget: Budget
) -> TfliteOperator:
    code = table.OpcodeIndex()
    if not 0 <= code < len(names):
        raise damaged(f"operator {index} has the code {code} of {len(names)}")
    name, version, is_custom = names[code]
    inputs = _tensor_indices(table.InputsAsNumpy(), tensor_count, optional=True)
    outputs = _tensor_indices(table.OutputsAsNumpy(), tensor_count)
    (
        table.IntermediatesAsNumpy(),
        table.CustomOptionsAsNumpy(),
    )  # unused here, but the interpreter follows them
    options = None if is_custom else _options(index, name, table, budget)
    return TfliteOperator(index, name, version, inputs, outputs, options, is_custom)


def _options(index: int, name: str, table: Any, budget: Budget) -> Options | None:
    stored = _OPTIONS_NAMES.get(table.BuiltinOptionsType())
    union = table.BuiltinOptions()
    if union is not None:
        # Whatever it is, the interpreter may look into it.
        any_options = tflite.AddOptions()
        any_options.Init(union.Bytes, union.Pos)
        checked(any_options, budget)
    row = OPTIONS.get(name)
    if row is None:
        return None
    if not row.table:
        return Options()
    schema = getattr(tflite, row.table)()
    if stored == row.table and union is not None:
        schema.Init(union.Bytes, union.Pos)
        return row.decode(checked(schema, budget))
    if name in OPTIONAL and stored == "NONE":
        # A table of no fields, at whose place every accessor gives the schema's default.
        schema.Init(_EMPTY_TABLE, 4)
        return row.decode(schema)
    raise damaged(f"operator {index} ({name}) has the options {stored}, not {row.table}")


# A vtable of 4 bytes (its own length, the table's length) and a table that points back to it.
_EMPTY_TABLE = struct.pack("<HHi", 4, 4, 4)


def _tensor_indices(vector: Any, tensor_count: int, *, optional: bool = False) -> tuple[int, ...]:
    indices = integers(vector)
    lowest = -1 if optional else 0
    for index in indices:
        if not lowest <= index < tensor_count:
            raise damaged(f"a tensor index is {index}, of {tensor_count} tensors")
    return indices


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", errors="replace")
