"""FAULT: the last frame of a program that failed, and the exception that it becomes (docs/reference/protocol.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from mcu.errors import BoardError
from mcu.protocol.messages import TailedMessage, Type


class FaultCause(IntEnum):
    """What happened, as the board's fault handler sees it."""

    HARD = 1
    MEMORY = 2
    BUS = 3
    INSTRUCTION = 4
    ALIGNMENT = 5
    DIVISION = 6
    STACK_OVERFLOW = 7
    ARENA_OVERFLOW = 8
    ASSERTION = 9
    INTERRUPT = 10


_WORDS = {
    FaultCause.HARD: "a hard fault",
    FaultCause.MEMORY: "an access to memory that is protected",
    FaultCause.BUS: "an access to an address where nothing answers",
    FaultCause.INSTRUCTION: "an instruction that is none",
    FaultCause.ALIGNMENT: "an unaligned access",
    FaultCause.DIVISION: "a division by zero",
    FaultCause.STACK_OVERFLOW: "a stack overflow",
    FaultCause.ARENA_OVERFLOW: "an arena overflow: the model wrote beside its memory",
    FaultCause.ASSERTION: "an assertion that does not hold",
    FaultCause.INTERRUPT: "an interrupt that nobody handles",
}


@dataclass(frozen=True, slots=True)
class Fault(TailedMessage):
    """Device → host: the program has failed and starts again, with another session. Registers are 0 if not known.

    Attributes:
        cause: FaultCause.
        request: that the device was at.
        pc, lr, sp: program counter, return address and stack pointer where it happened.
        status, hard_status: CFSR and HFSR on Cortex-M (ARM DDI 0403, B3.2); mcause and 0 on RISC-V.
        address: that was accessed: MMFAR or BFAR on Cortex-M, mtval on RISC-V; an assertion's line.
        data: UTF-8 text.
    """

    frame_type = Type.FAULT
    layout = struct.Struct("<BBHIIIIII")
    cause: int
    reserved: int
    request: int
    pc: int
    lr: int
    sp: int
    status: int
    hard_status: int
    address: int
    data: bytes


class BoardFault(BoardError):
    """The program on the board has failed and started again.

    Attributes:
        cause: FaultCause, or another number if this host does not know it.
        fault: everything that the board reported.
    """

    def __init__(self, fault: Fault):
        known = fault.cause in FaultCause._value2member_map_
        self.cause = FaultCause(fault.cause) if known else fault.cause
        self.fault = fault
        what = _WORDS[FaultCause(fault.cause)] if known else f"cause {fault.cause}"
        text = fault.data.decode("utf-8", "replace")
        super().__init__(
            f"The program on the board has failed in request {fault.request}: {what}{f' ({text})' if text else ''}; "
            f"pc {fault.pc:#010x}, lr {fault.lr:#010x}, sp {fault.sp:#010x}, status {fault.status:#010x}, "
            f"hard status {fault.hard_status:#010x}, address {fault.address:#010x}.",
            hint="It has started again; connect and go on. If it happens again, report the line above.",
        )
