"""Writes the C sources of a firmware into a folder: the compiled model, who the board is, and where the rest lies."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mcu.compiler import CompiledModel, compile_model, emit
from mcu.compiler.emit import sketches_folder
from mcu.firmware.gcc import TARGETS
from mcu.firmware.ports import Port
from mcu.postprocess.mask_object import mask_tensor
from mcu.protocol.identity import Identity, Tag
from mcu.protocol.mlperf_model import MlperfModel
from mcu.tensor import TensorSpec

ENGINE = "c"
MODEL_NAME = "model"  # kt_model.c: the linker scripts place it by this name
FACTS_NAME = "kt_model_facts.h"
_BYTES_PER_LINE = 20
# Of KerasTinyPost: what a segmenter's board makes its masks with.
_MASK_SOURCES = ("kt_argmax.c", "kt_threshold.c", "kt_mask_pack.c", "kt_mask_runs.c")


@dataclass(frozen=True)
class FirmwareSources:
    """What to compile.

    Attributes:
        identity: what the firmware answers, without the CRC-32 that the device computes.
        engine: C files of the model and its kernels, in `folder`.
        link, port: C files of KerasTinyLink and of the port, where they lie.
        include: folders with headers.
        mlperf: how the model shows itself to MLPerf Tiny's runner; None: not at all.
        flags: that the sources are compiled with.
    """

    folder: Path
    compiled: CompiledModel
    identity: Identity
    tflite_crc32: int
    engine: tuple[Path, ...]
    link: tuple[Path, ...]
    port: tuple[Path, ...]
    include: tuple[Path, ...]
    mlperf: MlperfModel | None = None
    flags: tuple[str, ...] = ()


def write_sources(
    model_bytes: bytes,
    *,
    port: Port,
    board_id: str,
    clock_hz: int | None,
    folder: Path,
    mlperf: MlperfModel | None = None,
) -> FirmwareSources:
    """Compile a model to C for a port and write what identifies it.

    Args:
        model_bytes: an audited int8 .tflite file.
        board_id: what the firmware answers as its board.
        clock_hz: of the core, for the identity; None if it means nothing there.
        folder: made if it is not there.
        mlperf: give the firmware MLPerf Tiny's protocol too.

    Raises:
        ModelFileError: not a .tflite file.
        UnsupportedModel: the compiled engine does not run it.
    """
    kernels = "dsp" if TARGETS[port.target].dsp else "portable"
    compiled = compile_model(model_bytes, name=MODEL_NAME, kernels=kernels)  # type: ignore[arg-type]
    emit(compiled, folder)
    identity = identity_of(compiled, model_bytes, board_id=board_id, clock_hz=clock_hz)
    sketches = sketches_folder()
    link, post = (sketches / "libraries" / name / "src" for name in ("KerasTinyLink", "KerasTinyPost"))
    masks = tuple(post / name for name in _MASK_SOURCES) if mask_tensor(compiled.outputs) is not None else ()
    places = [sketches / "ports" / name for name in port.folders]
    sources = FirmwareSources(
        folder=folder,
        compiled=compiled,
        identity=identity,
        tflite_crc32=zlib.crc32(model_bytes),
        engine=tuple(folder / name for name in compiled.sources),
        link=(*sorted(link.glob("*.c")), *masks),
        port=tuple(source for place in places for source in sorted(place.glob("*.c"))),
        include=(folder, link, post, *places),
        mlperf=mlperf,
        flags=("-DKT_LINK_MASK",) if masks else (),
    )
    write_facts(sources, firmware=identity.firmware)
    return sources


def write_facts(sources: FirmwareSources, *, firmware: str) -> None:
    """Write who the board is once more, with another name of the firmware: its build is known once all else is."""
    identity = replace(sources.identity, firmware=firmware)
    facts = facts_header(identity, sources.tflite_crc32, mlperf=sources.mlperf)
    (sources.folder / FACTS_NAME).write_text(facts, encoding="ascii")


def package_version() -> str:
    """Of keras-tiny, as the first half of what the firmware says of itself."""
    try:
        return version("keras-tiny")
    except PackageNotFoundError:
        return "unknown"


def identity_of(
    compiled: CompiledModel, model_bytes: bytes, *, board_id: str, clock_hz: int | None
) -> Identity:
    """What the firmware of a compiled model answers, but for its build and the CRC-32 that the device computes."""
    return Identity(
        board=board_id,
        engine=ENGINE,
        firmware=package_version(),
        model_sha256=hashlib.sha256(model_bytes).hexdigest(),
        model_crc32=0,
        model_bytes=len(model_bytes),
        arena_bytes=compiled.arena_bytes,
        arena_used_bytes=compiled.arena_bytes,
        clock_hz=clock_hz,
        inputs=compiled.inputs,
        outputs=compiled.outputs,
    )


def facts_header(identity: Identity, tflite_crc32: int, *, mlperf: MlperfModel | None = None) -> str:
    """The text of FACTS_NAME, which kt_compiled.c includes."""
    return "\n".join(
        [
            f"/* {FACTS_NAME}: who the board is and what its model takes. Written by `mcu build`; do not edit. */",
            "#ifndef KT_MODEL_FACTS_H",
            "#define KT_MODEL_FACTS_H",
            "",
            f"#define KT_FACTS_TFLITE_CRC32 0x{tflite_crc32:08X}U",
            f"#define KT_FACTS_INPUT_BYTES {_sizes(identity.inputs)}",
            f"#define KT_FACTS_OUTPUT_BYTES {_sizes(identity.outputs)}",
            f"#define KT_FACTS_STAGED_BYTES {sum(spec.nbytes for spec in identity.inputs)}",
            f"#define KT_FACTS_IDENTITY \\\n    {_bytes(_known_entries(identity))}",
            *(_mlperf_facts(identity, mlperf) if mlperf else ()),
            "",
            "#endif",
            "",
        ]
    )


def _mlperf_facts(identity: Identity, mlperf: MlperfModel) -> list[str]:
    outputs = []
    for spec in identity.outputs:
        (scale_bits,) = struct.unpack("<I", struct.pack("<f", spec.scale))
        outputs.append(f"{{0x{scale_bits:08X}U, {spec.zero_point}}}")
    return [
        f'#define KT_FACTS_MLPERF_MODEL "{mlperf.id}"',
        f"#define KT_FACTS_MLPERF_FLIP 0x{mlperf.flip:02X}",
        f"#define KT_FACTS_MLPERF_INPUT_BYTES {sum(spec.nbytes for spec in identity.inputs)}",
        f"#define KT_FACTS_MLPERF_OUTPUTS {', '.join(outputs)}",
    ]


def _known_entries(identity: Identity) -> bytes:
    """The identity without the CRC-32 of the model, which the device computes itself."""
    block, kept, at = identity.pack(), b"", 0
    while at < len(block):
        end = at + 2 + block[at + 1]
        if block[at] != Tag.MODEL_CRC32:
            kept += block[at:end]
        at = end
    return kept


def _sizes(tensors: Sequence[TensorSpec]) -> str:
    return ", ".join(str(spec.nbytes) for spec in tensors)


def _bytes(data: bytes) -> str:
    rows = [data[at : at + _BYTES_PER_LINE] for at in range(0, len(data), _BYTES_PER_LINE)]
    return ", \\\n    ".join(", ".join(f"0x{byte:02X}" for byte in row) for row in rows)
