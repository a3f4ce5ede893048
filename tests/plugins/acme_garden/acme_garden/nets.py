"""AcmeNet: two convolutions and a dense layer."""

from keras_tiny.blocks.conv import conv_bn
from keras_tiny.keras_api import keras


def acme_net(input_shape=(32, 32, 3), *, num_classes, channels=8):
    """The classifier: (batch, height, width, channels) → (batch, num_classes), as logits."""
    image = keras.layers.Input(input_shape, name="image")
    x = conv_bn(image, channels, kernel=3, stride=2, activation="relu", bn_momentum=0.9, name="stem")
    x = conv_bn(x, 2 * channels, kernel=3, stride=2, activation="relu", bn_momentum=0.9, name="body")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, keras.layers.Dense(num_classes, name="logits")(x), name="acme_net")
