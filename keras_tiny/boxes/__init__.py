"""Boxes around objects, the anchors they are told by, and what turns the one into the other; NumPy only.

A file `<name>_tf.py` is the TensorFlow twin of `<name>.py`, for training; it is not imported from here.
"""

from keras_tiny.boxes.boxes import Boxes

__all__ = ["Boxes"]
