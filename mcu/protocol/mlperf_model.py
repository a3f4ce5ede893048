"""How a model shows itself to MLPerf Tiny's runner, which chooses its script and its files by the model's id."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mcu.errors import BadInput

_ID = re.compile(r"[A-Za-z0-9_.-]{1,32}")
# The benchmark's other payloads: 32-bit floats of which the device quantizes a window, and streamed audio.
_OTHER_PAYLOADS = ("ad", "sww", "strww")


@dataclass(frozen=True)
class MlperfModel:
    """How a model shows itself to MLPerf's runner.

    Attributes:
        id: what `profile` answers, by which the runner chooses its script: ic01, vww01, kws01, or any name.
    """

    id: str

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise BadInput(
                f"'{self.id}' is no model id for MLPerf Tiny.",
                hint="Take up to 32 letters, digits, '_', '.' and '-', e.g. ic01.",
            )
        if self.id.startswith(_OTHER_PAYLOADS):
            raise BadInput(
                f"The inputs of MLPerf Tiny's '{self.id}' are neither pictures nor int8.",
                hint="Take ic01, vww01, kws01 or a name of your own.",
            )

    @classmethod
    def named(cls, name: str) -> MlperfModel:
        """A model whose id is as close to a name as ids can be; one that would mean other inputs gets a prefix."""
        safe = re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:24] or "model"
        return cls(f"model-{safe}" if safe.startswith(_OTHER_PAYLOADS) else safe)

    @property
    def flip(self) -> int:
        """What each byte is XORed with: 0x80 makes int8 of pixels, as minus 128 does; spectrograms are int8 already."""
        return 0x00 if self.id.startswith("kws") else 0x80
