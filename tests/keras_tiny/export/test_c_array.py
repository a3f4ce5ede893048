"""The C++ array compiles to exactly the bytes of the .tflite, and the resolver names exactly its operators."""

from __future__ import annotations

import hashlib
import re
import subprocess
import zlib

import pytest

from keras_tiny.errors import BadInput
from keras_tiny.export.c_array import write_tflm_files
from mcu.errors import ModelFileError
from mcu.tflite import read_model
from mcu.tflite.tflm_operators import ADD_METHODS
from tests.support import require
from tests.tflite_networks import residual_network, segmenter
from tests.tflite_writer import Graph

PRINT_MODEL = """
#include <stdio.h>
#include "arena.h"
#include "model_data.h"
int main() {
  if (reinterpret_cast<uintptr_t>(keras_tiny_model::kModelData) % 16) return 1;
  fprintf(stderr, "%s %s %08x %zu", keras_tiny_model::kName, keras_tiny_model::kSha256,
          static_cast<unsigned>(keras_tiny_model::kCrc32), keras_tiny_model::kArenaBytes);
  return fwrite(keras_tiny_model::kModelData, 1, keras_tiny_model::kModelDataBytes, stdout) == 0;
}
"""


def _compile(folder, *arguments):
    command = ["g++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-I", str(folder), *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, text=True)


def test_the_compiled_array_is_the_file_aligned_to_16_bytes(tmp_path):
    require("g++")
    model_bytes = residual_network()
    write_tflm_files(model_bytes, tmp_path, name="digits", arena_bytes=1234)
    (tmp_path / "main.cc").write_text(PRINT_MODEL)
    _compile(tmp_path, tmp_path / "main.cc", tmp_path / "model_data.cc", "-o", tmp_path / "print_model")
    done = subprocess.run([tmp_path / "print_model"], check=True, capture_output=True)
    assert done.stdout == model_bytes
    sha256 = hashlib.sha256(model_bytes).hexdigest()
    assert done.stderr.decode() == f"digits {sha256} {zlib.crc32(model_bytes):08x} 1234"


def test_the_array_is_in_read_only_memory(tmp_path):
    require("g++")
    require("objdump")
    write_tflm_files(residual_network(), tmp_path, name="digits", arena_bytes=1)
    _compile(tmp_path, "-c", tmp_path / "model_data.cc", "-o", tmp_path / "model_data.o")
    symbols = subprocess.run(
        ["objdump", "-t", tmp_path / "model_data.o"], check=True, capture_output=True, text=True
    ).stdout
    (line,) = [line for line in symbols.splitlines() if "kModelDataE" in line]
    assert ".rodata" in line


@pytest.mark.parametrize("network", [residual_network, segmenter])
def test_the_resolver_adds_each_operator_of_the_model_once(tmp_path, network):
    write_tflm_files(network(), tmp_path, name="net", arena_bytes=1)
    text = (tmp_path / "op_resolver.h").read_text()
    needed = sorted(ADD_METHODS[name] for name in read_model(network()).operator_counts)
    assert re.findall(r"resolver\.(Add\w+)\(\)", text) == needed
    assert f"MicroMutableOpResolver<{len(needed)}>" in text


def test_the_resolver_is_valid_cpp(tmp_path):
    # TensorFlow Lite Micro's sources are in no package, so this checks the syntax alone, against its declarations.
    require("g++")
    write_tflm_files(segmenter(), tmp_path, name="net", arena_bytes=1)
    methods = " ".join(f"TfLiteStatus {method}() {{ return kTfLiteOk; }}" for method in ADD_METHODS.values())
    header = tmp_path / "tensorflow/lite/micro/micro_mutable_op_resolver.h"
    header.parent.mkdir(parents=True)
    header.write_text(
        "enum TfLiteStatus { kTfLiteOk, kTfLiteError };\n"
        f"namespace tflite {{ template <unsigned N> struct MicroMutableOpResolver {{ {methods} }}; }}\n"
    )
    (tmp_path / "use.cc").write_text(
        '#include "op_resolver.h"\nTfLiteStatus use(keras_tiny_model::OpResolver& all) '
        "{ return keras_tiny_model::AddOperators(all); }\n"
    )
    _compile(tmp_path, "-fsyntax-only", tmp_path / "use.cc")


def test_the_same_model_gives_the_same_files(tmp_path):
    first = write_tflm_files(residual_network(), tmp_path / "a", name="net", arena_bytes=5)
    again = write_tflm_files(residual_network(), tmp_path / "b", name="net", arena_bytes=5)
    assert [path.name for path in first] == ["model_data.h", "model_data.cc", "op_resolver.h", "arena.h"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_a_name_cannot_break_out_of_its_comment(tmp_path):
    header = write_tflm_files(residual_network(), tmp_path, name='a"\\\n*/ ü', arena_bytes=1)[0].read_text()
    assert "'a_____ _'" in header
    assert 'kName[] = "a_____ _";' in header


def test_lines_are_short_enough_to_read(tmp_path):
    for path in write_tflm_files(residual_network(), tmp_path, name="net", arena_bytes=1):
        assert max(map(len, path.read_text().splitlines())) <= 120


def test_an_operator_that_tflm_lacks_is_named(tmp_path):
    graph = Graph()
    x = graph.input("x", (1, 4))
    y = graph.add("GELU", (x,), "y", (1, 4))
    with pytest.raises(BadInput, match="has no GELU"):
        write_tflm_files(graph.build(outputs=(y,)), tmp_path, name="net", arena_bytes=1)
    assert not list(tmp_path.iterdir())


def test_junk_and_an_empty_arena_are_refused(tmp_path):
    with pytest.raises(ModelFileError):
        write_tflm_files(b"junk", tmp_path, name="net", arena_bytes=1)
    with pytest.raises(BadInput, match="arena_bytes"):
        write_tflm_files(residual_network(), tmp_path, name="net", arena_bytes=0)
