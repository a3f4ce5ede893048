"""`mcu build`: a bundle's firmware for a board, or its model as plain C."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcu.cli.firmware_options import MlperfOption, OverlapOption, refuse_firmware_options
from mcu.console import JsonOption, print_json
from mcu.errors import BadInput


def register(app: typer.Typer) -> None:
    app.command()(build)


def build(
    bundle: Annotated[Path, typer.Argument(help="Folder that `keras-tiny export` wrote, or a .tflite file.")],
    board: Annotated[str, typer.Option(help="Board id, see `mcu boards`.")] = "qemu_stm32f405",
    out: Annotated[
        Path | None, typer.Option(help="Folder for firmware.elf and firmware.bin; default: the cache.")
    ] = None,
    emit: Annotated[
        Path | None,
        typer.Option(
            help="Write the model as C into this folder instead; sources.txt lists what to compile."
        ),
    ] = None,
    sketch: Annotated[
        Path | None,
        typer.Option(help="Write a folder for the Arduino IDE, arduino-cli or PlatformIO instead."),
    ] = None,
    sketch_kind: Annotated[str, typer.Option(help="hil_runner or camera_demo.")] = "hil_runner",
    engine: Annotated[str, typer.Option(help="Of the sketch: c or tflm.")] = "c",
    arena_bytes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Of the sketch with tflm: room for larger models that `mcu flash --model-only` brings later.",
        ),
    ] = None,
    mlperf: MlperfOption = None,
    overlap: OverlapOption = False,
    json: JsonOption = False,
) -> None:
    """Compile the model and the firmware around it. What was built before is not built again.

    Example: mcu build build/demo/bundle --board nucleo_f446re --out build/firmware
    """
    from mcu.model_file import model_bytes_of

    if sketch is not None or emit is not None:
        refuse_firmware_options(
            mlperf=mlperf, overlap=overlap, because="a sketch or C files", hint="Leave one of them out."
        )
    if sketch is not None:
        _sketch(
            bundle, sketch, board=board, kind=sketch_kind, engine=engine, arena_bytes=arena_bytes, json=json
        )
        return
    if engine != "c" or sketch_kind != "hil_runner" or arena_bytes is not None:
        raise BadInput(
            "--engine, --sketch-kind and --arena-bytes are for a sketch.", hint="Say where to: --sketch DIR."
        )
    model_bytes = model_bytes_of(bundle)
    if emit is not None:
        from mcu.compiler import compile_model
        from mcu.compiler import emit as emit_c

        compiled = compile_model(model_bytes)
        folder = emit_c(compiled, emit)
        constants = sum(compiled.const_bytes.values())
        if json:
            print_json(
                {
                    "image": str(folder),
                    "flash_bytes": constants,
                    "ram_bytes": compiled.arena_bytes,
                    "engine": "c",
                }
            )
        else:
            typer.echo(f"{folder}: {constants:,} B of constants, arena {compiled.arena_bytes:,} B")
        return
    from mcu.boards import get_board
    from mcu.firmware.builder import build_firmware
    from mcu.firmware.image import write_images
    from mcu.protocol.mlperf_model import MlperfModel

    personality = MlperfModel(mlperf) if mlperf is not None else None
    firmware = build_firmware(model_bytes, board=get_board(board), mlperf=personality, overlap=overlap)
    image = write_images(firmware, out, board=get_board(board)) if out else firmware.program
    assert firmware.size is not None, "boards have bare-metal ports"
    if json:
        size = firmware.size
        print_json(
            {
                "image": str(image),
                "flash_bytes": size.flash_bytes,
                "ram_bytes": size.ram_bytes,
                "engine": "c",
                "board": board,
                "parts": {
                    name: {"flash_bytes": part.flash, "ram_bytes": part.ram}
                    for name, part in size.parts.items()
                },
            }
        )
        return
    typer.echo(f"{image}{' (built before)' if firmware.cached else ''}")
    for name, part in firmware.size.parts.items():
        typer.echo(f"{name:>10} {part.flash:>10,} B flash {part.ram:>9,} B RAM")
    typer.echo(
        f"{'together':>10} {firmware.size.flash_bytes:>10,} B flash {firmware.size.ram_bytes:>9,} B RAM"
    )


def _sketch(
    bundle: Path,
    folder: Path,
    *,
    board: str,
    kind: str,
    engine: str,
    arena_bytes: int | None,
    json: bool,
) -> None:
    from mcu.boards import get_board
    from mcu.bundle import Bundle
    from mcu.firmware.sketch import write_sketch

    written = write_sketch(
        Bundle.open(bundle),
        folder,
        board=get_board(board),
        kind=kind,
        engine=engine,
        arena_bytes=arena_bytes,
    )
    if json:
        print_json(
            {
                "image": str(written.program),
                "flash_bytes": None,  # the tool that compiles it tells
                "ram_bytes": written.arena_bytes,
                "engine": written.engine,
                "board": written.board,
                "kind": written.kind,
                "firmware": written.firmware,
                "files": list(written.files),
            }
        )
        return
    typer.echo(f"{written.program}: {written.kind} for {written.board}, engine {written.engine}")
    typer.echo(f"Open it in the Arduino IDE, or see {written.folder / 'README.md'}.")
