"""Faults of a line, seeded: what `?faults=flip:1e-5,drop:1e-4,seed:3` behind a port's name means.

The words and their values are described in docs/how_to/faults_resume_replay.md.
"""

from __future__ import annotations

import difflib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, fields
from urllib.parse import unquote

from mcu.errors import BadInput

_LONGEST_BURST = 4096
_OPTION = "faults="


@dataclass(frozen=True)
class Places:
    """Where something happens on the line: at counted bytes of both directions together, or by chance.

    Attributes:
        at: after so many bytes since the first opening; each once.
        chance: of every byte, 0..1.
    """

    at: tuple[int, ...] = ()
    chance: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.at) or self.chance > 0


@dataclass(frozen=True)
class Faults:
    """What a line does to the bytes on it. Chances are 0..1, times in seconds.

    Attributes:
        flip: chance of every bit to arrive inverted.
        drop, insert, duplicate: of every byte to get lost, to have a random one before it, to come twice.
        burst: of every byte to have 1 to 4096 random ones before it.
        truncate: of everything that is handed over at once to lose its end.
        delay: longest time that a piece comes late; the order stays.
        coalesce: time that the first piece waits for others, to arrive as one.
        split: most bytes that arrive at once; 0: any number.
        baud: rate of the line, 10 bits a byte; 0: as fast as it goes.
        stall, stall_s: where nothing gets through any more, and for how long.
        unplug: where the port goes away; away: how long it cannot be opened then.
        reset: where the board starts again.
        only: "up" to the board, "down" to the host, or "" for both; of the faults of bytes and of time.
        seed: of every choice.
    """

    flip: float = 0.0
    drop: float = 0.0
    insert: float = 0.0
    duplicate: float = 0.0
    burst: float = 0.0
    truncate: float = 0.0
    delay: float = 0.0
    coalesce: float = 0.0
    split: int = 0
    baud: int = 0
    stall: Places = Places()
    stall_s: float = 0.0
    unplug: Places = Places()
    away: float = 0.0
    reset: Places = Places()
    only: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.byte_chance >= 1:
            raise BadInput(
                "The faults harm every byte: flip (8 times), drop, insert, duplicate and burst add up to 1 or more.",
                hint="Take smaller chances; with 0.1 in all, hardly a frame gets through.",
            )

    @property
    def byte_chance(self) -> float:
        """Of a byte to be harmed in any way."""
        return 1 - (1 - self.flip) ** 8 + self.drop + self.insert + self.duplicate + self.burst

    @classmethod
    def parse(cls, text: str) -> Faults:
        """`"flip:1e-5,unplug:20000,seed:3"` → Faults.

        Raises:
            BadInput: an unknown word, with near ones; a value that cannot be; a word twice.
        """
        values: dict[str, object] = {}
        for item in text.split(","):
            name, _, value = item.partition(":")
            if name not in WORDS:
                near = difflib.get_close_matches(name, WORDS, n=2)
                hint = f"Did you mean {' or '.join(near)}?" if near else f"There is: {', '.join(WORDS)}."
                raise BadInput(f"'{item}' is no fault.", hint=hint)
            if name in values:
                raise BadInput(f"The fault '{name}' is given twice.")
            if name == "stall":
                seconds, at, place = value.partition("@")
                values["stall_s"] = _seconds(name, seconds)
                values[name] = _places(name, place if at else "0")
            else:
                values[name] = WORDS[name](name, value)
        return cls(**values)  # type: ignore[arg-type]


def split_faults(url: str) -> tuple[str, Faults | None]:
    """A port's name with `faults=…` among its options → the name without, and the faults; None if there are none.

    Raises:
        BadInput: see `Faults.parse`.
    """
    path, mark, query = url.partition("?")
    options = query.split("&")
    given = [option[len(_OPTION) :] for option in options if option.startswith(_OPTION)]
    if not mark or not given:
        return url, None
    if len(given) > 1:
        raise BadInput(f"{url}: faults are given twice.", hint="Put all of them behind one faults=.")
    rest = "&".join(option for option in options if not option.startswith(_OPTION))
    return f"{path}?{rest}" if rest else path, Faults.parse(unquote(given[0]))


class Harm:
    """Damages bytes of one direction; what comes out depends on the bytes' number alone, not on how they are cut.

    Args:
        faults: flip, drop, insert, duplicate, burst and truncate of them.
        rng: seeded.
    """

    def __init__(self, faults: Faults, rng: random.Random):
        self._rng = rng
        self._truncate = faults.truncate
        self._kinds = (self._flip, self._drop, self._insert, self._duplicate, self._burst)
        flipped = 1 - (1 - faults.flip) ** 8
        self._chances = (flipped, faults.drop, faults.insert, faults.duplicate, faults.burst)
        chance = faults.byte_chance
        self._rate = -math.log1p(-chance) if chance else 0.0
        self._left = self._distance()  # bytes before the next one that is harmed

    def __call__(self, data: bytes) -> bytes:
        out, at = bytearray(), 0
        while self._left < len(data) - at:
            at += self._left
            out += data[at - self._left : at]
            out += self._choose()(data[at])
            at += 1
            self._left = self._distance()
        self._left -= len(data) - at
        out += data[at:]
        if self._truncate and out and self._rng.random() < self._truncate:
            del out[self._rng.randrange(len(out)) :]
        return bytes(out)

    def _distance(self) -> int:
        return int(self._rng.expovariate(self._rate)) if self._rate else 1 << 62

    def _choose(self) -> Callable[[int], bytes]:
        return self._rng.choices(self._kinds, self._chances)[0]

    def _flip(self, byte: int) -> bytes:
        return bytes([byte ^ 1 << self._rng.randrange(8)])

    def _drop(self, byte: int) -> bytes:
        return b""

    def _insert(self, byte: int) -> bytes:
        return bytes([self._rng.randrange(256), byte])

    def _duplicate(self, byte: int) -> bytes:
        return bytes([byte, byte])

    def _burst(self, byte: int) -> bytes:
        return self._rng.randbytes(self._rng.randint(1, _LONGEST_BURST)) + bytes([byte])


class Countdown:
    """Counts the bytes of a line down to the next of its places.

    Args:
        places: where.
        rng: seeded.
    """

    def __init__(self, places: Places, rng: random.Random):
        self._rng = rng
        self._rate = -math.log1p(-places.chance) if places.chance else 0.0
        self._ahead = sorted(places.at, reverse=True)
        self._passed = 0
        self.left: float = self._next()

    def pass_by(self, count: int) -> None:
        """So many bytes have passed, at most `left`."""
        self._passed += count
        self.left -= count

    def take(self) -> None:
        """The place is reached and what happens there happens: count down to the next one."""
        self.left = self._next()

    def _next(self) -> float:
        if self._ahead:
            return max(0, self._ahead.pop() - self._passed)
        return 1 + int(self._rng.expovariate(self._rate)) if self._rate else math.inf


def _chance(name: str, text: str) -> float:
    value = _number(name, text)
    if not 0 <= value < 1:
        raise BadInput(f"{name} is a chance from 0 to less than 1, not '{text}'.", hint=f"Write {name}:1e-4.")
    return value


def _seconds(name: str, text: str) -> float:
    value = _number(name, text)
    if not 0 <= value <= 3600:
        raise BadInput(f"{name} is a time of 0 to 3600 s, not '{text}'.", hint=f"Write {name}:0.05.")
    return value


def _whole(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise BadInput(f"{name} is a whole number, not '{text}'.", hint=f"Write {name}:7.")
    return int(text)


def _places(name: str, text: str) -> Places:
    """ "5000", "5000+9000" or "1e-6"."""
    if "." in text or "e" in text.lower():
        return Places(chance=_chance(name, text))
    return Places(at=tuple(_whole(name, place) for place in text.split("+")))


def _direction(name: str, text: str) -> str:
    if text not in ("up", "down"):
        raise BadInput(f"{name} is up, to the board, or down, to the host; not '{text}'.")
    return text


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(f"{name} is a number, not '{text}'.", hint=f"Write {name}:0.01.")
    return value


WORDS: dict[str, Callable[[str, str], object]] = {
    **dict.fromkeys(("flip", "drop", "insert", "duplicate", "burst", "truncate"), _chance),
    **dict.fromkeys(("delay", "coalesce", "away"), _seconds),
    **dict.fromkeys(("split", "baud", "seed"), _whole),
    **dict.fromkeys(("stall", "unplug", "reset"), _places),
    "only": _direction,
}


assert {*WORDS} | {"stall_s"} == {field.name for field in fields(Faults)}, "every fault has its word"
