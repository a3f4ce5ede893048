"""What distinguishes the ROMs of Espressif's chips: identity and the registers that clients look at.

Addresses: technical reference manuals of the ESP32, ESP32-S3, ESP32-C3 and ESP32-C6 (chapters SPI, UART, eFuse).
Chip ids: ESP-IDF, esp_chip_id_t. The magic word of the ESP32 is the word at 0x4000_1000 of its ROM.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ROM_WORD = 0x4000_1000
# ESP32 TRM, UART_CLKDIV_REG: 40 MHz over 115,200 baud.
_CLOCK_DIVIDER_115200 = 347


@dataclass(frozen=True)
class EspChip:
    """An ESP as its ROM shows it.

    Attributes:
        chip_id: in GET_SECURITY_INFO; None for the ESP32, which does not have that command.
        spi_base: of the controller of the SPI flash; data_offset: of its first data word W0.
        user2_offset: of the register with the flash command.
        extended_begin: FLASH_BEGIN has a fifth word, "encrypted".
        registers: address → value after reset, where it is not 0.
    """

    name: str
    chip_id: int | None
    spi_base: int
    data_offset: int
    user2_offset: int
    extended_begin: bool
    registers: dict[int, int] = field(default_factory=dict)


def _mac_words(first: int) -> dict[int, int]:
    """02:00:00:00:00:01, an address that nobody owns, low word first."""
    return {first: 0x0000_0001, first + 4: 0x0200}


CHIPS: dict[str, EspChip] = {
    chip.name: chip
    for chip in (
        EspChip(
            "ESP32",
            None,
            0x3FF4_2000,
            0x80,
            0x24,
            False,
            {ROM_WORD: 0x00F0_1D83, 0x3FF4_0014: _CLOCK_DIVIDER_115200, **_mac_words(0x3FF5_A004)},
        ),
        EspChip(
            "ESP32-S3",
            9,
            0x6000_2000,
            0x58,
            0x20,
            True,
            {0x6000_0014: _CLOCK_DIVIDER_115200, **_mac_words(0x6000_7044)},
        ),
        EspChip(
            "ESP32-C3",
            5,
            0x6000_2000,
            0x58,
            0x20,
            True,
            {0x6000_0014: _CLOCK_DIVIDER_115200, **_mac_words(0x6000_8844)},
        ),
        EspChip("ESP32-C6", 13, 0x6000_3000, 0x58, 0x20, True, {**_mac_words(0x600B_0844)}),
    )
}
