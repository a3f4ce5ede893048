"""The end of every model: logits, or the activation that their number asks for."""

from __future__ import annotations

import pytest

from keras_tiny.keras_api import keras
from keras_tiny.models.outputs import finish


@pytest.mark.parametrize(
    ("channels", "output_activation", "expected"),
    [
        (1, "auto", keras.activations.sigmoid),
        (2, "auto", keras.activations.softmax),
        (1, "logits", keras.activations.linear),
        (2, "logits", keras.activations.linear),
    ],
)
def test_auto_is_sigmoid_for_one_channel_and_softmax_for_more(
    channels: int, output_activation: str, expected: object
) -> None:
    image = keras.Input((4, 4, 3))
    logits = keras.layers.Conv2D(channels, 1)(image)
    model = finish(
        image, logits, [], output_activation=output_activation, return_features=False, name="model"
    )
    assert model.layers[-1].activation is expected


def test_features_stand_beside_the_output() -> None:
    image = keras.Input((4, 4, 3))
    hidden = keras.layers.Conv2D(2, 1)(image)
    logits = keras.layers.Conv2D(5, 1)(hidden)
    model = finish(
        image, logits, [hidden, logits], output_activation="auto", return_features=True, name="model"
    )
    y, features = model.output
    assert y is not logits
    assert [f.shape[-1] for f in features] == [2, 5]
