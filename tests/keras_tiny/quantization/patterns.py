"""Small models, one per pattern that the garden's networks are made of; each ends in int8 logits or maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_tiny.blocks.activation import HardSigmoid, HardSwish
from keras_tiny.blocks.space_to_depth import SpaceToDepth
from keras_tiny.keras_api import keras, tf

L = keras.layers
SHAPE = (16, 16, 3)


def conv(x: Any, channels: int = 8, kernel: int = 3, **options: Any) -> Any:
    return L.Conv2D(channels, kernel, padding="same", **options)(x)


def conv_bn(x: Any, channels: int = 8, kernel: int = 3, **options: Any) -> Any:
    return L.BatchNormalization()(conv(x, channels, kernel, use_bias=False, **options))


def stem(x: Any) -> Any:
    return L.ReLU(6.0)(conv_bn(x, 8))


def squeeze_excite(x: Any, gate: Any) -> Any:
    y = L.GlobalAveragePooling2D(keepdims=True)(x)
    y = L.ReLU()(conv(y, 4, 1))
    return L.Multiply()([x, gate(conv(y, x.shape[-1], 1))])


@keras.saving.register_keras_serializable(package="tests")
class Uneven(keras.initializers.Initializer):
    """The last output channel's weights are four times the first one's, as training makes them."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None, **_: Any) -> Any:
        spread = np.geomspace(0.25, 1.0, shape[-1])
        return tf.constant(np.random.default_rng(0).normal(0.0, spread, shape), dtype or tf.float32)


def gated(x: Any) -> Any:
    """What the gate adds becomes the convolution's bias: one value for all channels, whose scales differ."""
    return L.Multiply()([x, HardSigmoid()(conv(x, 8, 1, use_bias=False, kernel_initializer=Uneven()))])


def transposed(x: Any, *, norm: bool, act: Any, use_bias: bool = True) -> Any:
    y = L.Conv2DTranspose(6, 2, strides=2, padding="same", use_bias=use_bias)(stem(x))
    y = L.BatchNormalization()(y) if norm else y
    return y if act is None else act(y)


def skip(x: Any) -> Any:
    """A U-Net in small: the encoder's map is pooled, and concatenated with what comes back up."""
    a = stem(x)
    b = L.ReLU()(conv_bn(L.MaxPooling2D()(a), 12))
    up = L.ReLU()(L.Conv2DTranspose(8, 2, strides=2)(b))
    return conv(L.Concatenate()([a, up]), 4)


def hierarchical_sums(x: Any) -> Any:
    """ESPNet's fusion: dilated branches, running sums, concatenated, plus the input."""
    x = stem(x)
    q = conv(x, 2, 1, use_bias=False)
    branches = [L.ReLU()(L.BatchNormalization()(conv(q, 2, 3, dilation_rate=2**k))) for k in range(4)]
    sums = [branches[0]]
    for branch in branches[1:]:
        sums.append(L.Add()([branch, sums[-1]]))
    return L.Add()([x, L.Concatenate()(sums)])


def residual(x: Any, *, act: Any = None) -> Any:
    x = stem(x)
    y = L.Add()([x, conv_bn(x)])
    return y if act is None else act(y)


def norm_alone(x: Any, *, before: Callable[[Any], Any], act: Any) -> Any:
    return conv(act(L.BatchNormalization()(before(x))), 6)


def unequal(x: Any) -> Any:
    return L.Concatenate()([L.ReLU()(conv_bn(x, 4)), conv(x, 6, 1), L.ReLU(6.0)(conv_bn(x, 3))])


def concat_with_image(x: Any) -> Any:
    small = L.AveragePooling2D(3, strides=2, padding="same")(x)
    return conv(L.Concatenate()([small, L.ReLU()(conv_bn(x, 6, strides=2))]), 4)


def concat_with_pooled_images(x: Any) -> Any:
    """ESPNet's input reinforcement: means of the image, and means of means, beside features."""
    half = L.AveragePooling2D(3, strides=2, padding="same")(x)
    a = L.Concatenate()([half, L.ReLU()(conv_bn(x, 6, strides=2))])
    quarter = L.AveragePooling2D(3, strides=2, padding="same")(half)
    return conv(L.Concatenate()([quarter, L.ReLU()(conv_bn(a, 6, strides=2))]), 4)


def concat_behind(x: Any, layer: Any) -> Any:
    """A map that is read twice, once through a layer that keeps its range, into a concatenation."""
    a = stem(x)
    b = conv(layer(conv_bn(a, 5)), 4)
    return conv(L.Concatenate()([layer(a), b]), 4)


def signed_skip(x: Any) -> Any:
    """A skip connection of signed values, whose range is that of the concatenation too."""
    a = residual(x)
    b = conv(a, 4, kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))
    return conv(L.Concatenate()([a, b]), 4)


def concat_of_concat(x: Any) -> Any:
    inner = L.Concatenate()([conv(x, 3), conv_bn(x, 3)])
    return conv(L.Concatenate()([inner, L.MaxPooling2D(3, strides=1, padding="same")(stem(x))]), 4)


def concat_read_twice(x: Any) -> Any:
    both = L.Concatenate()([conv(x, 3), stem(x)])
    return L.Add()([conv(both, 4), conv_bn(both, 4, 1)])


def attention(x: Any) -> Any:
    """Large-kernel attention: the map times what two depthwise convolutions make of it."""
    x = stem(x)
    y = L.DepthwiseConv2D(5, padding="same")(x)
    y = L.DepthwiseConv2D(7, padding="same", dilation_rate=3)(y)
    return L.Multiply()([x, conv(y, 8, 1, use_bias=False)])


def head(x: Any, activation: str | None, *, layer: bool = False) -> Any:
    # Wide logits: a softmax of small ones says 0.1 to everything.
    dense = L.Dense(10, activation=activation, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0))
    y = dense(L.GlobalAveragePooling2D()(stem(x)))
    return L.Softmax()(y) if layer else y


def padded_depthwise(x: Any) -> Any:
    y = L.ZeroPadding2D(((0, 1), (0, 1)))(stem(x))
    y = L.BatchNormalization()(L.DepthwiseConv2D(3, strides=2, padding="valid", use_bias=False)(y))
    return conv_bn(L.ReLU(6.0)(y), 4, 1)


def depthwise(x: Any, *, norm: bool, dilation: int = 1) -> Any:
    y = L.DepthwiseConv2D(3, padding="same", dilation_rate=dilation, use_bias=not norm)(stem(x))
    return L.ReLU(6.0)(L.BatchNormalization()(y)) if norm else y


def two_heads(x: Any) -> list[Any]:
    x = stem(x)
    boxes, classes = conv(x, 4), conv_bn(x, 3, 1)
    return [L.Reshape((-1, 4))(boxes), L.Reshape((-1, 3))(classes)]


def anchors(x: Any) -> Any:
    """SSD's outputs: maps of two sizes, flattened and concatenated."""
    x = stem(x)
    small = stem(L.MaxPooling2D()(x))
    return L.Concatenate(axis=1)([L.Reshape((-1, 4))(conv(x, 8)), L.Reshape((-1, 4))(conv(small, 8))])


PATTERNS: dict[str, Callable[[Any], Any]] = {
    "conv": lambda x: conv(x, 8),
    "conv, bias, ReLU": lambda x: L.ReLU()(conv(x, 8)),
    "conv with ReLU inside": lambda x: conv(x, 8, activation="relu"),
    "conv with sigmoid inside": lambda x: conv(x, 8, activation="sigmoid"),
    "conv, BN": conv_bn,
    "conv with bias, BN, ReLU": lambda x: L.ReLU()(L.BatchNormalization()(conv(x, 8))),
    "conv, BN, ReLU6": stem,
    "conv, BN, Activation relu6": lambda x: L.Activation("relu6")(conv_bn(x)),
    "conv, BN, LeakyReLU": lambda x: L.LeakyReLU(0.1)(conv_bn(x)),
    "conv, BN, HardSwish": lambda x: HardSwish()(conv_bn(x)),
    "conv, ReLU, BN": lambda x: conv(L.BatchNormalization()(L.ReLU()(conv(x, 8))), 4),
    "dilated conv": lambda x: conv(stem(x), 8, 3, dilation_rate=2),
    "dilated conv, BN, ReLU": lambda x: L.ReLU()(conv_bn(stem(x), 8, 3, dilation_rate=4)),
    "depthwise, bias": lambda x: depthwise(x, norm=False),
    "depthwise, BN, ReLU6": lambda x: depthwise(x, norm=True),
    "dilated depthwise": lambda x: depthwise(x, norm=False, dilation=3),
    "dilated depthwise, BN": lambda x: depthwise(x, norm=True, dilation=2),
    "padding, depthwise valid": padded_depthwise,
    "separable conv": lambda x: L.ReLU()(L.SeparableConv2D(8, 3, padding="same")(stem(x))),
    "transposed, bias": lambda x: transposed(x, norm=False, act=None),
    "transposed, bias, ReLU": lambda x: transposed(x, norm=False, act=L.ReLU()),
    "transposed, no bias, ReLU": lambda x: transposed(x, norm=False, act=L.ReLU(), use_bias=False),
    "transposed, BN": lambda x: transposed(x, norm=True, act=None),
    "transposed, BN, ReLU6": lambda x: transposed(x, norm=True, act=L.ReLU(6.0)),
    "transposed without bias, BN, ReLU": lambda x: transposed(x, norm=True, act=L.ReLU(), use_bias=False),
    "transposed with ReLU inside": lambda x: L.Conv2DTranspose(
        6, 4, strides=2, padding="same", activation="relu"
    )(stem(x)),
    "upsampling nearest": lambda x: conv(L.UpSampling2D(2)(stem(x)), 4),
    "upsampling bilinear": lambda x: conv(L.UpSampling2D(2, interpolation="bilinear")(stem(x)), 4),
    "add": residual,
    "add, ReLU": lambda x: residual(x, act=L.ReLU()),
    "concatenate unequal": lambda x: conv(unequal(x), 4),
    "concatenate with the image": concat_with_image,
    "concatenate with pooled images": concat_with_pooled_images,
    "concatenate behind max pooling": lambda x: concat_behind(x, L.MaxPooling2D(2)),
    "concatenate behind average pooling": lambda x: concat_behind(x, L.AveragePooling2D(2)),
    "concatenate behind upsampling": lambda x: concat_behind(x, L.UpSampling2D(2, interpolation="bilinear")),
    "concatenate behind space to depth": lambda x: concat_behind(x, SpaceToDepth(2)),
    "signed skip connection": signed_skip,
    "concatenate of concatenate": concat_of_concat,
    "concatenate read twice": concat_read_twice,
    "skip connection": skip,
    "hierarchical sums": hierarchical_sums,
    "anchors": anchors,
    "squeeze-excite, hard sigmoid": lambda x: squeeze_excite(stem(x), HardSigmoid()),
    "squeeze-excite, sigmoid": lambda x: squeeze_excite(stem(x), L.Activation("sigmoid")),
    "squeeze-excite after HardSwish": lambda x: squeeze_excite(HardSwish()(conv_bn(x)), HardSigmoid()),
    "hard sigmoid, no bias, channels of unlike size": lambda x: gated(stem(x)),
    "hard sigmoid read twice": lambda x: (lambda y: L.Multiply()([HardSigmoid()(y), y]))(conv_bn(x)),
    "large-kernel attention": lambda x: conv(attention(x), 4),
    "BN on the image": lambda x: conv(L.BatchNormalization()(x), 6),
    "BN after add, ReLU": lambda x: norm_alone(x, before=residual, act=L.ReLU()),
    "BN after concatenate, HardSwish": lambda x: norm_alone(x, before=unequal, act=HardSwish()),
    "BN after multiply, HardSwish": lambda x: norm_alone(x, before=attention, act=HardSwish()),
    "ReLU read beside its conv": lambda x: (lambda y: L.Add()([L.ReLU()(y), y]))(conv_bn(x)),
    "ReLU after pooling": lambda x: conv(L.ReLU()(L.MaxPooling2D()(conv(x, 6))), 4),
    "space to depth": lambda x: conv(SpaceToDepth(2)(stem(x)), 6, 1, use_bias=False),
    "average pooling": lambda x: conv(L.AveragePooling2D()(stem(x)), 4),
    "dropouts": lambda x: conv(L.SpatialDropout2D(0.3)(L.Dropout(0.2)(stem(x))), 4),
    "dense head": lambda x: head(x, None),
    "softmax inside": lambda x: head(x, "softmax"),
    "softmax layer": lambda x: head(x, None, layer=True),
    "sigmoid map": lambda x: L.Activation("sigmoid")(conv(stem(x), 1, 1, use_bias=False)),
    "softmax map": lambda x: L.Activation("softmax")(conv(stem(x), 3, 1, use_bias=False)),
    "flatten, dense": lambda x: L.Dense(10)(L.Flatten()(L.MaxPooling2D(4)(stem(x)))),
    "two heads": two_heads,
}


def build(*names: str) -> keras.Model:
    """One model with an output per pattern (per head where a pattern has two): one conversion tests them all."""
    image = L.Input(SHAPE, name="image")
    return keras.Model(image, [PATTERNS[name](image) for name in names])
