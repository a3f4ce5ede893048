"""What every model of the table holds to as int8: it trains, passes the audit, and the board agrees with it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from keras_tiny.export.audit import audit
from keras_tiny.export.parity import compare, compare_layers, rounded_layers, varied_images
from keras_tiny.keras_api import keras, tf
from mcu.protocol.session import Session
from mcu.transport import open_port
from mcu.transport.urls.protocol_virtual import virtual_url
from mcu.virtual.process import load_board
from tests.keras_tiny.models.subject import SHAPE, Subject
from tests.mcu.protocol.loop import Loop
from tests.support import require

# EtinyNet's linear depthwise layers are damped without an activation between them: with the weights of `Subject` its
# output does not depend on the image any more.
QUIET = {"etinynet", "ssd", "ssdlite"}


@pytest.fixture(autouse=True)
def _board() -> None:
    require("module:tflite_micro")


def test_the_file_passes_the_audit(subject: Subject) -> None:
    report = audit(subject.model_bytes)
    assert report.ok, report.to_text()
    assert report.tried  # TensorFlow Lite Micro itself has allocated it
    assert not report.float_tensors


def test_nothing_but_the_models_own_operations_is_in_the_file(subject: Subject) -> None:
    """Every BatchNorm is folded, or is one 1x1 depthwise where no convolution comes before it."""
    layers = Counter(type(layer).__name__ for layer in subject.float_model.layers)
    alone = Counter(
        type(layer.layer).__name__ for layer in subject.quantized.layers if hasattr(layer, "layer")
    )
    operators = Counter(audit(subject.model_bytes).operators)
    assert operators["ADD"] == layers["Add"]
    assert operators["MUL"] == layers["Multiply"] + layers["HardSigmoid"]
    assert operators["CONCATENATION"] == layers["Concatenate"] + layers["BoxOutputs"]
    assert operators["TRANSPOSE_CONV"] == layers["Conv2DTranspose"]
    assert operators["HARD_SWISH"] == layers["HardSwish"]
    assert operators["DEPTHWISE_CONV_2D"] == layers["DepthwiseConv2D"] + alone["DepthwiseBatchNorm"]
    assert operators["CONV_2D"] == layers["Conv2D"]
    unwanted = {"DEQUANTIZE", "SUB", "DIV", "PAD", "RELU", "RELU6", "SHAPE", "PACK", "TILE"}
    assert not operators.keys() & unwanted


def test_the_board_takes_and_gives_the_models_shapes_as_int8(subject: Subject) -> None:
    (image,), outputs = subject.interpreter.inputs, subject.interpreter.outputs
    assert (image.shape, image.scale, image.zero_point) == ((1, *SHAPE), 1 / 128, 0)
    expected = tf.nest.flatten(subject.float_model.output)
    assert [output.shape[1:] for output in outputs] == [tensor.shape[1:] for tensor in expected]
    assert {image.dtype, *(output.dtype for output in outputs)} == {"int8"}


def test_every_layer_on_the_board_is_within_one_step_of_the_models(subject: Subject) -> None:
    layers = compare_layers(subject.quantized, subject.model_bytes, subject.images[:8])
    assert len(layers) > 5
    for name in set(rounded_layers(subject.quantized)) - set(layers):
        mean = subject.quantized.get_layer(name).layer
        assert isinstance(mean, keras.layers.GlobalAveragePooling2D), name
        assert mean.input_shape[1:3] == (1, 1), (
            "over one pixel; of anything else the file must hold the output"
        )
    for name, parity in layers.items():
        assert parity.share_within_1 >= 0.99, (name, parity)
        assert parity.max_steps <= 2, (name, parity)
        assert parity.std_steps >= 2, (name, parity)  # the comparison says something


def test_the_board_is_within_two_steps_of_the_fake_quantized_model(subject: Subject) -> None:
    """From end to end; no architecture needs more (see `subject.DAMPING` for what random weights would do to it)."""
    for parity in compare(subject.quantized, subject.model_bytes, subject.images):
        assert parity.std_steps >= 20, parity
        assert parity.share_within_2 >= 0.99, parity


def test_the_virtual_board_answers_bit_for_bit(subject: Subject, tmp_path) -> None:
    """Through the link, byte by byte: the board's program is the virtual board's, in this process."""
    path = tmp_path / "model.tflite"
    path.write_bytes(subject.model_bytes)
    with Loop(load_board(path)).connect() as session:
        assert_bit_exact(session, subject)


@pytest.mark.slow
def test_the_virtual_boards_own_process_answers_bit_for_bit(subject: Subject, tmp_path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(subject.model_bytes)
    with Session.connect(open_port(virtual_url(path))) as session:
        assert_bit_exact(session, subject)


def assert_bit_exact(session: Session, subject: Subject) -> None:
    """On pictures that are answered differently, so that an old answer would be noticed."""
    answers = set()
    for image in subject.int8_images(4):
        expected = tuple(output.tobytes() for output in subject.interpreter.invoke([image]))
        assert session.infer([image.tobytes()]).outputs == expected
        answers.add(expected)
    assert len(answers) > 1 or subject.name in QUIET, "every image gives the same answer"
    assert session.identity.inputs[0].shape == (1, *SHAPE)


def test_it_trains_quantized(subject: Subject) -> None:
    """Every weight gets a finite gradient, and the network stays finite after a step along it."""
    model = subject.quantized
    before = model.get_weights()
    x = varied_images(SHAPE, count=4, seed=2)
    random = np.random.default_rng(0)
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(model(x, training=True))
        loss = tf.add_n([tf.reduce_mean(tf.square(y - random.normal(size=y.shape))) for y in outputs])
    gradients = tape.gradient(loss, model.trainable_weights)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.name
        assert np.isfinite(gradient).all(), weight.name
        # A bias before a BatchNorm shifts nothing.
        assert np.abs(gradient).max() > 0 or "bias" in weight.name, weight.name
    keras.optimizers.SGD(1e-3).apply_gradients(zip(gradients, model.trainable_weights, strict=True))
    assert all(np.isfinite(y).all() for y in tf.nest.flatten(model(x, training=False)))
    model.set_weights(before)
