"""Boxes around objects, the anchors they are told by, and what turns the one into the other; NumPy only.

The TensorFlow twins, for graphs that train, are in `keras_tiny.losses.boxes`.
"""

from keras_tiny.boxes.anchors import AnchorMap, AnchorSpec, anchor_spec
from keras_tiny.boxes.boxes import Boxes
from keras_tiny.boxes.detections import Detections, detect

__all__ = ["AnchorMap", "AnchorSpec", "Boxes", "Detections", "anchor_spec", "detect"]
