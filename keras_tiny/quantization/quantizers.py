"""Fake quantization of kernels and activations, in exactly the arithmetic of the int8 kernels (arXiv:1712.05877)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

_exporting: ContextVar[bool] = ContextVar("keras_tiny_exporting", default=False)
_observing: ContextVar[bool] = ContextVar("keras_tiny_observing_ranges", default=False)
_sketching: ContextVar[bool] = ContextVar("keras_tiny_sketching", default=False)
_unrounded: ContextVar[bool] = ContextVar("keras_tiny_unrounded", default=False)


@contextmanager
def observing_ranges() -> Iterator[None]:
    """What a model computes inside widens its activation ranges, unrounded (see calibrate.py); not as a graph."""
    token = _observing.set(True)
    try:
        yield
    finally:
        _observing.reset(token)


@contextmanager
def sketching() -> Iterator[None]:
    """Graphs built inside are for their shapes alone: nothing is rounded, which is half of the work of building one.

    Keras calls every layer once to learn the shape of its output, and throws the operators away.
    """
    token = _sketching.set(True)
    try:
        yield
    finally:
        _sketching.reset(token)


@contextmanager
def unrounded() -> Iterator[None]:
    """Graphs traced inside compute what the model would without 8 bits: same weights, same layers, nothing rounded."""
    token = _unrounded.set(True)
    try:
        yield
    finally:
        _unrounded.reset(token)


def is_sketching() -> bool:
    return _sketching.get()


@contextmanager
def exporting() -> Iterator[None]:
    """Graphs traced inside hold what depends on weights alone as constants (see `settled`)."""
    token = _exporting.set(True)
    try:
        yield
    finally:
        _exporting.reset(token)


def settled(compute: Callable[[], tuple[tf.Tensor, ...]]) -> tuple[tf.Tensor, ...]:
    """`compute()`; inside `exporting`, its values as constants: a fifth of the operators to freeze and convert.

    Args:
        compute: of variables alone.
    """
    if not _exporting.get():
        return compute()
    with tf.init_scope():
        values = [tensor.numpy() for tensor in compute()]
    return tuple(tf.constant(value) for value in values)


def kernel_limit(kernel: tf.Tensor, *, layout: KernelLayout, bias: tf.Tensor | None) -> tf.Tensor:
    """The range of a kernel that is rounded to 8 bits, symmetric: its largest weight is 127 steps.

    It is taken from the kernel itself at this moment, so that it can never be stale.

    Args:
        kernel: (height, width, in, out), depthwise (height, width, in, multiplier) or dense (in, out).
        layout: "channel" one range per last index, "depthwise" one per (in, multiplier), "tensor" one in all.
        bias: one value per output channel that will be added; widens the range of dead channels.
    """
    if layout == "tensor":
        return tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(kernel)), _MIN_WEIGHT_RANGE))
    flat = tf.reshape(kernel, (-1, kernel.shape[2] * kernel.shape[3])) if layout == "depthwise" else kernel
    limit = tf.maximum(tf.reduce_max(tf.abs(flat), axis=list(range(flat.shape.rank - 1))), _MIN_WEIGHT_RANGE)
    if bias is not None:
        limit = tf.maximum(limit, tf.abs(bias) * _BIAS_TO_WEIGHT_RANGE)
    return tf.stop_gradient(limit)


def round_kernel(kernel: tf.Tensor, limit: tf.Tensor, *, layout: KernelLayout) -> tf.Tensor:
    """The kernel rounded to steps of `limit / 127`; the gradient passes through."""
    if _unrounded.get():
        return kernel
    if layout == "tensor":
        return tf.quantization.fake_quant_with_min_max_vars(kernel, -limit, limit, narrow_range=True)
    flat = kernel
    if layout == "depthwise":
        # The operator takes its channels from the last axis, and at most one axis more than a map has.
        flat = tf.reshape(kernel, (1, *kernel.shape[:2], kernel.shape[2] * kernel.shape[3]))
    rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(flat, -limit, limit, narrow_range=True)
    return tf.reshape(rounded, kernel.shape) if layout == "depthwise" else rounded


class KernelQuantizer(Quantizer):
    """tfmot's hook for rounding a kernel; it owns no variables."""

    def __init__(self, *, layout: KernelLayout, bias: tf.Variable | None = None):
        self.layout = layout
        self.bias = bias

    def build(self, tensor_shape: Any, name: str, layer: keras.layers.Layer) -> dict[str, tf.Variable]:
        return {}

    @tf.autograph.experimental.do_not_convert
    def __call__(self, inputs: tf.Tensor, training: bool, weights: dict, **_: Any) -> tf.Tensor:
        if is_sketching():
            return tf.convert_to_tensor(inputs)

        def kernel_and_limit() -> tuple[tf.Tensor, ...]:
            kernel = tf.convert_to_tensor(inputs)
            return kernel, kernel_limit(kernel, layout=self.layout, bias=self.bias)

        return round_kernel(*settled(kernel_and_limit), layout=self.layout)

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
        if is_sketching() or _unrounded.get():
            return inputs
        low, high = weights["min_var"], weights["max_var"]
        if not (training or _observing.get()):
            return tf.quantization.fake_quant_with_min_max_vars(inputs, *settled(lambda: _on_grid(low, high)))
        batch_low = tf.minimum(tf.reduce_min(inputs), 0.0)
        batch_high = tf.maximum(tf.reduce_max(inputs), batch_low + MIN_RANGE)
        if _observing.get():
            # Not rounded here: half-observed ranges would clip what the layers behind see.
            low.assign(tf.minimum(low, batch_low))
            high.assign(tf.maximum(high, batch_high))
            return inputs
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


@keras.saving.register_keras_serializable(package="keras_tiny")
class FixedRangeQuantizer(FixedQuantizer):
    """tfmot's, which can be left out."""

    @tf.autograph.experimental.do_not_convert
    def __call__(self, inputs: tf.Tensor, training: bool, weights: dict, **_: Any) -> tf.Tensor:
        return inputs if _unrounded.get() else super().__call__(inputs, training, weights)


def fixed_range(low: float, high: float) -> FixedQuantizer:
    """Activations rounded to 8 bits over a range that no data changes."""
    return FixedRangeQuantizer(num_bits=8, init_min=float(low), init_max=float(high), narrow_range=False)
