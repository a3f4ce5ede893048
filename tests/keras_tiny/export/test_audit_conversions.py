"""The audit on real conversions: right ones pass, and each known way to get a wrong file is found by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_tiny.export.audit import AuditReport, audit
from keras_tiny.export.convert import convert, convert_ptq
from keras_tiny.keras_api import keras, load_tfmot, tf
from keras_tiny.quantization import calibrate, quantize

IMAGES = np.random.default_rng(0).uniform(-1, 1, (16, 8, 8, 3)).astype(np.float32)


def _trained(outputs: Callable[[Any], Any]) -> Any:
    """A model on 8x8x3 whose statistics and biases are not those of fresh weights, which would hide mistakes."""
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, outputs(image))
    rng = np.random.default_rng(1)
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            low = np.array([0.5, -0.5, -0.5, 0.5])
            layer.set_weights([rng.uniform(at, at + 1, weights[0].shape) for at in low])
        elif weights and weights[-1].ndim == 1:
            layer.set_weights([*weights[:-1], rng.normal(0, 0.3, weights[-1].shape)])
    return model


def _classifier(image: Any) -> Any:
    layers = keras.layers
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization(name="stem_bn")(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    y = layers.BatchNormalization(name="depthwise_bn")(y)
    x = layers.Add(name="add")([x, y])
    return layers.Dense(4, name="head")(layers.GlobalAveragePooling2D()(x))


def _upsampler(image: Any) -> Any:
    x = keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="up")(image)
    return keras.layers.BatchNormalization(name="up_bn")(x)


def _quantized(
    model: Any, *, edges: Any = tf.int8, with_data: bool = True, from_keras: bool = False
) -> bytes:
    """TFLiteConverter used directly, as people do: each argument is one way to get it wrong."""
    if from_keras:
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
    else:
        signature = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
        function = tf.function(model).get_concrete_function(signature)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if with_data:
        converter.representative_dataset = lambda: ([image[None]] for image in IMAGES)
        converter.inference_input_type = converter.inference_output_type = edges
    return converter.convert()


def _reasons(report: AuditReport) -> str:
    return "\n".join(str(problem) for problem in report.problems)


def test_our_post_training_quantization_passes():
    report = audit(convert_ptq(_trained(_classifier), IMAGES))
    assert report.ok, _reasons(report)
    assert report.operators["DEPTHWISE_CONV_2D"] == 1
    assert report.float_tensors == ()


def test_our_quantization_aware_model_passes():
    model = quantize(_trained(_classifier))
    calibrate(model, IMAGES)
    report = audit(convert(model))
    assert report.ok, _reasons(report)
    assert report.quantize_ops == ()


def test_a_float_file_fails_at_its_edges_and_in_every_layer():
    report = audit(convert(_trained(_classifier)))
    assert not report.ok
    assert "the model's input is float32, not int8" in _reasons(report)
    assert {"stem", "depthwise", "add", "head"} <= {problem.layer for problem in report.problems}
    assert len(report.float_tensors) >= 8


def test_float_edges_leave_quantize_and_dequantize_which_are_named():
    report = audit(_quantized(_trained(_classifier), edges=tf.float32))
    assert {"QUANTIZE", "DEQUANTIZE"} <= set(report.operators)
    assert {"QUANTIZE", "DEQUANTIZE"} <= {problem.operator for problem in report.problems}


def test_uint8_edges_are_named():
    report = audit(_quantized(_trained(_classifier), edges=tf.uint8))
    text = _reasons(report)
    assert "the model's input is uint8, not int8" in text
    assert "the model's output is uint8, not int8" in text
    assert report.quantize_ops


def test_a_dynamic_batch_is_found():
    report = audit(_quantized(_trained(_upsampler), from_keras=True))
    assert {"SHAPE", "STRIDED_SLICE", "PACK"} <= {problem.operator for problem in report.problems}
    assert "the model's input has the open shape (-1, 8, 8, 3)" in _reasons(report)


def test_weights_alone_in_int8_are_found_as_hybrid():
    wide = _trained(lambda image: keras.layers.Conv2D(64, 3, name="wide")(image))
    report = audit(_quantized(wide, with_data=False))
    hybrid = [problem for problem in report.problems if "hybrid" in problem.reason]
    assert {problem.operator for problem in hybrid} == {"CONV_2D"}


def test_a_batch_norm_that_shares_its_convolution_is_found_unfolded():
    def outputs(image: Any) -> Any:
        x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(image)
        y = keras.layers.BatchNormalization(name="bn")(x)
        return keras.layers.Add(name="add")([x, y])  # the convolution is needed without the BatchNorm too

    report = audit(_quantized(_trained(outputs)))
    unfolded = [
        (each.layer, each.operator) for each in report.problems if "BatchNorm not folded" in each.reason
    ]
    assert unfolded == [("bn", "MUL"), ("bn", "ADD")]


def test_a_batch_norm_behind_an_addition_is_noted():
    def outputs(image: Any) -> Any:
        x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(image)
        y = keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
        return keras.layers.BatchNormalization(name="bn")(keras.layers.Add(name="add")([x, y]))

    report = audit(_quantized(_trained(outputs)))
    assert report.ok, _reasons(report)
    assert report.notes == ("MUL and ADD in layer 'bn': a BatchNorm that no convolution comes before",)


def test_a_transposed_convolution_that_stayed_in_float_is_found():
    # tfmot's own scheme quantizes its weights and leaves the sums, and so its BatchNorm and ReLU, in float.
    def outputs(image: Any) -> Any:
        return keras.layers.ReLU(name="relu")(_upsampler(image))

    tfmot = load_tfmot()
    quantization = tfmot.quantization.keras
    annotated = keras.models.clone_model(
        _trained(outputs), clone_function=quantization.quantize_annotate_layer
    )
    report = audit(_quantized(quantization.quantize_apply(annotated), with_data=False))
    assert "hybrid, int8 weights but float activations" in _reasons(report)
    assert "TRANSPOSE_CONV" in {problem.operator for problem in report.problems}
