"""The one file that knows which Keras this is: Keras 2 (`tf_keras`), the only one that tfmot quantizes.

Decision 1 of docs/decisions: importing keras_tiny never changes which Keras the caller's own `tf.keras` is.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from keras_tiny.errors import BadInput, missing_extra

try:
    import tensorflow as tf
    import tf_keras as keras
except ImportError as error:
    raise missing_extra("train", needed_for="Building and training models") from error

__all__ = ["keras", "load_tfmot", "require_keras2_model", "tf"]


def load_tfmot() -> ModuleType:
    """tensorflow_model_optimization, imported without side effects on the caller's Keras.

    On import it sets TF_USE_LEGACY_KERAS=1, which would turn a `tf.keras` that was not touched yet into Keras 2.
    So `tf.keras` is resolved first, the way the caller asked for, and the variable is put back afterwards.
    """
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    _ = tf.keras.layers  # resolves TensorFlow's lazy loader now, with the caller's own setting
    try:
        import tensorflow_model_optimization as tfmot
    except ImportError as error:
        raise missing_extra("train", needed_for="Quantization-aware training") from error
    finally:
        if before is None:
            os.environ.pop("TF_USE_LEGACY_KERAS", None)
        else:
            os.environ["TF_USE_LEGACY_KERAS"] = before
    return tfmot


def require_keras2_model(model: Any, *, verb: str) -> None:
    """Raise `BadInput` unless `model` is a Keras 2 (`tf_keras`) model.

    Args:
        verb: what the caller wanted to do with it, e.g. "quantize".
    """
    if isinstance(model, keras.Model):
        return
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    if kind.startswith("keras."):
        raise BadInput(
            f"Cannot {verb} a Keras 3 model ({kind}); tensorflow-model-optimization quantizes Keras 2 only.",
            hint="Build it with tf_keras (import tf_keras as keras) or take one of keras_tiny.models.",
        )
    raise BadInput(f"Cannot {verb} a {kind}.", hint="Pass a tf_keras.Model, e.g. from keras_tiny.models.")
