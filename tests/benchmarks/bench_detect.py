"""Instructions of kt_detect on an emulated Cortex-M7: `python -m tests.benchmarks.bench_detect`."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from mcu.compiler.emit import sketches_folder
from mcu.firmware.gcc import TARGETS, compile_objects, link
from mcu.postprocess.detect import detect_int8, to_c
from tests.benchmarks.qemu_bench import BARE_METAL, LINKER, MACHINES, OPTIMIZE, TIMEOUT_S
from tests.mcu.postprocess.detectors import LARGE, outputs, tables

POST = sketches_folder() / "libraries" / "KerasTinyPost" / "src"


def bench_detect(*, classes: int, sure: int, machine_name: str = "cortex_m7") -> tuple[int, int]:
    """Instructions and objects of one picture with 6,132 anchors.

    Args:
        classes: background counted.
        sure: anchors that are on an object.
    """
    machine, target = MACHINES[machine_name], TARGETS[MACHINES[machine_name].target]
    class_output, box_output = outputs(0, spec=LARGE, classes=classes, sure=sure)
    made = tables(LARGE, classes=classes)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "detector.h").write_text(to_c(made))
        (folder / "bench_model.h").write_text(
            "#include <stddef.h>\n#include <stdint.h>\n#define BENCH_INPUTS 1\n#define BENCH_OUTPUTS 1\n"
        )
        (folder / "samples.c").write_text(
            "#include <stdint.h>\nextern const int8_t detect_classes[], detect_boxes[];\n"
            f"const int8_t detect_classes[] = {{{_numbers(class_output)}}};\n"
            f"const int8_t detect_boxes[] = {{{_numbers(box_output)}}};\n"
        )
        script = folder / "bench.ld"
        vectors = (
            "" if machine.vectors is None else f".vectors {machine.vectors:#x} : {{ KEEP(*(.vectors)) }}"
        )
        script.write_text(
            LINKER.format(
                flash=machine.flash[0],
                flash_bytes=machine.flash[1],
                ram=machine.ram[0],
                ram_bytes=machine.ram[1],
                vectors=vectors,
            )
        )
        sources = [
            BARE_METAL / "detect.c",
            BARE_METAL / machine.source,
            folder / "samples.c",
            POST / "kt_detect.c",
        ]
        include = (f"-I{folder}", f"-I{BARE_METAL}", f"-I{POST}", f"-DMACHINE_MHZ={machine.mhz}U")
        objects = compile_objects(target, sources, out_dir=folder / "o", flags=[*OPTIMIZE, *include])
        wanted = ("-nostartfiles", "-nodefaultlibs", f"-T{script}", "-Wl,--gc-sections", "-lc", "-lgcc")
        program = link(target, objects, made=folder / "bench.elf", flags=wanted)
        command = [
            *machine.qemu,
            *("-nographic", "-monitor", "none", "-serial", "stdio", "-icount", "shift=0"),
            *("-semihosting-config", "enable=on,target=native", "-kernel", str(program)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    said = done.stdout + done.stderr
    numbers = [re.search(rf"^{name} (\d+)", said, re.MULTILINE) for name in ("total", "objects")]
    if None in numbers:
        raise AssertionError(f"the machine said: {said[-500:]!r}")
    total, objects_found = (int(number[1]) for number in numbers if number is not None)
    assert objects_found == len(detect_int8(class_output, box_output, made))
    return total, objects_found


def _numbers(values: np.ndarray) -> str:
    return ",".join(map(str, values.ravel().tolist()))


def main() -> None:
    """Print a row per case."""
    for classes, sure in ((2, 0), (2, 40), (11, 40)):
        instructions, objects = bench_detect(classes=classes, sure=sure)
        print(f"{LARGE.count} anchors, {classes} classes, {objects} objects: {instructions:,} instructions")


if __name__ == "__main__":
    main()
