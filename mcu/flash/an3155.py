"""Talk to the STM32 ROM bootloader on a serial line (ST AN3155): one command, one attempt; and a way back to order."""

from __future__ import annotations

from functools import reduce
from operator import xor

from mcu.errors import BoardError
from mcu.protocol.link import ByteStream

ACK, NACK, SYNC = 0x79, 0x1F, 0x7F
GET, GET_ID, READ, GO, WRITE, EXTENDED_ERASE = 0x00, 0x02, 0x11, 0x21, 0x31, 0x44
MAX_BLOCK_BYTES = 256

_REPLY_S = 1.0  # programming 256 bytes takes up to 26 ms (DS of STM32F4), a USB bridge 16 ms
_ERASE_S = (
    30.0  # 256 KiB on STM32F7 take up to 8 s with 8-bit parallelism (DS11532); the ROM answers at the end
)
_QUIET_S = 0.1
_SYNC_ATTEMPTS = 3
# The longest thing that the ROM may still be waiting for: 256 bytes, their count and their checksum.
_LONGEST_MESSAGE_BYTES = MAX_BLOCK_BYTES + 2
_BURST_BYTES = 32
_FILLERS = (0xAA, 0xCC, 0xF0, 0x96, 0xB4, 0xD2)


_GONE = (
    "Was the power cut, or the cable pulled? What is half written never starts: set BOOT0 high, press reset, "
    "and flash again."
)


class RomTrouble(BoardError):
    """A command did not end as it should; it may be tried again after `Rom.recover`."""


class RomSilent(RomTrouble):
    """No answer."""


class RomGarbled(RomTrouble):
    """An answer that is none of the protocol."""


class RomRefused(RomTrouble):
    """NACK.

    Attributes:
        at_command: the command itself was refused, before any parameter: read-out protection does that.
    """

    def __init__(self, message: str, *, at_command: bool):
        super().__init__(message)
        self.at_command = at_command


class Rom:
    """A ROM bootloader at the other end of `stream`.

    Args:
        stream: 8E1 on a real line (`open_port(…, even_parity=True)`).
        reply_s, erase_s, quiet_s: how long an answer may take, an erase may take, and how long silence means that
            nothing more comes.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        reply_s: float = _REPLY_S,
        erase_s: float = _ERASE_S,
        quiet_s: float = _QUIET_S,
    ):
        self.stream = stream
        self._reply_s = reply_s
        self._erase_s = erase_s
        self._quiet_s = quiet_s
        self._buffer = b""
        self._last_erase: frozenset[int] = frozenset()

    def connect(self) -> None:
        """Synchronise with a ROM that was just reset, or that is in the middle of anything.

        Raises:
            RomSilent: nobody answers.
        """
        if not self.answers():
            self.recover()

    def answers(self) -> bool:
        """Whether a ROM is there that was just reset, or waits for a command. Other firmware hears one stray byte."""
        self._drain()
        for _ in range(_SYNC_ATTEMPTS):
            self._send(bytes([SYNC]))
            heard = self._read_some(self._quiet_s)
            # NACK: it was synchronised before, and took this byte for the second half of a command.
            if heard and heard[-1] in (ACK, NACK):
                return True
        return False

    def recover(self) -> None:
        """Lead the ROM back to where it waits for a command, whatever it was waiting for.

        It has no time-out of its own. Filler is sent until it says NACK. The filler is even and not 0, so that no
        message of only filler has a right checksum, and is no byte of the last erase command, so that it cannot
        complete one that lost a byte: that could erase another sector.

        Raises:
            RomSilent: it says nothing to any of it: off, reset at another baud rate, or not there.
        """
        self._drain()
        if SYNC not in self._last_erase:  # if it was reset meanwhile, no other byte may come first
            self._send(bytes([SYNC]))
            if self._read_some(self._quiet_s):
                return
        filler = bytes([next(byte for byte in _FILLERS if byte not in self._last_erase)])
        for _ in range(-(-_LONGEST_MESSAGE_BYTES // _BURST_BYTES) + 1):
            self._send(filler * _BURST_BYTES)
            if NACK in self._read_some(self._quiet_s):
                break
        else:
            raise RomSilent(f"{self.stream.name}: the ROM bootloader does not answer any more.", hint=_GONE)
        # Half a command may be left over; two equal bytes are never a command, and the NACK marks its end.
        for _ in range(2):
            self._send(filler)
            if NACK in self._read_some(self._quiet_s):
                return
        raise RomSilent(f"{self.stream.name}: the ROM bootloader does not come back to order.", hint=_GONE)

    def commands(self) -> bytes:
        """Codes of the commands that it knows (GET, without the version)."""
        self._command(GET, "GET")
        count = self._take(1, "GET")[0]
        answer = self._take(count + 1, "GET")
        self._expect_ack("the end of GET")
        return answer[1:]

    def product_id(self) -> int:
        """Which chip it is, a number of ST AN2606."""
        self._command(GET_ID, "GET ID")
        count = self._take(1, "GET ID")[0] + 1
        answer = self._take(count, "GET ID")
        self._expect_ack("the end of GET ID")
        return int.from_bytes(answer, "big")

    def read(self, address: int, length: int) -> bytes:
        """Up to 256 bytes of memory. Nothing protects them on the line but the parity bit."""
        self._command(READ, "READ")
        self._send_address(address)
        self._send(bytes([length - 1, (length - 1) ^ 0xFF]))
        self._expect_ack("the length of READ")
        return self._take(length, "READ")

    def write(self, address: int, data: bytes) -> None:
        """Program up to 256 bytes of erased flash; address and length are multiples of 4."""
        self._command(WRITE, "WRITE")
        self._send_address(address)
        message = bytes([len(data) - 1]) + data
        self._send(message + bytes([reduce(xor, message)]))
        self._expect_ack(f"the data for {address:#010x}")

    def erase(self, sector: int) -> None:
        """Erase one sector, by number; all of it."""
        message = bytes(2) + sector.to_bytes(2, "big")  # how many sectors less one, and which
        checksum = reduce(xor, message)
        self._last_erase = frozenset({*message, checksum})
        self._command(EXTENDED_ERASE, "EXTENDED ERASE")
        self._send(message + bytes([checksum]))
        self._expect_ack(f"erasing sector {sector}", timeout_s=self._erase_s)

    def go(self, address: int) -> None:
        """Start what is there; the ROM is gone after its ACK."""
        self._command(GO, "GO")
        self._send_address(address)

    def _command(self, code: int, name: str) -> None:
        self._buffer = b""
        self._send(bytes([code, code ^ 0xFF]))
        self._expect_ack(f"the command {name}", at_command=True)

    def _send_address(self, address: int) -> None:
        message = address.to_bytes(4, "big")
        self._send(message + bytes([reduce(xor, message)]))
        self._expect_ack(f"the address {address:#010x}")

    def _expect_ack(self, what: str, *, timeout_s: float | None = None, at_command: bool = False) -> None:
        answer = self._take(1, what, timeout_s=timeout_s)[0]
        if answer == NACK:
            raise RomRefused(f"The ROM bootloader refuses {what} (NACK).", at_command=at_command)
        if answer != ACK:
            raise RomGarbled(f"The ROM bootloader answers {answer:#04x} to {what}.")

    def _take(self, count: int, what: str, *, timeout_s: float | None = None) -> bytes:
        while len(self._buffer) < count:
            part = self.stream.read(timeout_s=self._reply_s if timeout_s is None else timeout_s)
            if not part:
                raise RomSilent(f"No answer to {what}.")
            self._buffer += part
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _send(self, data: bytes) -> None:
        self.stream.write(data, timeout_s=self._reply_s)

    def _read_some(self, timeout_s: float) -> bytes:
        """What comes until the line is quiet."""
        heard = b""
        while part := self.stream.read(timeout_s=timeout_s):
            heard += part
        return heard

    def _drain(self) -> None:
        self._buffer = b""
        self._read_some(self._quiet_s)
