"""Whatever a builder cannot use is one error that says what came and what to try, before anything is built."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from keras_tiny import models
from keras_tiny.errors import BadInput, KerasTinyError
from tests.keras_tiny.models.subject import SMALL

GOOD = {"input_shape": (64, 64, 3), "num_classes": 2}
# Of each model a size that it cannot halve as often as it wants, and what it says then.
SIZES = {
    **dict.fromkeys(
        ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"), "at least 32"
    ),
    **dict.fromkeys(("unet4", "espnet", "efficient_unet"), "a multiple of 8"),
    "unet5": "a multiple of 16",
    "mobile_unet": "a multiple of 32",
}


def parameters(name: str) -> Any:
    return inspect.signature(models.MODELS.load(name)).parameters


def refusal(name: str, **arguments: Any) -> str:
    """What the one error says, its hint included."""
    with pytest.raises(BadInput) as error:
        models.build(name, **{**GOOD, **SMALL.get(name, {}), **arguments})
    assert isinstance(error.value, KerasTinyError)
    return str(error.value)


@pytest.mark.parametrize("name", models.MODELS)
def test_no_classes_are_refused(name: str) -> None:
    for classes in (0, -1, 2.0, True, None):
        assert f"num_classes must be a whole number of at least 1, received {classes!r}" in refusal(
            name, num_classes=classes
        )


@pytest.mark.parametrize("name", models.MODELS)
def test_what_is_no_size_is_refused_with_an_example(name: str) -> None:
    for shape in ((64, 64), (0, 64, 3), (64, -64, 3), (64, 64, 0), (None, None, 3), 64, "64x64x3"):
        said = refusal(name, input_shape=shape)
        assert f"(height, width, channels) in whole pixels, received {shape!r}" in said
        assert "(96, 96, 3)" in said


@pytest.mark.parametrize("name", SIZES)
def test_a_size_that_cannot_be_halved_often_enough_is_refused(name: str) -> None:
    said = refusal(name, input_shape=(64, 31, 3))
    assert f"width is 31, this model needs {SIZES[name]}" in said
    assert "32" in said  # what to take


@pytest.mark.parametrize("name", models.MODELS)
def test_a_picture_too_small_for_the_model_is_refused(name: str) -> None:
    assert "this model needs" in refusal(name, input_shape=(4, 4, 3))


@pytest.mark.parametrize("name", [name for name in models.MODELS if "width" in parameters(name)])
def test_a_width_that_is_no_positive_number_is_refused(name: str) -> None:
    for width in (0, -0.5, float("nan"), float("inf"), True, "0.5"):
        assert f"width must be a positive number, received {width!r}" in refusal(name, width=width)


@pytest.mark.parametrize("name", [name for name in models.MODELS if "rounding" in parameters(name)])
def test_a_width_that_leaves_no_channel_is_refused_where_it_is_not_rounded_up(name: str) -> None:
    assert "leaves no channel of" in refusal(name, width=0.01, rounding="floor")


@pytest.mark.parametrize("name", ["unet4", "unet5"])
def test_a_divisor_that_leaves_no_channel_is_refused(name: str) -> None:
    assert "alpha=1000 leaves no channel of" in refusal(name, alpha=1000)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("mobilenetv2", "mobilenet_v2"), ("unet", "unet5"), ("esp_net", "espnet"), ("ssd_lite", "ssdlite")],
)
def test_an_unknown_model_is_answered_with_near_names(typed: str, meant: str) -> None:
    with pytest.raises(BadInput) as error:
        models.build(typed, **GOOD)
    assert f"There is no model named '{typed}'" in str(error.value)
    assert "Did you mean" in str(error.value)
    assert meant in str(error.value)
