"""The variants that microcontrollers hold: of every model a few widths and resolutions, from small to large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

# What is counted for a model that is not in the table below: its builder's defaults at this size.
FALLBACK_SIDE = 64
CLASSES = {"classification": 10, "detection": 2, "segmentation": 2}


class Deployable(NamedTuple):
    """One variant; `label` tells it from its neighbours."""

    label: str
    side: int
    arguments: Mapping[str, Any]


def _widths(*pairs: tuple[float, int], **others: Any) -> tuple[Deployable, ...]:
    return tuple(Deployable(f"{width}", side, {"width": width, **others}) for width, side in pairs)


def _alphas(*pairs: tuple[int, int]) -> tuple[Deployable, ...]:
    return tuple(Deployable(f"alpha{alpha}", side, {"alpha": alpha}) for alpha, side in pairs)


DEPLOYABLE: dict[str, tuple[Deployable, ...]] = {
    "mobilenet_v1": _widths((0.25, 96), (0.5, 96), (0.25, 160)),
    "mobilenet_v2": _widths((0.35, 96), (0.1, 96)),
    "mobilenet_v3_small": _widths((0.25, 96), (0.5, 96)),
    "mobilenet_v3_large": _widths((0.35, 96)),
    "squeezenet": _widths((0.25, 64), (0.25, 96)),
    "etinynet": _widths((0.35, 96), (0.5, 96)),
    "ssd": _widths((0.35, 96)),
    "ssdlite": _widths((0.35, 96)),
    "unet5": _alphas((16, 64)),
    "unet4": _alphas((16, 64), (16, 96)),
    "mobile_unet": _widths((0.25, 64), last_conv=64),
    "espnet": (Deployable("2_3", 64, {"alpha2": 2, "alpha3": 3}),),
    "efficient_unet": (Deployable("8_to_64", 64, {"features": (8, 16, 32, 64)}),),
}


def deployable(model: str) -> Iterator[Deployable]:
    """Those of one model; a model that the table does not know has one, its builder's defaults."""
    yield from DEPLOYABLE.get(model, (Deployable("default", FALLBACK_SIDE, {}),))
