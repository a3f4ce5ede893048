"""Firmware that fails says so: every kind of fault is caused on an emulated chip, and the host names each one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mcu.boards import get_board
from mcu.firmware.builder import build_firmware
from mcu.protocol.fault import BoardFault, FaultCause
from mcu.protocol.session import Session
from mcu.transport import Port, open_port
from mcu.transport.urls.protocol_qemu import qemu_url
from tests.mcu.firmware.conftest import TOOLS
from tests.support import require

# By the numbers of sketches/ports/cortex_m/kt_inject.c and riscv_virt/inject.c.
CORTEX_M = {
    0: FaultCause.HARD,  # a breakpoint without a debugger
    1: FaultCause.MEMORY,  # code among the peripherals
    2: FaultCause.BUS,  # a read where nothing answers
    3: FaultCause.BUS,  # a write
    4: FaultCause.INSTRUCTION,  # undefined
    5: FaultCause.INSTRUCTION,  # Arm state
    6: FaultCause.ALIGNMENT,
    7: FaultCause.DIVISION,
    8: FaultCause.STACK_OVERFLOW,  # recursion
    9: FaultCause.STACK_OVERFLOW,  # one large frame
    10: FaultCause.ARENA_OVERFLOW,  # a word behind the arena
    11: FaultCause.ARENA_OVERFLOW,  # a bit before it
    12: FaultCause.ASSERTION,
    13: FaultCause.INTERRUPT,
}
RISC_V = {
    0: FaultCause.HARD,
    1: FaultCause.MEMORY,
    2: FaultCause.BUS,
    3: FaultCause.BUS,
    4: FaultCause.INSTRUCTION,
    8: FaultCause.STACK_OVERFLOW,
    9: FaultCause.STACK_OVERFLOW,
    10: FaultCause.ARENA_OVERFLOW,
    11: FaultCause.ARENA_OVERFLOW,
    12: FaultCause.ASSERTION,
}
# The stack's guard stops the processor before it can write down where it was.
WITHOUT_PC = {FaultCause.STACK_OVERFLOW, FaultCause.ARENA_OVERFLOW}


def _open(board_id: str, model: Path) -> Port:
    for tool in TOOLS[board_id]:
        require(tool)
    firmware = build_firmware(model.read_bytes(), board=get_board(board_id), inject_faults=True)
    return open_port(qemu_url(firmware.program, board=board_id))


def _inject(port: Port, number: int) -> BoardFault:
    session = Session.connect(port)
    (spec,) = session.identity.inputs
    with pytest.raises(BoardFault) as caught:
        session.infer([(b"KTFAULT" + bytes([ord("0") + number])).ljust(spec.nbytes, b"\0")])
    return caught.value


@pytest.mark.timeout(300)
def test_twenty_of_twenty_faults_on_a_cortex_m4_are_named_and_the_board_lives_on(models: dict[str, Path]):
    port = _open("qemu_stm32f405", models["classifier"])
    numbers = [*CORTEX_M, *random.Random(0).sample([*CORTEX_M], 6)]
    assert len(numbers) == 20
    named = []
    with port:
        for boot, number in enumerate(numbers, start=1):
            error = _inject(port, number)
            named.append(error.cause)
            assert error.fault.request == 1
            assert (error.fault.pc != 0) == (error.cause not in WITHOUT_PC)
            session = Session.connect(port)
            assert session.identity.boot_count == boot + 1
            assert session.identity.reset_cause.startswith(_words(error.cause))
        inputs = [bytes(session.identity.inputs[0].nbytes)]
        assert session.infer(inputs).outputs
    assert named == [CORTEX_M[number] for number in numbers]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("board_id", "faults"), [("qemu_mps2_an500", CORTEX_M), ("qemu_riscv_virt", RISC_V)], ids=["m7", "riscv"]
)
def test_every_fault_is_named_on_the_other_cores(
    models: dict[str, Path], board_id: str, faults: dict[int, FaultCause]
):
    port = _open(board_id, models["classifier"])
    with port:
        assert {number: _inject(port, number).cause for number in faults} == faults


def _words(cause: FaultCause | int) -> str:
    """As kt_fault_name in sketches/ports/common/kt_boot.c."""
    return {
        FaultCause.HARD: "hard fault",
        FaultCause.MEMORY: "memory protection",
        FaultCause.BUS: "bus error",
        FaultCause.INSTRUCTION: "bad instruction",
        FaultCause.ALIGNMENT: "unaligned access",
        FaultCause.DIVISION: "division by zero",
        FaultCause.STACK_OVERFLOW: "stack overflow",
        FaultCause.ARENA_OVERFLOW: "arena overflow",
        FaultCause.ASSERTION: "assertion",
        FaultCause.INTERRUPT: "unexpected interrupt",
    }[FaultCause(cause)]
