"""The variants that table.csv counts: every published width, resolution and wiring of every model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from keras_tiny.models import FEATURES_SUFFIX, MODELS
from keras_tiny.models.deployable import CLASSES, deployable

IMAGENET = 1000  # classes


@dataclass(frozen=True)
class Variant:
    """One call of one builder.

    Attributes:
        name: unique, e.g. "mobilenet_v2-0.35-96".
        model: name in the table of models.
        input_shape: (height, width, channels).
        num_classes: None for a backbone, which has no head.
        arguments: the others, as (name, value), in the order of the builder.
        deployable: for a board, so its int8 file is measured; the others are counted, to be compared with the papers.
    """

    name: str
    model: str
    input_shape: tuple[int, int, int]
    num_classes: int | None
    arguments: tuple[tuple[str, Any], ...] = ()
    deployable: bool = False

    @property
    def builder(self) -> str:
        """The function's name in keras_tiny.models."""
        return self.model if self.num_classes is not None else self.model + FEATURES_SUFFIX


def variants() -> tuple[Variant, ...]:
    """All of them, in the order of the table: what small boards hold, then what was published."""
    return (*_deployables(), *_classifiers(), *_backbones(), *_detectors(), *_segmenters())


def _deployables() -> Iterator[Variant]:
    for model, entry in MODELS.own.items():
        classes = CLASSES[entry.task]
        for each in deployable(model):
            name = f"{model}-{each.label}-{each.side}-{classes}_classes"
            arguments = tuple(each.arguments.items())
            yield Variant(name, model, _square(each.side), classes, arguments, deployable=True)


def _square(side: int) -> tuple[int, int, int]:
    return (side, side, 3)


def _classifiers() -> Iterator[Variant]:
    def row(model: str, side: int, classes: int, label: str = "", **arguments: Any) -> Variant:
        width = arguments.get("width", 1.0)
        name = f"{model}-{label}{width}-{side}" + ("" if classes == IMAGENET else f"-{classes}_classes")
        return Variant(name, model, _square(side), classes, tuple(arguments.items()))

    for width in (1.0, 0.75, 0.5, 0.25):
        yield row("mobilenet_v1", 224, IMAGENET, width=width)
    yield row("mobilenet_v1", 96, 2, width=0.25)
    for width in (1.0, 0.25):
        yield row("mobilenet_v1", 32, 10, width=width)

    for width in (1.0, 0.75, 0.5, 0.35, 0.25, 0.1):
        yield row("mobilenet_v2", 224, IMAGENET, width=width)
    yield row("mobilenet_v2", 96, 2, width=0.35)
    for width in (1.0, 0.35):
        yield row("mobilenet_v2", 32, 10, width=width)

    for model, torchvision_widths in (
        ("mobilenet_v3_small", (1.0, 0.75, 0.5, 0.35, 0.25)),
        ("mobilenet_v3_large", (1.0, 0.75, 0.5, 0.35)),
    ):
        for width in torchvision_widths:
            yield row(model, 224, IMAGENET, width=width)
        for width in (0.75, 0.5):
            yield row(model, 224, IMAGENET, "keras-", width=width, width_rule="keras")
        yield row(model, 224, IMAGENET, "minimalistic-", width=1.0, minimalistic=True)
        yield row(model, 32, 10, width=1.0)

    yield row("squeezenet", 224, IMAGENET, width=1.0)

    yield row("etinynet", 224, IMAGENET, "identity-", width=1.0, shortcut="identity")
    yield row("etinynet", 224, IMAGENET, "identity-floor-", width=0.75, rounding="floor", shortcut="identity")
    yield Variant(
        "etinynet-identity-paper-0.75-224",
        "etinynet",
        _square(224),
        IMAGENET,
        (("channels", (24, 96, 168, 192, 384)), ("shortcut", "identity")),
    )


def _backbones() -> Iterator[Variant]:
    def row(model: str, label: str, **arguments: Any) -> Variant:
        return Variant(f"{model}_features-{label}-256", model, _square(256), None, tuple(arguments.items()))

    yield row("mobilenet_v2", "floor-0.35", width=0.35, rounding="floor")
    yield row("mobilenet_v2", "0.35", width=0.35)
    yield row("mobilenet_v2", "no_tail-0.35", width=0.35, tail=False)
    yield row("squeezenet", "1.0", width=1.0)
    for shortcut in ("project", "identity"):
        for width in (1.0, 0.75, 0.5, 0.35):
            yield row(
                "etinynet", f"{shortcut}-floor-{width}", width=width, rounding="floor", shortcut=shortcut
            )


def _detectors() -> Iterator[Variant]:
    def row(model: str, label: str, classes: int = 2, **arguments: Any) -> Variant:
        name = f"{model}-{label}-256" + ("" if classes == 2 else "-1_class")
        return Variant(name, model, _square(256), classes, tuple(arguments.items()))

    widths = (1.0, 0.75, 0.5, 0.35)
    for classes in (2, 1):
        for width in widths:
            yield row("ssdlite", f"etinynet-floor-{width}", classes, width=width, rounding="floor")
    for width in widths:
        yield row(
            "ssdlite", f"etinynet-identity-floor-{width}", width=width, rounding="floor", shortcut="identity"
        )
        yield row("ssd", f"etinynet-floor-{width}", width=width, rounding="floor")
    for label, tail in (("", False), ("tail-", True)):
        for model in ("ssdlite", "ssd"):
            yield row(model, f"mobilenet_v2-{label}0.35", backbone="mobilenet_v2", width=0.35, tail=tail)
    for classes in (2, 1):
        yield row("ssdlite", "squeezenet", classes, backbone="squeezenet")
    yield row("ssd", "squeezenet", backbone="squeezenet")


def _segmenters() -> Iterator[Variant]:
    def row(model: str, outputs: int, label: str = "", side: int = 256, **arguments: Any) -> Variant:
        name = f"{model}-{label}{side}" + ("" if outputs == 1 else f"-{outputs}_classes")
        return Variant(name, model, _square(side), outputs, tuple(arguments.items()))

    for alpha in (1, 2, 4, 8):
        yield row("unet5", 1, f"alpha{alpha}-", alpha=alpha)
    for outputs in (2, 21):
        yield row("unet5", outputs, "alpha1-", alpha=1)
    for alpha in (1, 2, 4, 8):
        yield row("unet4", 1, f"alpha{alpha}-", alpha=alpha)
    for outputs in (1, 2, 3, 21):
        yield row("mobile_unet", outputs)
    for alpha2, alpha3 in ((2, 3), (5, 8)):
        for outputs in (1, 2, 21):
            yield row("espnet", outputs, f"{alpha2}_{alpha3}-", alpha2=alpha2, alpha3=alpha3)
    for features in ((64, 128, 256, 512), (32, 64, 128, 256), (16, 32, 64, 128), (8, 16, 32, 64)):
        yield row("efficient_unet", 1, f"{features[0]}_to_{features[-1]}-", features=features)
    yield row("efficient_unet", 1, "64_to_512-", side=224, features=(64, 128, 256, 512))
