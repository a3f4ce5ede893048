"""SSD and SSDLite detectors (Liu et al., arXiv:1512.02325; Sandler et al., arXiv:1801.04381, section 6.2).

Taps, extra maps, heads and anchors are TinyML_Det's, with its taps moved to where its figure draws them: the ends of
the backbone's stages.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from keras_tiny.blocks.linear_depthwise import SHORTCUTS, Shortcut
from keras_tiny.blocks.rounding import Rounding
from keras_tiny.blocks.ssd_head import BoxOutputs, Head, extra_map, predict
from keras_tiny.boxes.anchors import ASPECT_RATIOS, MAX_SIZES, MIN_SIZES, AnchorSpec, anchor_spec
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras
from keras_tiny.models.checks import check_choice, check_count
from keras_tiny.models.etinynet import etinynet_features
from keras_tiny.models.mobilenet_v2 import mobilenet_v2_features
from keras_tiny.models.outputs import feature_model
from keras_tiny.models.squeezenet import squeezenet_features

Backbone = Literal["etinynet", "mobilenet_v2", "squeezenet"]
BACKBONES: tuple[Backbone, ...] = ("etinynet", "mobilenet_v2", "squeezenet")
MAPS = 6

CLASSES_NAME = "classes"
BOXES_NAME = "boxes"


class Extra(NamedTuple):
    """Channels of an extra map's 1×1 convolution, and of its output; not scaled by the width."""

    squeeze_to: int
    channels: int


EXTRAS: dict[Backbone, tuple[Extra, ...]] = {
    "etinynet": (Extra(128, 256),) * 3,
    "mobilenet_v2": (Extra(128, 256),) * 3,
    "squeezenet": (Extra(256, 512), *(Extra(128, 256),) * 3),
}


def ssd(
    input_shape: tuple[int, int, int] = (160, 160, 3),
    *,
    num_classes: int,
    backbone: Backbone = "etinynet",
    width: float = 1.0,
    rounding: Rounding = "divisible",
    shortcut: Shortcut = "project",
    tail: bool = False,
    batch_norm: bool = False,
    min_sizes: tuple[float, ...] = MIN_SIZES,
    max_sizes: tuple[float, ...] = MAX_SIZES,
    aspect_ratios: tuple[tuple[float, ...], ...] = ASPECT_RATIOS,
    bn_momentum: float = 0.9,
) -> keras.Model:
    """SSD with full 3×3 heads: twice and more the parameters of `ssdlite`, arguments and outputs as there."""
    _check_num_classes(num_classes)
    _check_sizes(min_sizes, max_sizes, aspect_ratios)
    image, maps = _maps(
        "ssd", input_shape, backbone, width, rounding, shortcut, tail, batch_norm, bn_momentum
    )
    anchors = _anchors(maps, min_sizes, max_sizes, aspect_ratios)
    return _detector(image, maps, anchors, num_classes=num_classes, head="ssd", bn_momentum=None)


def ssdlite(
    input_shape: tuple[int, int, int] = (160, 160, 3),
    *,
    num_classes: int,
    backbone: Backbone = "etinynet",
    width: float = 1.0,
    rounding: Rounding = "divisible",
    shortcut: Shortcut = "project",
    tail: bool = False,
    batch_norm: bool = False,
    min_sizes: tuple[float, ...] = MIN_SIZES,
    max_sizes: tuple[float, ...] = MAX_SIZES,
    aspect_ratios: tuple[tuple[float, ...], ...] = ASPECT_RATIOS,
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The detector: (batch, height, width, channels) → [(batch, anchors, num_classes), (batch, anchors, 4)].

    Class logits and box outputs stay apart, because as int8 each needs a scale of its own. `keras_tiny.boxes.detect`
    turns them into objects; `anchors_of` gives the anchors that they are told against.

    Args:
        input_shape: (height, width, channels), sides of 32 pixels or more.
        num_classes: logits per anchor, background counted: class 0. One kind of object means 2.
        backbone: "etinynet", "mobilenet_v2", or "squeezenet" (1.1).
        width, rounding, bn_momentum: of the backbone; the extra maps are not scaled.
        shortcut: of an EtinyNet's dense blocks, see `etinynet`.
        tail: keep a MobileNetV2's 1×1 convolution to 1280 channels.
        batch_norm: give a SqueezeNet, and the heads on it, the BatchNorm that the paper's does not have.
        min_sizes, max_sizes: of the anchors on the six maps, as shares of the input's sides.
        aspect_ratios: of the anchors on the six maps; each adds a wide and a high one.

    Raises:
        BadInput: an argument that cannot be used, or that is another backbone's, with what to try.
    """
    _check_num_classes(num_classes)
    _check_sizes(min_sizes, max_sizes, aspect_ratios)
    image, maps = _maps(
        "ssdlite", input_shape, backbone, width, rounding, shortcut, tail, batch_norm, bn_momentum
    )
    anchors = _anchors(maps, min_sizes, max_sizes, aspect_ratios)
    plain = backbone == "squeezenet" and not batch_norm
    return _detector(
        image,
        maps,
        anchors,
        num_classes=num_classes,
        head="ssdlite",
        bn_momentum=None if plain else bn_momentum,
    )


def ssd_features(
    input_shape: tuple[int, int, int] = (160, 160, 3),
    *,
    backbone: Backbone = "etinynet",
    width: float = 1.0,
    rounding: Rounding = "divisible",
    shortcut: Shortcut = "project",
    tail: bool = False,
    batch_norm: bool = False,
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The six maps on which `ssd` predicts, from fine to coarse; arguments as in `ssdlite`."""
    image, maps = _maps(
        "ssd", input_shape, backbone, width, rounding, shortcut, tail, batch_norm, bn_momentum
    )
    return feature_model(image, maps, name="ssd_features")


def ssdlite_features(
    input_shape: tuple[int, int, int] = (160, 160, 3),
    *,
    backbone: Backbone = "etinynet",
    width: float = 1.0,
    rounding: Rounding = "divisible",
    shortcut: Shortcut = "project",
    tail: bool = False,
    batch_norm: bool = False,
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The six maps on which `ssdlite` predicts, from fine to coarse; arguments as there."""
    image, maps = _maps(
        "ssdlite", input_shape, backbone, width, rounding, shortcut, tail, batch_norm, bn_momentum
    )
    return feature_model(image, maps, name="ssdlite_features")


def anchors_of(model: keras.Model) -> AnchorSpec:
    """The anchors of a detector, float or quantized, new or loaded.

    Raises:
        BadInput: a model that was not built by `ssd` or `ssdlite`.
    """
    for layer in model.layers:
        inner = getattr(layer, "layer", layer)  # inside tfmot's QuantizeWrapper
        if isinstance(inner, BoxOutputs):
            return inner.anchors
    raise BadInput(
        f"The model '{model.name}' has no anchors: it is no detector of keras-tiny.",
        hint="Build it with kt.models.ssdlite(...) or kt.models.ssd(...).",
    )


def _maps(
    head: Head,
    input_shape: tuple[int, int, int],
    backbone: Backbone,
    width: float,
    rounding: Rounding,
    shortcut: Shortcut,
    tail: bool,
    batch_norm: bool,
    bn_momentum: float,
) -> tuple[Any, list[Any]]:
    """The input, and the six maps: the backbone's taps and the extra ones."""
    check_choice(backbone, BACKBONES, argument="backbone")
    check_choice(shortcut, SHORTCUTS, argument="shortcut")
    for argument, given, owner in (
        ("shortcut", shortcut != "project", "etinynet"),
        ("tail", tail, "mobilenet_v2"),
        ("batch_norm", batch_norm, "squeezenet"),
    ):
        if given and backbone != owner:
            raise BadInput(f"{argument} is an argument of the backbone {owner}; this one is {backbone}.")
    if backbone == "etinynet":
        features = etinynet_features(
            input_shape, width=width, rounding=rounding, shortcut=shortcut, bn_momentum=bn_momentum
        )
        maps = list(features.outputs[-3:])
    elif backbone == "mobilenet_v2":
        features = mobilenet_v2_features(
            input_shape, width=width, rounding=rounding, bn_momentum=bn_momentum, taps="ssd", tail=tail
        )
        maps = list(features.outputs)
    else:
        features = squeezenet_features(
            input_shape, width=width, rounding=rounding, batch_norm=batch_norm, bn_momentum=bn_momentum
        )
        maps = list(features.outputs[-2:])
    momentum = None if backbone == "squeezenet" and not batch_norm else bn_momentum
    for extra in EXTRAS[backbone]:
        maps.append(
            extra_map(
                maps[-1],
                squeeze_to=extra.squeeze_to,
                channels=extra.channels,
                head=head,
                bn_momentum=momentum,
                name=f"extra_{len(maps) + 1}",
            )
        )
    return features.input, maps


def _anchors(
    maps: list[Any],
    min_sizes: tuple[float, ...],
    max_sizes: tuple[float, ...],
    aspect_ratios: tuple[tuple[float, ...], ...],
) -> AnchorSpec:
    return anchor_spec(
        [(part.shape[1], part.shape[2]) for part in maps],
        min_sizes=tuple(min_sizes),
        max_sizes=tuple(max_sizes),
        aspect_ratios=tuple(tuple(row) for row in aspect_ratios),
    )


def _check_sizes(
    min_sizes: tuple[float, ...], max_sizes: tuple[float, ...], aspect_ratios: tuple[tuple[float, ...], ...]
) -> None:
    for argument, rows in (
        ("min_sizes", min_sizes),
        ("max_sizes", max_sizes),
        ("aspect_ratios", aspect_ratios),
    ):
        if not isinstance(rows, tuple | list) or len(rows) != MAPS:
            raise BadInput(
                f"{argument} must be {MAPS} entries, one for each map, received {rows!r}.",
                hint="They go from the finest map to the coarsest.",
            )
    for low, high in zip(min_sizes, max_sizes, strict=True):
        if not 0 < low <= high <= 1:
            raise BadInput(
                f"An anchor's sizes must be 0 < min <= max <= 1, received min {low!r} and max {high!r}.",
                hint="They are shares of the input's sides: 26 pixels of 256 are 26/256 = 0.1.",
            )
    for ratio in (ratio for row in aspect_ratios for ratio in row):
        if not ratio > 0:
            raise BadInput(f"An aspect ratio must be positive, received {ratio!r}.")


def _check_num_classes(num_classes: int) -> None:
    check_count(
        num_classes, argument="num_classes", hint="Background is class 0: one kind of object means 2."
    )


def _detector(
    image: Any,
    maps: list[Any],
    anchors: AnchorSpec,
    *,
    num_classes: int,
    head: Head,
    bn_momentum: float | None,
) -> keras.Model:
    def outputs(numbers: int, kind: str) -> list[Any]:
        return [
            predict(
                x,
                numbers=numbers,
                per_cell=part.per_cell,
                head=head,
                last=number == MAPS,
                bn_momentum=bn_momentum,
                name=f"map_{number}_{kind}",
            )
            for number, (x, part) in enumerate(zip(maps, anchors.maps, strict=True), start=1)
        ]

    classes = keras.layers.Concatenate(axis=1, name=CLASSES_NAME)(outputs(num_classes, "class"))
    boxes = BoxOutputs(anchors, name=BOXES_NAME)(outputs(4, "box"))
    return keras.Model(image, [classes, boxes], name=head)
