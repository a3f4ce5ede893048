"""TensorFlow first, Keras 3 first, keras_tiny first: each trains and exports, and leaves the caller's Keras alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import require

ORDERS = {
    "tensorflow first": "import tensorflow as tf\nimport keras_tiny as kt",
    "tensorflow first, its keras used": "import tensorflow as tf\ntf.keras.layers.Dense(1)\nimport keras_tiny as kt",
    "keras 3 first": "import keras\nimport keras_tiny as kt\nimport tensorflow as tf",
    "keras_tiny first": "import keras_tiny as kt\nkt.models.mobilenet_v2\nimport tensorflow as tf",
}

WORK = """
import os, pathlib, sys
import tf_keras
data = kt.data.load("digits", image_size=8, channels=1)
model = tf_keras.Sequential([
    tf_keras.Input((8, 8, 1)),
    tf_keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False),
    tf_keras.layers.BatchNormalization(),
    tf_keras.layers.ReLU(6.0),
    tf_keras.layers.GlobalAveragePooling2D(),
    tf_keras.layers.Dense(10),
])
kt.train(model, data, epochs=1)
qat = kt.quantize(model)
kt.train(qat, data, epochs=1)
bundle = kt.export(qat, sys.argv[1], data=data)
assert bundle.manifest.inputs[0].scale == 1 / 128, bundle.manifest.inputs
assert tf.keras.version().startswith("3."), f"the caller's Keras became {tf.keras.version()}"
assert "TF_USE_LEGACY_KERAS" not in os.environ
import keras
assert keras.Model is tf.keras.Model
print("trained and exported")
"""


@pytest.mark.parametrize("order", ORDERS)
def test_every_import_order_trains_and_exports_and_keeps_the_callers_keras_3(order: str, tmp_path: Path):
    require("module:tensorflow")
    require("module:tflite_micro")
    environment = {key: value for key, value in os.environ.items() if key != "TF_USE_LEGACY_KERAS"}
    script = ORDERS[order] + WORK
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "bundle")],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith("trained and exported")


@pytest.mark.parametrize("verb", ["train", "quantize", "export"])
def test_a_keras_3_model_gets_one_clear_error(verb: str, tmp_path: Path):
    require("module:tensorflow")
    import keras

    import keras_tiny as kt
    from keras_tiny.errors import BadInput

    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    data = kt.data.load("digits", image_size=8, channels=1)
    verbs = {
        "train": lambda: kt.train(model, data, epochs=1),
        "quantize": lambda: kt.quantize(model),
        "export": lambda: kt.export(model, tmp_path / "bundle", data=data),
    }
    with pytest.raises(BadInput, match=f"Cannot {verb} a Keras 3 model") as refused:
        verbs[verb]()
    assert "tf_keras" in refused.value.hint
