"""Which layer loses accuracy on the way to int8: every tensor against real numbers; needs no TensorFlow.

Calling it compares: `keras_tiny.blame(model_bytes, images, float_bytes=…)`; see `keras_tiny.blame.blame.blame`.
"""

import sys
from types import ModuleType

from keras_tiny.blame.blame import Blame, LayerError, blame

__all__ = ["Blame", "LayerError", "blame"]


class _CallableRoom(ModuleType):
    """The verb and the room have the same name."""

    __call__ = staticmethod(blame)


sys.modules[__name__].__class__ = _CallableRoom
