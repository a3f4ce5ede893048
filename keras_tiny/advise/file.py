"""The int8 file of a candidate, untrained: what it costs on a board hardly depends on its weights. Built once, kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from keras_tiny.advise.candidates import Candidate

# What a file depends on besides the candidate; a change there makes a new one.
_ROOMS = ("blocks", "export", "models", "quantization")


def default_cache() -> Path:
    """Where files are kept: $XDG_CACHE_HOME/keras-tiny, ~/.cache/keras-tiny."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "keras-tiny" / "garden"


def candidate_file(
    candidate: Candidate, *, num_classes: int, cache_dir: Path, on_build: Callable[[], None] | None = None
) -> Path:
    """Path of its .tflite; built now (seconds, with TensorFlow) if it is not there yet.

    Args:
        on_build: called before.
    """
    key = hashlib.sha256(f"{candidate.network} {num_classes} {_sources()}".encode()).hexdigest()[:16]
    path = cache_dir / f"{candidate.model}-{key}.tflite"
    if not path.is_file():
        if on_build is not None:
            on_build()
        content = _build(candidate, num_classes)
        cache_dir.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(content)
        unfinished.replace(path)  # another process may be at the same one
    return path


def _build(candidate: Candidate, num_classes: int) -> bytes:
    from keras_tiny import models
    from keras_tiny.export.untrained import untrained_file
    from keras_tiny.keras_api import keras

    keras.utils.set_random_seed(0)
    arguments = json.loads(json.dumps(dict(candidate.arguments)))
    model = models.build(
        candidate.model, input_shape=candidate.input_shape, num_classes=num_classes, **arguments
    )
    content = untrained_file(model)
    keras.backend.clear_session()  # so many models in one process slow each other down
    return content


@cache
def _sources() -> str:
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
