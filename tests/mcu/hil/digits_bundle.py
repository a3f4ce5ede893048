"""A real bundle without TensorFlow: a linear classifier of the digits, fitted by least squares, one dense layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_tiny import data as data_room
from keras_tiny.data.sample import Dataset
from keras_tiny.preprocessing.to_int8 import to_int8
from mcu.bundle import Bundle, npy_bytes, write_bundle
from mcu.tensor import TensorSpec
from mcu.tflm import TflmInterpreter, measure_arena
from tests.tflite_writer import Graph

GOLDEN = 4


def digits(*, side: int = 8) -> Dataset:
    return data_room.load("digits", image_size=side, channels=1)


def _image(data: Dataset) -> TensorSpec:
    """The model's input for this data."""
    spec = data.preprocessing
    return TensorSpec(name="image", shape=(1, spec.height, spec.width, 1), scale=1 / 128)


def write_digits_bundle(
    path: Path,
    *,
    data: Dataset | None = None,
    softmax: bool = False,
    wrong_golden: bool = False,
    ridge: float = 1.0,
) -> Bundle:
    """Fit, quantize, write.

    Args:
        softmax: end in probabilities instead of logits.
        wrong_golden: byte 7 of golden output 2 is one step off, as if exported with another interpreter.
        ridge: of the least squares; another value is another model.
    """
    data = data or digits()
    model = _model(data, softmax=softmax, ridge=ridge)
    desk = TflmInterpreter(model)
    golden_inputs = np.concatenate([_pixels(data, i) for i in range(GOLDEN)])
    golden_outputs = np.concatenate([desk.invoke([pixels[None]])[0] for pixels in golden_inputs])
    if wrong_golden:
        golden_outputs[2, 7] ^= 1
    fields = {
        "name": "digits-linear",
        "task": "classification",
        "labels": data.labels,
        "inputs": desk.inputs,
        "outputs": desk.outputs,
        "preprocessing": data.preprocessing,
        "operators": {"FULLY_CONNECTED": 1},
        "arena_bytes": measure_arena(model).total_bytes,
        "arena_bytes_32bit": None,
        "macs": 10 * _image(data).nbytes,
        "params": 10 * _image(data).nbytes + 10,
        "metrics": {"accuracy": {"float": 0.95, "ptq": 0.94, "qat": None}},
        "tool_versions": {"tests": "1"},
    }
    files = {
        "model.tflite": model,
        "golden_inputs.npy": npy_bytes(golden_inputs),
        "golden_outputs.npy": npy_bytes(golden_outputs),
    }
    return write_bundle(path, files=files, manifest_fields=fields)


def _model(data: Dataset, *, softmax: bool, ridge: float) -> bytes:
    pixels = np.concatenate([_pixels(data, i, split="train") for i in range(len(data.train))])
    flat = pixels.reshape(len(pixels), -1)
    size = flat.shape[1]
    x = np.c_[flat / 128, np.ones(len(pixels))]
    wanted = np.eye(data.num_classes)[data.train.labels]
    fitted = np.linalg.solve(x.T @ x + ridge * np.eye(size + 1), x.T @ wanted).T
    scale = float(np.abs(fitted[:, :size]).max()) / 127
    scores = x @ fitted.T
    out_scale = float(np.abs(scores).max()) / 127
    graph = Graph()
    spec = _image(data)
    image = graph.input("image", spec.shape, scale=spec.scale, zero_point=0)
    weights = graph.constant(
        "weights", np.rint(fitted[:, :size] / scale).astype(np.int8), scales=(scale,), zero_points=(0,)
    )
    bias_scale = scale * spec.scale
    bias = graph.constant(
        "bias", np.rint(fitted[:, size] / bias_scale).astype(np.int32), scales=(bias_scale,), zero_points=(0,)
    )
    options = {"fused_activation_function": "NONE", "keep_num_dims": False}
    shape = (1, data.num_classes)
    last = graph.add(
        "FULLY_CONNECTED",
        (image, weights, bias),
        "logits",
        shape,
        scale=out_scale,
        zero_point=0,
        options=options,
    )
    if softmax:
        last = graph.add(
            "SOFTMAX", (last,), "scores", shape, scale=1 / 256, zero_point=-128, options={"beta": 20.0}
        )
    return graph.build(outputs=(last,))


def _pixels(data: Dataset, index: int, *, split: str = "test") -> np.ndarray:
    """int8 (1, height, width, 1)."""
    return to_int8(getattr(data, split)[index].image, data.preprocessing, _image(data))
