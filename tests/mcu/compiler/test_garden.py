"""Every model of the garden, at one deployable size, gives TensorFlow Lite Micro's bytes when it is compiled."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from mcu.compiler import compile_model
from mcu.firmware.gcc import TARGETS
from mcu.tflm import TflmInterpreter
from tests.benchmarks.qemu_bench import MACHINES, run_on_qemu
from tests.mcu.compiler.host_run import assert_equals_tflm
from tests.support import require

# The size that a board would get; segmenters answer with one map per class.
DEPLOYABLE: dict[str, dict[str, object]] = {
    "mobilenet_v1": {"input_shape": (96, 96, 3), "num_classes": 10, "width": 0.25},
    "mobilenet_v2": {"input_shape": (96, 96, 3), "num_classes": 10, "width": 0.35},
    "mobilenet_v3_small": {"input_shape": (96, 96, 3), "num_classes": 10},
    "mobilenet_v3_large": {"input_shape": (96, 96, 3), "num_classes": 10, "width": 0.35},
    "squeezenet": {"input_shape": (96, 96, 3), "num_classes": 10},
    "etinynet": {"input_shape": (96, 96, 3), "num_classes": 10, "width": 0.35},
    "unet5": {"input_shape": (64, 64, 3), "num_classes": 1, "alpha": 8},
    "unet4": {"input_shape": (64, 64, 3), "num_classes": 1, "alpha": 16},
    "mobile_unet": {"input_shape": (96, 96, 3), "num_classes": 1},
    "espnet": {"input_shape": (96, 96, 3), "num_classes": 2},
    "efficient_unet": {"input_shape": (64, 64, 3), "num_classes": 1, "features": (8, 16, 32, 64)},
    "ssd": {"input_shape": (96, 96, 3), "num_classes": 2, "width": 0.35},
    "ssdlite": {"input_shape": (96, 96, 3), "num_classes": 2, "width": 0.35},
}
QUICK = ("mobilenet_v1", "unet4")


@cache
def int8_file(name: str) -> bytes:
    """The model with random weights and BatchNorm statistics, quantized after training on noise."""
    from keras_tiny import models
    from keras_tiny.export.convert import convert_ptq
    from keras_tiny.keras_api import keras

    model = getattr(models, name)(**DEPLOYABLE[name])
    rng = np.random.default_rng(1)
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            positive = ("gamma", "variance")
            weights = [
                rng.uniform(0.5, 1.5, w.shape)
                if any(p in v.name for p in positive)
                else rng.normal(0, 0.3, w.shape)
                for w, v in zip(weights, layer.weights, strict=True)
            ]
            layer.set_weights(weights)
        elif weights and getattr(layer, "bias", None) is not None:
            layer.set_weights([*weights[:-1], rng.normal(0, 0.2, weights[-1].shape)])
    return convert_ptq(model, rng.uniform(-1, 1, (16, *model.input_shape[1:])).astype(np.float32))


def selected() -> list[object]:
    return [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in sorted(DEPLOYABLE)
    ]


@pytest.mark.parametrize("name", selected())
def test_model_gives_the_bytes_of_tensorflow_lite_micro(name: str) -> None:
    for module in ("tensorflow", "tf_keras", "tflite_micro"):
        require(f"module:{module}")
    assert_equals_tflm(int8_file(name), samples=3)


@pytest.mark.parametrize("machine_name", sorted(MACHINES))
@pytest.mark.parametrize("name", selected())
def test_model_gives_the_same_bytes_on_emulated_machines(name: str, machine_name: str) -> None:
    machine = MACHINES[machine_name]
    for tool in (
        "module:tensorflow",
        "module:tflite_micro",
        machine.qemu[0],
        TARGETS[machine.target].compiler[0],
    ):
        require(tool)
    model_bytes = int8_file(name)
    compiled = compile_model(model_bytes, kernels="dsp" if TARGETS[machine.target].dsp else "portable")
    interpreter = TflmInterpreter(model_bytes)
    rng = np.random.default_rng(2)
    samples = [[rng.integers(-128, 128, spec.shape, np.int8) for spec in interpreter.inputs]]
    expected = [interpreter.invoke(sample) for sample in samples]
    image = len(model_bytes) + sum(array.nbytes for array in (*samples[0], *expected[0]))
    if image > machine.flash[1] or compiled.arena_bytes > machine.ram[1] * 0.9:
        pytest.skip(f"{name} needs {image} B of flash and {compiled.arena_bytes} B of RAM")
    assert run_on_qemu(compiled, machine, samples, expected).wrong_bytes == 0


def test_every_architecture_is_listed() -> None:
    require("module:tensorflow")
    from keras_tiny.models import MODELS

    missing = {name for name, entry in MODELS.items() if entry.task != "detection"} - set(DEPLOYABLE)
    assert not missing, "a new model: say at which size it is deployed"
