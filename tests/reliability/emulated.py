"""Rows about the firmware on an emulated STM32F405: resets, faults, pauses, the same bytes and the same counts."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import numpy as np

import mcu
from mcu.boards import get_board
from mcu.firmware.builder import build_firmware
from mcu.protocol import Session
from mcu.protocol.fault import BoardFault
from mcu.tflm import TflmInterpreter
from mcu.transport import open_port
from mcu.transport.urls.protocol_qemu import qemu_url
from tests.mcu.firmware.test_faults import CORTEX_M
from tests.mcu.hil.digits_bundle import digits, write_digits_bundle
from tests.reliability.row import Outcome
from tests.tflite_networks import residual_network, segmenter

BOARD = "qemu_stm32f405"
TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm", "module:tflite_micro")
_RESET_BYTES = 2500


def resets(count: int) -> Outcome:
    """Validations on the emulated chip with its reset button pressed at random bytes, until `count` resets."""
    rng = random.Random(10)
    data = digits()
    seen, runs, faulty = 0, 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        bundle = write_digits_bundle(folder / "bundle", data=data)
        while seen < count:
            places, at = [], 0
            for _ in range(min(count - seen, 80)):
                at += rng.randrange(1, _RESET_BYTES)
                places.append(at)
            url = f"{qemu_url(bundle.path, board=BOARD)}&faults=reset:{'+'.join(map(str, places))}"
            run = mcu.validate(bundle, data, board=BOARD, port=url, out_dir=folder / "out")
            runs, seen = runs + 1, seen + len(run.interruptions)
            ids = [sample.id for sample in run.per_sample]
            faulty += ids != list(data.test.ids) or not run.bit_exact
    words = f"{seen:,} interruptions by resets in {runs} runs of {len(data.test)} samples"
    return Outcome(not faulty, f"{words}, {faulty} runs with a sample lost, twice or wrong")


def faults(count: int) -> Outcome:
    """Faults of every kind, caused in the firmware while the model runs: FAULT names each, with its place."""
    rng = random.Random(11)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.tflite"
        model.write_bytes(residual_network())
        firmware = build_firmware(model.read_bytes(), board=get_board(BOARD), inject_faults=True)
        named = 0
        with open_port(qemu_url(firmware.program, board=BOARD)) as port:
            for _ in range(count):
                number = rng.choice([*CORTEX_M])
                session = Session.connect(port)
                (spec,) = session.identity.inputs
                try:
                    session.infer([(b"KTFAULT" + bytes([ord("0") + number])).ljust(spec.nbytes, b"\0")])
                except BoardFault as error:
                    named += error.cause == CORTEX_M[number]
    return Outcome(named == count, f"{named} of {count} with the right cause")


def same_bytes(samples: int) -> Outcome:
    """Random inputs of three models: desk, virtual board and emulated chip answer the same bytes."""
    told, holds = [], True
    with tempfile.TemporaryDirectory() as temporary:
        bundle = write_digits_bundle(Path(temporary) / "digits")
        models = {"residual": residual_network(), "segmenter": segmenter(), "digits": bundle.model_bytes}
        for name, model in models.items():
            path = Path(temporary) / f"{name}.tflite"
            path.write_bytes(model)
            desk, rng, equal = TflmInterpreter(model), np.random.default_rng(12), 0
            with (
                Session.connect(open_port(f"virtual://{path}")) as virtual,
                Session.connect(open_port(qemu_url(path, board=BOARD))) as emulated,
            ):
                for _ in range(samples):
                    image = rng.integers(-128, 128, desk.inputs[0].shape, np.int8)
                    expected = tuple(output.tobytes() for output in desk.invoke([image]))
                    both = [board.infer([image.tobytes()]).outputs for board in (virtual, emulated)]
                    equal += both == [expected, expected]
            told.append(f"{name} {equal:,} of {samples:,}")
            holds &= equal == samples
    return Outcome(holds, ", ".join(told))


def same_counts(boots: int) -> Outcome:
    """The instructions of one inference, after each of so many starts of the machine."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(residual_network())
        counts = set()
        for _ in range(boots):
            with Session.connect(open_port(qemu_url(path, board=BOARD))) as session:
                (spec,) = session.identity.inputs
                counts.add(session.infer([bytes(spec.nbytes)]).instructions)
    return Outcome(
        len(counts) == 1 and None not in counts,
        f"{', '.join(map(str, counts))} instructions in {boots} starts",
    )
