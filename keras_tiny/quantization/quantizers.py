"""Fake quantization of kernels and activations, in exactly the arithmetic of the int8 kernels (arXiv:1712.05877)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from keras_tiny.keras_api import keras, tf
from keras_tiny.quantization.tfmot import FixedQuantizer, Quantizer

KernelLayout = Literal["channel", "depthwise", "tensor"]

# A tensor that is zero on every image still needs a scale; below this range the int32 biases would overflow.
MIN_RANGE = 2.0**-8

# A dead channel (weights near 0, bias not) would ask for more than 2**30 steps of input_scale * weight_scale
# in its int32 bias. A coarser weight scale costs nothing there: 127 / (2**30 * 1e-3), for input scales >= 1e-3.
_BIAS_TO_WEIGHT_RANGE = 127 / (2**30 * 1e-3)
_MIN_WEIGHT_RANGE = 1e-7

_observing: ContextVar[bool] = ContextVar("keras_tiny_observing_ranges", default=False)


@contextmanager
def observing_ranges() -> Iterator[None]:
    """Graphs traced inside widen every activation range to what flows through them (see calibrate.py)."""
    token = _observing.set(True)
    try:
        yield
    finally:
        _observing.reset(token)


def fake_quant_kernel(kernel: tf.Tensor, *, layout: KernelLayout, bias: tf.Tensor | None = None) -> tf.Tensor:
    """The kernel rounded to 8 bits, symmetric, -127..127 steps; the gradient passes through.

    The range is that of the kernel itself at this moment, so that it can never be stale; at conversion it is a
    constant.

    Args:
        kernel: (height, width, in, out), depthwise (height, width, in, multiplier) or dense (in, out).
        layout: "channel" one scale per last index, "depthwise" one per (in, multiplier), "tensor" one in all.
        bias: one value per output channel that will be added; widens the scale of dead channels.
    """
    if layout == "tensor":
        limit = tf.maximum(tf.reduce_max(tf.abs(kernel)), _MIN_WEIGHT_RANGE)
        return tf.quantization.fake_quant_with_min_max_vars(kernel, -limit, limit, narrow_range=True)
    # The operator takes its channels from the last axis, and at most one batch axis more.
    flat = tf.reshape(kernel, (-1, kernel.shape[2] * kernel.shape[3])) if layout == "depthwise" else kernel
    limit = tf.maximum(tf.reduce_max(tf.abs(flat), axis=list(range(flat.shape.rank - 1))), _MIN_WEIGHT_RANGE)
    if bias is not None:
        limit = tf.maximum(limit, tf.abs(bias) * _BIAS_TO_WEIGHT_RANGE)
    limit = tf.stop_gradient(limit)
    if layout == "depthwise":
        flat = tf.reshape(kernel, (1, *kernel.shape[:2], kernel.shape[2] * kernel.shape[3]))
    rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(flat, -limit, limit, narrow_range=True)
    return tf.reshape(rounded, kernel.shape) if layout == "depthwise" else rounded


class KernelQuantizer(Quantizer):
    """tfmot's hook for `fake_quant_kernel`; it owns no variables."""

    def __init__(self, *, layout: KernelLayout, bias: tf.Variable | None = None):
        self.layout = layout
        self.bias = bias

    def build(self, tensor_shape: Any, name: str, layer: keras.layers.Layer) -> dict[str, tf.Variable]:
        return {}

    @tf.autograph.experimental.do_not_convert
    def __call__(self, inputs: tf.Tensor, training: bool, weights: dict, **_: Any) -> tf.Tensor:
        return fake_quant_kernel(tf.convert_to_tensor(inputs), layout=self.layout, bias=self.bias)

    def get_config(self) -> dict:
        return {"layout": self.layout}


@keras.saving.register_keras_serializable(package="keras_tiny")
class RangeQuantizer(Quantizer):
    """Activations rounded to 8 bits over a range that is observed: set by calibration, then a moving average.

    tfmot's own moving average starts at (-6, 6) and forgets over 1000 steps, more than a short QAT has. This one
    starts unset (0, 0), takes the first batch as it is, and forgets over 100 steps.
    """

    DECAY = 0.99

    def build(self, tensor_shape: Any, name: str, layer: keras.layers.Layer) -> dict[str, tf.Variable]:
        def weight(end: str) -> tf.Variable:
            return layer.add_weight(f"{name}_{end}", initializer="zeros", trainable=False)

        return {"min_var": weight("min"), "max_var": weight("max")}

    @tf.autograph.experimental.do_not_convert
    def __call__(self, inputs: tf.Tensor, training: bool, weights: dict, **_: Any) -> tf.Tensor:
        low, high = weights["min_var"], weights["max_var"]
        if not (training or _observing.get()):
            return tf.quantization.fake_quant_with_min_max_vars(inputs, *_on_grid(low, high))
        batch_low = tf.minimum(tf.reduce_min(inputs), 0.0)
        batch_high = tf.maximum(tf.reduce_max(inputs), batch_low + MIN_RANGE)
        if _observing.get():
            # Not rounded here: half-observed ranges would clip what the layers behind see.
            seen = low.assign(tf.minimum(low, batch_low)), high.assign(tf.maximum(high, batch_high))
            with tf.control_dependencies(seen):
                return tf.identity(inputs)
        keep = tf.where(high > low, self.DECAY, 0.0)
        low = low.assign(keep * low + (1.0 - keep) * batch_low)
        high = high.assign(keep * high + (1.0 - keep) * batch_high)
        return tf.quantization.fake_quant_with_min_max_vars(inputs, *_on_grid(low, high))

    def get_config(self) -> dict:
        return {}


def _on_grid(low: tf.Tensor, high: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The range moved onto its own int8 grid, with a step of 12 significant bits.

    Then every rounded value is an exact float32, and a concatenation of rounded tensors that observes the range of one
    of them finds exactly that range again. Without it the two scales differ in the last bit, and the converter puts a
    QUANTIZE between them that does nothing.
    """
    step = (high - low) / 255.0
    shifted = step * 4097.0  # Veltkamp's splitting: keeps the upper 12 of float32's 24 bits
    step = shifted - (shifted - step)
    zero = tf.round(-low / step)
    return -zero * step, (255.0 - zero) * step


def fixed_range(low: float, high: float) -> FixedQuantizer:
    """Activations rounded to 8 bits over a range that no data changes."""
    return FixedQuantizer(num_bits=8, init_min=float(low), init_max=float(high), narrow_range=False)
