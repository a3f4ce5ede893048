"""From a trained model to a bundle: convert, audit, golden vectors, files for TensorFlow Lite Micro, manifest.

Calling it exports: `keras_tiny.export(model, path, data=data)`; see `keras_tiny.export.bundle.export`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallableRoom(ModuleType):
    """The verb and the room have the same name: `keras_tiny.export` is a package, and calling it exports."""

    def __call__(self, model: Any, path: Any, **arguments: Any) -> Any:
        from keras_tiny.export.bundle import export  # loads TensorFlow; the audit beside it does without

        return export(model, path, **arguments)


sys.modules[__name__].__class__ = _CallableRoom
