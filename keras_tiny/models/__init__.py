"""The garden: a table name → module, imported on call. `models.mobilenet_v2(...)` builds a tf_keras model."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from keras_tiny.errors import BadInput, UnknownName
from keras_tiny.registry import Entry, Registry

MODELS = Registry(
    "model",
    {
        "mobilenet_v1": Entry(
            "keras_tiny.models.mobilenet_v1:mobilenet_v1",
            task="classification",
            paper="MobileNets: Efficient Convolutional Neural Networks for Mobile Vision, arXiv:1704.04861",
        ),
        "mobilenet_v2": Entry(
            "keras_tiny.models.mobilenet_v2:mobilenet_v2",
            task="classification",
            paper="MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381",
        ),
        "mobilenet_v3_small": Entry(
            "keras_tiny.models.mobilenet_v3:mobilenet_v3_small",
            task="classification",
            paper="Searching for MobileNetV3, arXiv:1905.02244",
        ),
        "mobilenet_v3_large": Entry(
            "keras_tiny.models.mobilenet_v3:mobilenet_v3_large",
            task="classification",
            paper="Searching for MobileNetV3, arXiv:1905.02244",
        ),
        "squeezenet": Entry(
            "keras_tiny.models.squeezenet:squeezenet",
            task="classification",
            paper="SqueezeNet: AlexNet-level accuracy with 50x fewer parameters, arXiv:1602.07360",
        ),
        "etinynet": Entry(
            "keras_tiny.models.etinynet:etinynet",
            task="classification",
            paper="EtinyNet: Extremely Tiny Network for TinyML, AAAI 2022",
        ),
        "ssd": Entry(
            "keras_tiny.models.ssd:ssd",
            task="detection",
            paper="SSD: Single Shot MultiBox Detector, arXiv:1512.02325",
        ),
        "ssdlite": Entry(
            "keras_tiny.models.ssd:ssdlite",
            task="detection",
            paper="SSDLite of MobileNetV2, arXiv:1801.04381; over EtinyNet, AAAI 2022, as in TinyML_Det",
        ),
        "unet5": Entry(
            "keras_tiny.models.unet:unet5",
            task="segmentation",
            paper="U-Net: Convolutional Networks for Biomedical Image Segmentation, arXiv:1505.04597",
        ),
        "unet4": Entry(
            "keras_tiny.models.unet:unet4",
            task="segmentation",
            paper="U-Net: Convolutional Networks for Biomedical Image Segmentation, arXiv:1505.04597",
        ),
        "mobile_unet": Entry(
            "keras_tiny.models.mobile_unet:mobile_unet",
            task="segmentation",
            paper="MobileNetV2 encoder, arXiv:1801.04381; decoder of TinyMachines v0.1.2",
        ),
        "espnet": Entry(
            "keras_tiny.models.espnet:espnet",
            task="segmentation",
            paper="ESPNet: Efficient Spatial Pyramid of Dilated Convolutions, arXiv:1803.06815",
        ),
        "efficient_unet": Entry(
            "keras_tiny.models.efficient_unet:efficient_unet",
            task="segmentation",
            paper="ZappaRoberto/Efficent_Unet; SPD-Conv, arXiv:2208.03641; large-kernel attention, arXiv:2202.09741",
        ),
    },
    group="keras_tiny.models",
)


# The constructors of TinyMachines, under their own names.
ALIASES = Registry(
    "alias",
    {name: Entry(f"keras_tiny.models.aliases:{name}") for name in ("UNet5", "UNet4", "MobileUNet", "ESPnet")},
)

FEATURES_SUFFIX = "_features"


def build(name: str, **arguments: Any) -> Any:
    """The model of that name, built with its builder's arguments.

    Raises:
        UnknownName: no such model, or no such argument; with near names.
        BadInput: an argument's value that cannot be used, or one that is missing.
    """
    builder = MODELS.load(name)
    parameters = inspect.signature(builder).parameters
    for argument in arguments:
        if argument not in parameters:
            raise UnknownName(f"argument of {name}", argument, parameters)
    for argument, parameter in parameters.items():
        if parameter.default is parameter.empty and argument not in arguments:
            raise BadInput(f"{name} needs {argument}=…, which was not given.")
    return builder(**arguments)


def features(name: str) -> Callable[..., Any]:
    """The function that builds the named model's backbone: `mobilenet_v2` → `mobilenet_v2_features`."""
    module, _, attribute = MODELS[name].target.partition(":")
    return getattr(import_module(module), attribute + FEATURES_SUFFIX)


def __getattr__(name: str) -> Callable[..., Any]:
    for table in (MODELS, ALIASES):
        if name in table.own:
            return table.load(name)
    if name.removesuffix(FEATURES_SUFFIX) in MODELS.own:
        return features(name.removesuffix(FEATURES_SUFFIX))
    # Python's own questions (__path__, __wrapped__) are not worth a look at every installed package.
    if not name.startswith("__") and name in MODELS:
        return MODELS.load(name)
    raise AttributeError(
        f"module 'keras_tiny.models' has no attribute '{name}'; it knows {', '.join(MODELS.own)}"
    )


def __dir__() -> list[str]:
    return sorted([*globals(), *MODELS.own, *(model + FEATURES_SUFFIX for model in MODELS.own), *ALIASES])


class _Garden(ModuleType):
    """This package, in which a builder keeps its name.

    Importing `keras_tiny.models.mobilenet_v2` makes Python set the attribute `mobilenet_v2` of this package to that
    file's module; the builder of the same name is what callers mean by it.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and name in MODELS.own and hasattr(value, name):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Garden
