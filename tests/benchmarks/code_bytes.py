"""Write mcu/firmware/code_bytes.csv, which `mcu fits` adds up: `python -m tests.benchmarks.code_bytes`."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from mcu.boards import get_board
from mcu.compiler import compile_model
from mcu.compiler.emit import LIBRARY, sketches_folder
from mcu.firmware.builder import build_firmware
from mcu.firmware.code_bytes import TABLE, CodeBytes
from mcu.firmware.estimate import model_ram_bytes
from mcu.firmware.gcc import TARGETS, compile_objects, section_bytes
from mcu.firmware.ports import PORTS, port_for
from tests.tflite_networks import residual_network

BOARDS = ("qemu_stm32f405", "qemu_mps2_an500", "qemu_riscv_virt")
FLAGS = ("-O2", "-ffunction-sections", "-fdata-sections", "-ffreestanding", "-fno-common")


def measured_kernels() -> list[CodeBytes]:
    """Every kernel on every target of a port that runs it."""
    rows = []
    for target in (TARGETS[name] for name in dict.fromkeys(port.target for port in PORTS if not port.in_ram)):
        sources = sorted(
            path
            for path in (sketches_folder() / LIBRARY).glob("*.c")
            if target.dsp or not path.stem.endswith("_dsp")
        )
        with tempfile.TemporaryDirectory() as folder:
            objects = compile_objects(target, sources, out_dir=Path(folder), flags=FLAGS)
            for source, made in zip(sources, objects, strict=True):
                rows.append(CodeBytes(target.id, source.name, section_bytes(target, made).text, 0))
    return rows


def measured_ports() -> list[CodeBytes]:
    """What a firmware takes besides its model and kernels."""
    rows, model_bytes = [], residual_network()
    for board in map(get_board, BOARDS):
        port = port_for(board)
        size = build_firmware(model_bytes, board=board).size
        assert size is not None
        parts = size.parts
        flash = sum(part.flash for name, part in parts.items() if name not in ("model", "engine"))
        compiled = compile_model(model_bytes, kernels="dsp" if TARGETS[port.target].dsp else "portable")
        ram = size.ram_bytes - model_ram_bytes(compiled)
        rows.append(CodeBytes(port.id, "firmware", flash, ram))
    return rows


def main() -> None:
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CodeBytes._fields)
        writer.writerows([*measured_kernels(), *measured_ports()])


if __name__ == "__main__":
    main()
