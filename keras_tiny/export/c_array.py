"""What a TensorFlow Lite Micro application includes: the model as a C++ array, its operators, its arena's size.

TensorFlow Lite Micro reads the file in place: the array is constant, so that it stays in flash, and aligned to 16
bytes, as the file's own buffers are (tensorflow/lite/micro/tools/generate_cc_arrays.py of tflite-micro does the same).
"""

from __future__ import annotations

import hashlib
import re
import zlib
from pathlib import Path

from keras_tiny.errors import BadInput
from mcu.tflite import TfliteModel, read_model
from mcu.tflite.tflm_operators import ADD_METHODS

_BYTES_PER_LINE = 16


def write_tflm_files(
    model_bytes: bytes, directory: str | Path, *, name: str, arena_bytes: int
) -> tuple[Path, ...]:
    """Write `model_data.h`, `model_data.cc`, `op_resolver.h` and `arena.h`; the same input gives the same bytes.

    Args:
        directory: is made if it does not exist.
        name: of the model, for people; characters that C++ could trip over become '_'.
        arena_bytes: what the interpreter needs; the largest that was measured or estimated.

    Returns:
        the files' paths, in that order.

    Raises:
        ModelFileError: not a .tflite file.
        BadInput: an operator that TensorFlow Lite Micro does not have, or an arena of no size.
    """
    if arena_bytes < 1:
        raise BadInput(f"arena_bytes must be positive, received {arena_bytes}.")
    model = read_model(model_bytes)
    label = re.sub(r"[^A-Za-z0-9_. -]", "_", name)
    contents = {
        "model_data.h": _header(model_bytes, label),
        "model_data.cc": _source(model_bytes, label),
        "op_resolver.h": _resolver(model, label),
        "arena.h": _arena(label, arena_bytes),
    }
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, text in contents.items():
        (folder / file_name).write_bytes(text.encode("ascii"))
    return tuple(folder / file_name for file_name in contents)


def _header(model_bytes: bytes, label: str) -> str:
    return f"""\
// Model '{label}', an int8 TensorFlow Lite file of {len(model_bytes)} bytes; made by keras-tiny export.
// SHA-256 {hashlib.sha256(model_bytes).hexdigest()}
//
//   alignas(16) static uint8_t arena[keras_tiny_model::kArenaBytes];  // from arena.h
//   keras_tiny_model::OpResolver resolver;  // from op_resolver.h
//   if (keras_tiny_model::AddOperators(resolver) != kTfLiteOk) {{ ... }}
//   const tflite::Model* model = tflite::GetModel(keras_tiny_model::kModelData);
//   tflite::MicroInterpreter interpreter(model, resolver, arena, sizeof(arena));
#ifndef KERAS_TINY_MODEL_DATA_H_
#define KERAS_TINY_MODEL_DATA_H_

#include <stddef.h>
#include <stdint.h>

namespace keras_tiny_model {{

constexpr char kName[] = "{label}";
constexpr char kSha256[] = "{hashlib.sha256(model_bytes).hexdigest()}";
constexpr uint32_t kCrc32 = 0x{zlib.crc32(model_bytes):08X}u;  // of kModelData, as zlib computes it

// The .tflite file, aligned to 16 bytes and constant: it stays in flash.
extern const unsigned char kModelData[];
constexpr size_t kModelDataBytes = {len(model_bytes)};

}}  // namespace keras_tiny_model

#endif  // KERAS_TINY_MODEL_DATA_H_
"""


def _arena(label: str, arena_bytes: int) -> str:
    return f"""\
// The tensor arena of model '{label}'; made by keras-tiny export.
#ifndef KERAS_TINY_ARENA_H_
#define KERAS_TINY_ARENA_H_

#include <stddef.h>

namespace keras_tiny_model {{

// What TensorFlow Lite Micro's interpreter was measured to need with its reference kernels. Optimised kernels may ask
// for more scratch memory; MicroInterpreter::arena_used_bytes() tells after AllocateTensors().
constexpr size_t kArenaBytes = {arena_bytes};

}}  // namespace keras_tiny_model

#endif  // KERAS_TINY_ARENA_H_
"""


def _source(model_bytes: bytes, label: str) -> str:
    lines = (
        "    " + " ".join(f"0x{byte:02x}," for byte in model_bytes[start : start + _BYTES_PER_LINE])
        for start in range(0, len(model_bytes), _BYTES_PER_LINE)
    )
    data = "\n".join(lines)
    return f"""\
// Model '{label}'; made by keras-tiny export.
// SHA-256 {hashlib.sha256(model_bytes).hexdigest()}
#include "model_data.h"

namespace keras_tiny_model {{

alignas(16) const unsigned char kModelData[] = {{
{data}
}};

static_assert(sizeof(kModelData) == kModelDataBytes, "model_data.h belongs to another model");

}}  // namespace keras_tiny_model
"""


def _resolver(model: TfliteModel, label: str) -> str:
    missing = [name for name in model.operator_counts if name not in ADD_METHODS]
    if missing:
        raise BadInput(
            f"TensorFlow Lite Micro has no {', '.join(missing)}.",
            hint="`keras-tiny audit` names the layers; replace them.",
        )
    methods = sorted(ADD_METHODS[name] for name in model.operator_counts)
    calls = "\n".join(
        f"  if (resolver.{method}() != kTfLiteOk) {{\n    return kTfLiteError;\n  }}" for method in methods
    )
    return f"""\
// The operators of model '{label}' and no other, so that only their kernels are linked; made by keras-tiny export.
#ifndef KERAS_TINY_OP_RESOLVER_H_
#define KERAS_TINY_OP_RESOLVER_H_

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

namespace keras_tiny_model {{

using OpResolver = tflite::MicroMutableOpResolver<{len(methods)}>;

// Adds the operators; fails only if some were added before.
inline TfLiteStatus AddOperators(OpResolver& resolver) {{
{calls}
  return kTfLiteOk;
}}

}}  // namespace keras_tiny_model

#endif  // KERAS_TINY_OP_RESOLVER_H_
"""
