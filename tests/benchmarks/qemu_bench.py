"""Build a compiled model for an emulated machine, run it, and count instructions per operator (QEMU, -icount)."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcu.compiler import CompiledModel, emit
from mcu.firmware.gcc import TARGETS, SectionBytes, Target, compile_objects, link, section_bytes
from tests.mcu.compiler.kernel_objects import kernel_objects

TIMEOUT_S = 3600  # a large network in plain C, on a computer that does other things too
BARE_METAL = Path(__file__).with_name("bare_metal")
OPTIMIZE = ("-O2", "-ffunction-sections", "-fdata-sections", "-ffreestanding", "-fno-common")


@dataclass(frozen=True)
class Machine:
    """An emulated board: QEMU's name, compiler target, memory as (start, bytes), clock of its SysTick.

    Attributes:
        vectors: where the core looks for its vector table; None: at the beginning of flash.
    """

    target: str
    qemu: tuple[str, ...]
    source: str
    flash: tuple[int, int]
    ram: tuple[int, int]
    mhz: int = 1
    vectors: int | None = None


MACHINES = {
    # The F405 has 192 KiB in QEMU; the real one has 128 KiB in one piece.
    "cortex_m4": Machine(
        "cortex_m4",
        ("qemu-system-arm", "-M", "netduinoplus2"),
        "cortex_m.c",
        (0x08000000, 1 << 20),
        (0x20000000, 128 << 10),
        168,
    ),
    # The AN500's PSRAM as flash: some networks are larger than the 4 MiB that its vector table lies in.
    "cortex_m7": Machine(
        "cortex_m7",
        ("qemu-system-arm", "-M", "mps2-an500"),
        "cortex_m.c",
        (0x60000000, 16 << 20),
        (0x20000000, 4 << 20),
        25,
        vectors=0,
    ),
    "riscv": Machine(
        "rv32imac",
        ("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
        "riscv.c",
        (0x80000000, 8 << 20),
        (0x80800000, 8 << 20),
    ),
}

LINKER = """
MEMORY {{ FLASH (rx) : ORIGIN = {flash:#x}, LENGTH = {flash_bytes}
         RAM (rwx) : ORIGIN = {ram:#x}, LENGTH = {ram_bytes} }}
_stack_top = ORIGIN(RAM) + LENGTH(RAM);
SECTIONS {{
  {vectors}
  .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.srodata*) . = ALIGN(8); }} > FLASH
  .data : {{ _data_start = .; *(.data*) *(.sdata*) . = ALIGN(8); _data_end = .; }} > RAM AT > FLASH
  _data_load = LOADADDR(.data);
  .bss (NOLOAD) : {{ _bss_start = .; *(.bss*) *(.sbss*) *(COMMON) . = ALIGN(8); _bss_end = .; }} > RAM
  /DISCARD/ : {{ *(.ARM.exidx*) *(.comment) *(.eh_frame*) }}
}}
"""


@dataclass(frozen=True)
class BenchRun:
    """What a run found.

    Attributes:
        instructions: of one inference.
        by_operator: index in the .tflite file -> instructions; the runner's own are charged to the operators.
        wrong_bytes: output bytes that differ from the expected ones.
        image: sizes of the linked program, without the samples.
        model_text: code and constants of the model and its kernels.
    """

    instructions: int
    by_operator: dict[int, int]
    wrong_bytes: int
    image: SectionBytes
    model_text: int


def run_on_qemu(
    compiled: CompiledModel,
    machine: Machine,
    inputs: Sequence[Sequence[np.ndarray]],
    expected: Sequence[Sequence[np.ndarray]],
    *,
    flags: Sequence[str] = OPTIMIZE,
) -> BenchRun:
    """Run samples, each a list of inputs and of expected outputs; the first is profiled, the last measured."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = emit(compiled, Path(temporary) / "model")
        target = TARGETS[machine.target]
        engine = [
            _model_object(compiled, target, folder, flags),
            *kernel_objects(compiled, target, tuple(flags)),
        ]
        program = _build(compiled, machine, target, folder, inputs, expected, flags, engine)
        sizes = section_bytes(target, program)
        model_text = sum(section_bytes(target, each).text for each in engine)
        command = [
            *machine.qemu,
            *("-nographic", "-monitor", "none", "-serial", "stdio", "-icount", "shift=0"),
            *("-semihosting-config", "enable=on,target=native", "-kernel", str(program)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    said = done.stdout + done.stderr
    numbers = [int(value) for value in re.findall(r"^operator (\d+)", said, re.MULTILINE)]
    total, wrong = (
        re.search(r"^total (\d+)", said, re.MULTILINE),
        re.search(r"^wrong (\d+)", said, re.MULTILINE),
    )
    if total is None or wrong is None:
        raise AssertionError(f"the machine said: {said[-500:]!r}")
    by_operator = {index: numbers[index] for index in compiled.operators}
    return BenchRun(int(total[1]), by_operator, int(wrong[1]), sizes, model_text)


def _model_object(compiled: CompiledModel, target: Target, folder: Path, flags: Sequence[str]) -> Path:
    source = folder / f"kt_{compiled.name}.c"
    return compile_objects(target, [source], out_dir=folder / "o", flags=flags)[0]


def _build(
    compiled: CompiledModel,
    machine: Machine,
    target: Target,
    folder: Path,
    inputs: Sequence[Sequence[np.ndarray]],
    expected: Sequence[Sequence[np.ndarray]],
    flags: Sequence[str],
    engine: Sequence[Path],
) -> Path:
    name, upper = compiled.name, compiled.name.upper()
    (folder / "bench_model.h").write_text(
        f'#include "kt_{name}.h"\n#define BENCH_ARENA_BYTES KT_{upper}_ARENA_BYTES\n'
        f"#define BENCH_OPERATORS KT_{upper}_OPERATORS\n#define bench_input(a, i) kt_{name}_input(a, i)\n"
        f"#define BENCH_INPUTS KT_{upper}_INPUTS\n#define BENCH_OUTPUTS KT_{upper}_OUTPUTS\n"
        f"#define bench_output(a, i) kt_{name}_output(a, i)\n"
        f"#define bench_invoke(a, p) (void)kt_{name}_invoke(a, p)\n"
    )
    (folder / "samples.c").write_text(
        '#include "bench.h"\n'
        f"const int8_t bench_inputs[] = {{{_numbers(inputs)}}};\n"
        f"const int8_t bench_expected[] = {{{_numbers(expected)}}};\n"
        f"const int32_t bench_samples = {len(inputs)};\n"
        f"const int32_t bench_input_bytes[] = {{{', '.join(str(spec.nbytes) for spec in compiled.inputs)}}};\n"
        f"const int32_t bench_output_bytes[] = {{{', '.join(str(spec.nbytes) for spec in compiled.outputs)}}};\n"
    )
    script = folder / "bench.ld"
    apart = machine.vectors
    script.write_text(
        LINKER.format(
            flash=machine.flash[0],
            flash_bytes=machine.flash[1],
            ram=machine.ram[0],
            ram_bytes=machine.ram[1],
            vectors="" if apart is None else f".vectors {apart:#x} : {{ KEEP(*(.vectors)) }}",
        )
    )
    sources = [BARE_METAL / "bench.c", BARE_METAL / machine.source, folder / "samples.c"]
    include = (f"-I{folder}", f"-I{BARE_METAL}", f"-DMACHINE_MHZ={machine.mhz}U")
    objects = [*compile_objects(target, sources, out_dir=folder / "o", flags=[*flags, *include]), *engine]
    wanted = ("-nostartfiles", "-nodefaultlibs", f"-T{script}", "-Wl,--gc-sections", "-lc", "-lgcc")
    if target.id == "rv32imac":
        wanted = tuple(each for each in wanted if each != "-lc")
    return link(target, objects, made=folder / "bench.elf", flags=wanted)


def _numbers(samples: Sequence[Sequence[np.ndarray]]) -> str:
    return ",".join(
        str(value) for arrays in samples for array in arrays for value in array.reshape(-1).tolist()
    )
