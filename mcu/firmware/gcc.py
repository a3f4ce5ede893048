"""C compilers as data, and one function that runs them (GCC's and Clang's command line)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mcu.errors import KerasTinyError, MissingExtra

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wdouble-promotion", "-Werror")
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")


class CompileError(KerasTinyError):
    """A C file did not compile or link; the message holds the compiler's own words."""


@dataclass(frozen=True)
class Target:
    """A machine that C is compiled for.

    Attributes:
        compiler: executable names, the first that is on PATH is used.
        flags: what selects the machine.
        debian: package that holds the compiler, for the error when it is missing.
        dsp: whether the DSP kernels run there.
    """

    id: str
    compiler: tuple[str, ...]
    flags: tuple[str, ...]
    debian: str
    dsp: bool = False


_ARM = ("arm-none-eabi-gcc",)
_ARM_PACKAGES = "gcc-arm-none-eabi libnewlib-arm-none-eabi"
TARGETS: dict[str, Target] = {
    target.id: target
    for target in (
        Target("host", ("cc", "gcc", "clang"), (), "gcc libc6-dev"),
        Target(
            "cortex_m4",
            _ARM,
            ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
            _ARM_PACKAGES,
            dsp=True,
        ),
        Target(
            "cortex_m7",
            _ARM,
            ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16"),
            _ARM_PACKAGES,
            dsp=True,
        ),
        Target(
            "rv32imac",
            ("riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv-none-elf-gcc"),
            ("-march=rv32imac_zicsr", "-mabi=ilp32", "-mcmodel=medany"),
            "gcc-riscv64-unknown-elf",
        ),
        Target(
            "rv32imc",
            ("riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv-none-elf-gcc"),
            ("-march=rv32imc_zicsr", "-mabi=ilp32", "-mcmodel=medany"),
            "gcc-riscv64-unknown-elf",
        ),
        # Of the ESP8266: the Xtensa compiler that Debian has. What compiles here compiles for an ESP32's, too.
        Target("xtensa_lx106", ("xtensa-lx106-elf-gcc",), ("-mlongcalls",), "gcc-xtensa-lx106"),
    )
}


def find_compiler(target: Target) -> str:
    """Path of the target's compiler.

    Raises:
        MissingExtra: none is on PATH; the hint installs it.
    """
    for name in target.compiler:
        found = shutil.which(name)
        if found:
            return found
    raise MissingExtra(
        f"No C compiler for {target.id}: none of {', '.join(target.compiler)} is on PATH.",
        hint=f"On Debian or Ubuntu: sudo apt-get install {target.debian}",
    )


def compile_objects(
    target: Target, sources: Sequence[Path], *, out_dir: Path, flags: Sequence[str] = ()
) -> list[Path]:
    """Compile C files side by side; returns the object files.

    Raises:
        CompileError: with the compiler's messages.
        MissingExtra: no compiler.
    """
    compiler = find_compiler(target)
    out_dir.mkdir(parents=True, exist_ok=True)

    def one(source: Path) -> Path:
        made = out_dir / f"{source.stem}.o"
        _run([compiler, "-std=c99", *target.flags, *WARNINGS, *flags, "-c", str(source), "-o", str(made)])
        return made

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(one, sources))


def link(target: Target, objects: Sequence[Path], *, made: Path, flags: Sequence[str] = ()) -> Path:
    """Link object files into a program or a shared library."""
    _run([find_compiler(target), *target.flags, *map(str, objects), *flags, "-o", str(made)])
    return made


@dataclass(frozen=True)
class SectionBytes:
    """What `size` counts: code with read-only data, initialised data, zeroed data."""

    text: int
    data: int
    bss: int


def section_bytes(target: Target, file: Path) -> SectionBytes:
    """Sizes of an object file or a program, by the toolchain's `size`."""
    tool = re.sub(r"(gcc|clang|cc)$", "size", find_compiler(target))
    row = _run([tool, str(file)]).splitlines()[1].split()
    return SectionBytes(int(row[0]), int(row[1]), int(row[2]))


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise CompileError(f"{Path(command[0]).name} failed ({' '.join(command[1:])}):\n{said[-4000:]}")
    return done.stdout
