"""Which network of the garden for this task on this board? Each proposal was built, compiled and judged by `mcu fits`.

Calling it advises: `keras_tiny.advise("classification", board="nucleo_f446re")`; see `keras_tiny.advise.advise.advise`.
"""

import sys
from types import ModuleType

from keras_tiny.advise.advise import Advice, advise
from keras_tiny.advise.candidates import Candidate, Score, candidates

__all__ = ["Advice", "Candidate", "Score", "advise", "candidates"]


class _CallableRoom(ModuleType):
    """The verb and the room have the same name."""

    __call__ = staticmethod(advise)


sys.modules[__name__].__class__ = _CallableRoom
