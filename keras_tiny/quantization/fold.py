"""BatchNorm as the board computes it: folded into the convolution before it, or, alone, as a 1x1 depthwise.

Folding before the kernel is rounded: arXiv:1712.05877 section 3.2; one convolution instead of the paper's two.
"""

from __future__ import annotations

from typing import Any

from keras_tiny.keras_api import keras, tf
from keras_tiny.quantization.quantizers import (
    KernelLayout,
    is_sketching,
    kernel_limit,
    round_kernel,
    settled,
)

_SMALLEST_FACTOR = 1e-12  # a gamma of exactly 0 cannot be divided out again


def _factor_and_offset(norm: keras.layers.BatchNormalization) -> tuple[tf.Tensor, tf.Tensor]:
    """BatchNorm at inference as `x * factor + offset`, one value each per channel."""
    factor = tf.math.rsqrt(norm.moving_variance + norm.epsilon)
    if norm.gamma is not None:
        factor = factor * norm.gamma
    offset = -norm.moving_mean * factor
    return factor, offset if norm.beta is None else offset + norm.beta


@keras.saving.register_keras_serializable(package="keras_tiny")
class FoldedConvolution(keras.layers.Layer):
    """A convolution and the BatchNorm that follows it, with the folded kernel rounded to 8 bits.

    At inference: `convolve(x, rounded(kernel * factor)) + folded bias`, which is what the file holds, weight by
    weight. In training the same rounded kernel is divided by the factor again and the BatchNorm follows with the
    batch's own statistics, so that both agree wherever batch and moving statistics do.

    Args:
        convolution: Conv2D, DepthwiseConv2D or Conv2DTranspose; with `norm` it has no activation.
        norm: BatchNormalization over the last axis; None for a transposed convolution without.
    """

    def __init__(
        self,
        *,
        convolution: keras.layers.Layer,
        norm: keras.layers.BatchNormalization | None = None,
        **base: Any,
    ):
        super().__init__(**base)
        self.convolution = convolution
        self.norm = norm

    def build(self, input_shape: Any) -> None:
        if not self.convolution.built:
            self.convolution.build(input_shape)
            self.convolution.built = True
        if self.norm is not None and not self.norm.built:
            self.norm.build(self.convolution.compute_output_shape(input_shape))
            self.norm.built = True
        super().build(input_shape)

    @property
    def layout(self) -> KernelLayout:
        return kernel_layout(self.convolution)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return self._compute(inputs, keras.backend.learning_phase() if training is None else training)

    # Saves autograph the reading. Not on `call` itself: Keras and tfmot look there for the argument `training`.
    @tf.autograph.experimental.do_not_convert
    def _compute(self, inputs: tf.Tensor, training: bool) -> tf.Tensor:
        layer = self.convolution
        if is_sketching():
            return convolve(layer, inputs, getattr(layer, kernel_attribute(layer)))
        if self.norm is None or not training or not self.norm.trainable:
            kernel, limit, bias = settled(self.folded)
            kernel = round_kernel(kernel, limit, layout=kernel_layout(layer))
            y = tf.nn.bias_add(convolve(layer, inputs, kernel), bias)
            return y if self.norm is not None else layer.activation(y)
        kernel, limit, _ = self.folded()
        factor = self._shaped_for(kernel, _factor_and_offset(self.norm)[0])
        raw = convolve(layer, inputs, round_kernel(kernel, limit, layout=kernel_layout(layer)) / factor)
        return self.norm(tf.nn.bias_add(raw, layer.bias) if layer.use_bias else raw, training=True)

    def folded(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """(kernel times factor, its range, bias) as they are before rounding."""
        layer = self.convolution
        layout = kernel_layout(layer)
        kernel = tf.convert_to_tensor(getattr(layer, kernel_attribute(layer)))
        bias = tf.convert_to_tensor(layer.bias) if layer.use_bias else tf.zeros(self.channels)
        if self.norm is not None:
            factor, offset = _factor_and_offset(self.norm)
            kernel = kernel * self._shaped_for(kernel, factor)
            bias = offset + bias * factor
        limit = kernel_limit(kernel, layout=layout, bias=bias)
        if isinstance(layer, keras.layers.Conv2DTranspose):
            # The converter drops a bias of zeros, and then makes a hybrid of floats out of TRANSPOSE_CONV with a ReLU,
            # which TensorFlow Lite Micro refuses. This one is 0 again as soon as it is int32.
            bias = tf.where(bias == 0, 1e-30, bias)
        return kernel, limit, bias

    @property
    def channels(self) -> int:
        """Of the output."""
        layer = self.convolution
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            return layer.depthwise_kernel.shape[2] * layer.depthwise_kernel.shape[3]
        return layer.filters

    def _shaped_for(self, kernel: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
        """One factor per output channel, as it multiplies the kernel."""
        factor = tf.stop_gradient(factor)  # gamma learns through the BatchNorm, not through the rounding
        factor = tf.where(tf.abs(factor) < _SMALLEST_FACTOR, _SMALLEST_FACTOR, factor)
        if isinstance(self.convolution, keras.layers.Conv2DTranspose):
            return factor[:, None]  # kernel (height, width, out, in)
        if isinstance(self.convolution, keras.layers.DepthwiseConv2D):
            return tf.reshape(factor, kernel.shape[2:])
        return factor

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.convolution.compute_output_shape(input_shape)

    def get_config(self) -> dict:
        serialize = keras.utils.legacy.serialize_keras_object
        norm = None if self.norm is None else serialize(self.norm)
        nested = {"convolution": serialize(self.convolution), "norm": norm}
        return {**super().get_config(), **nested}

    @classmethod
    def from_config(cls, config: dict) -> FoldedConvolution:
        def layer(nested: dict | None) -> keras.layers.Layer | None:
            return None if nested is None else keras.layers.deserialize(nested, use_legacy_format=True)

        config = dict(config)
        return cls(convolution=layer(config.pop("convolution")), norm=layer(config.pop("norm")), **config)


@keras.saving.register_keras_serializable(package="keras_tiny")
class DepthwiseBatchNorm(keras.layers.BatchNormalization):
    """A BatchNorm with no convolution to fold into: one int8 1x1 depthwise instead of a MUL and an ADD.

    With one weight per channel and one scale per channel the weight is exactly 127 steps: nothing is lost.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        if is_sketching():
            return inputs
        if training is None:
            training = keras.backend.learning_phase()
        if training and self.trainable:
            return super().call(inputs, training=True)
        kernel, limit, offset = settled(self._as_depthwise)
        kernel = round_kernel(kernel, limit, layout="depthwise")
        return tf.nn.bias_add(tf.nn.depthwise_conv2d(inputs, kernel, (1, 1, 1, 1), "SAME"), offset)

    def _as_depthwise(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """(kernel, its range, bias)"""
        factor, offset = _factor_and_offset(self)
        kernel = factor[None, None, :, None]
        return kernel, kernel_limit(kernel, layout="depthwise", bias=offset), offset


def kernel_attribute(layer: keras.layers.Layer) -> str:
    return "depthwise_kernel" if isinstance(layer, keras.layers.DepthwiseConv2D) else "kernel"


def kernel_layout(layer: keras.layers.Layer) -> KernelLayout:
    """How many scales the kernel gets. TRANSPOSE_CONV and FULLY_CONNECTED: one, the form every runtime has."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return "depthwise"
    if isinstance(layer, keras.layers.Conv2DTranspose | keras.layers.Dense):
        return "tensor"
    return "channel"


def convolve(layer: keras.layers.Layer, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """The layer's convolution with another kernel, without bias and activation."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return keras.backend.depthwise_conv2d(
            inputs,
            kernel,
            strides=layer.strides,
            padding=layer.padding,
            dilation_rate=layer.dilation_rate,
        )
    if isinstance(layer, keras.layers.Conv2DTranspose):
        batch = tf.shape(inputs)[0] if inputs.shape[0] is None else inputs.shape[0]
        output_shape = (batch, *layer.compute_output_shape(inputs.shape)[1:])
        return keras.backend.conv2d_transpose(
            inputs,
            kernel,
            output_shape,
            strides=layer.strides,
            padding=layer.padding,
            dilation_rate=layer.dilation_rate,
        )
    return layer.convolution_op(inputs, kernel)
