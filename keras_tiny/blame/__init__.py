"""Which layer loses accuracy on the way to int8: every tensor against real numbers; needs no TensorFlow."""

from keras_tiny.blame.blame import Blame, LayerError, blame

__all__ = ["Blame", "LayerError", "blame"]
