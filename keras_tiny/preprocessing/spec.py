"""How a picture becomes the model's input: one specification that travels from training into the bundle."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class PreprocessingSpec(BaseModel):
    """Decode → channels → resize → `(pixel - mean) / std`.

    The default, mean 128 and std 128, maps pixels 0..255 to [-1, 127/128]. With an input scale of 1/128
    and zero point 0 the int8 input is exactly `pixel - 128`: on a microcontroller one XOR with 0x80 per byte
    (docs/decisions/0003-input-is-pixel-minus-128.md).

    Args:
        height, width: of the model's input, in pixels.
        channels: 3 (RGB) or 1 (grey).
        resize: filter of the resize; antialiased where it shrinks, as in Pillow.
        mean, std: per channel, in pixel units 0..255.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(ge=1, le=4096)
    width: int = Field(ge=1, le=4096)
    channels: Literal[1, 3] = 3
    resize: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    mean: tuple[float, ...] = (128.0,)
    std: tuple[float, ...] = (128.0,)

    @model_validator(mode="after")
    def _one_or_per_channel(self) -> PreprocessingSpec:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) not in (1, self.channels):
                raise ValueError(f"{name} has {len(values)} values; give 1 or {self.channels}")
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, got {self.std}")
        return self

    @property
    def input_range(self) -> tuple[float, float]:
        """Smallest and largest value that a pixel in 0..255 can become."""
        lows = [(0.0 - m) / s for m, s in self._pairs()]
        highs = [(255.0 - m) / s for m, s in self._pairs()]
        return min(lows), max(highs)

    def _pairs(self) -> list[tuple[float, float]]:
        means = self.mean * (self.channels if len(self.mean) == 1 else 1)
        stds = self.std * (self.channels if len(self.std) == 1 else 1)
        return list(zip(means, stds, strict=True))
