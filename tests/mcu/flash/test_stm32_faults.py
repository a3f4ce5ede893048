"""Every fault at every step of a write to an STM32: never a false success, and the next run recovers."""

from __future__ import annotations

import random
from collections import Counter
from functools import lru_cache
from typing import get_args

import pytest

from mcu.boards import get_board
from mcu.doubles.direct import DirectLine
from mcu.doubles.faults import PLACES, Fault, FaultKind, FaultPlan, Place
from mcu.doubles.stm32_rom import FLASH_BASE, Stm32Rom
from mcu.errors import BoardError
from mcu.flash.an3155 import Rom
from mcu.flash.image import Image
from mcu.flash.plan import plan_sectors
from mcu.flash.stm32_uart import write_with
from mcu.flash.written import Written
from mcu.transport.faults import Faults

BOARD = get_board("nucleo_f446re")
OLD = b"\x5a" * 600  # of an older firmware, in every sector
# Every step of these; of the bytes on the line a sample that shifts through all positions within a message.
EVERY: tuple[Place, ...] = ("reply", "block", "erase")
BYTE_STRIDE = 13


def run(rom: Stm32Rom, image: Image) -> Written:
    line = Rom(DirectLine(rom))
    sectors = plan_sectors(image, BOARD)
    return write_with(line, sectors, board=BOARD, start=image.start, progress=lambda done, total: None)


def chip(*faults: Fault) -> Stm32Rom:
    """A chip with older firmware, and user data in a sector that the image does not touch."""
    rom = Stm32Rom(BOARD, faults=faults)
    for offset in (0x0000, 0x4000, 0x8000):
        rom.flash.program(offset, OLD)
    rom.flash.programmed.clear()
    return rom


def holds(rom: Stm32Rom, image: Image) -> bool:
    return all(
        rom.flash.content[s.address - FLASH_BASE : s.end - FLASH_BASE] == s.data for s in image.segments
    )


def steps(image: Image) -> Counter[Place]:
    rom = chip()
    run(rom, image)
    return rom.faults.counts


steps_once = lru_cache(maxsize=1)(steps)


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_no_fault_at_any_step_gives_a_false_success_and_the_next_run_recovers(
    kind: FaultKind, two_sectors: Image, record_property: pytest.RecordProperty
):
    place = PLACES[kind]
    stride = 1 if place in EVERY else BYTE_STRIDE
    recovered_at_once = failed_with_a_reason = 0
    for at in range(0, steps(two_sectors)[place], stride):
        rom = chip(Fault(kind, at))
        try:
            result = run(rom, two_sectors)
        except BoardError:
            failed_with_a_reason += 1
        else:
            assert result.verified
            assert holds(rom, two_sectors), f"false success after {kind} at {place} {at}"
            recovered_at_once += 1
        assert rom.faults.committed, f"{kind} at {at} never happened"
        assert rom.flash.content[0x8000 : 0x8000 + len(OLD)] == OLD, (
            f"{kind} at {at}: another sector was lost"
        )
        rom.power_on()
        assert run(rom, two_sectors).verified
        assert holds(rom, two_sectors), f"not recovered after {kind} at {place} {at}"
        rom.power_on()
        written = len(rom.flash.programmed)
        assert run(rom, two_sectors).wrote_bytes == 0
        assert len(rom.flash.programmed) == written
    record_property("faults", recovered_at_once + failed_with_a_reason)
    record_property("recovered_at_once", recovered_at_once)
    if kind in ("lose_reply", "flip_reply", "nack", "flip_byte", "lose_byte", "weak_bit", "half_erased"):
        # The last reply is to GO: once that is lost, the chip runs the application.
        assert failed_with_a_reason <= 1, f"{failed_with_a_reason} runs did not recover by themselves"
    else:
        assert recovered_at_once == 0 or kind == "reset"


def test_at_least_five_hundred_faults_are_injected(two_sectors: Image):
    counts = steps(two_sectors)
    strides = {kind: 1 if PLACES[kind] in EVERY else BYTE_STRIDE for kind in get_args(FaultKind)}
    assert sum(-(-counts[PLACES[kind]] // strides[kind]) for kind in get_args(FaultKind)) >= 500


@pytest.mark.parametrize("seed", range(100))
def test_several_faults_in_one_run_give_no_false_success_either(seed: int, two_sectors: Image):
    rng = random.Random(seed)
    counts = steps_once(two_sectors)
    kinds = [rng.choice(get_args(FaultKind)) for _ in range(rng.randint(2, 12))]
    rom = chip(*(Fault(kind, rng.randrange(counts[PLACES[kind]])) for kind in kinds))
    try:
        run(rom, two_sectors)
    except BoardError:
        pass
    else:
        assert holds(rom, two_sectors)
    rom.faults = FaultPlan()
    rom.power_on()
    assert run(rom, two_sectors).verified
    assert holds(rom, two_sectors)


@pytest.mark.parametrize(
    "words", ["flip:2e-5", "drop:1e-4", "insert:1e-4", "duplicate:1e-4", "flip:1e-4,drop:1e-3"]
)
def test_a_bad_line_gives_no_false_success_and_a_good_one_afterwards_recovers(words: str, two_sectors: Image):
    for seed in range(5):
        rom = chip()
        line = Rom(DirectLine(rom, faults=Faults.parse(f"{words},seed:{seed}")))
        sectors = plan_sectors(two_sectors, BOARD)
        try:
            write_with(line, sectors, board=BOARD, start=two_sectors.start, progress=lambda done, total: None)
        except BoardError:
            rom.power_on()
            run(rom, two_sectors)
        assert holds(rom, two_sectors)
