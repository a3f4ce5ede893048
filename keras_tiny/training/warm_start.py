"""Start from another run's weights: the layers of equal name and shapes, whatever the rest of the network is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_tiny.errors import BadInput
from keras_tiny.training.checkpoint import load_arrays

WEIGHTS_NAME = "float.npz"
_NAMED = 8


@dataclass(frozen=True)
class WarmStart:
    """What was taken over. Layers without weights are in no list.

    Attributes:
        origin: the checkpoint.
        taken: layers of the model that now have its weights.
        missing: layers of the model that it does not have; they keep their fresh weights.
        other_shape: layers that it has with other shapes, e.g. a head for other classes; likewise.
        unused: its layers that the model does not have.
    """

    origin: str
    taken: tuple[str, ...]
    missing: tuple[str, ...]
    other_shape: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"{len(self.taken)} layers from {self.origin}"]
        for what, names in (
            ("not in it", self.missing),
            ("of another shape in it", self.other_shape),
            ("left over", self.unused),
        ):
            if names:
                parts.append(f"{what}: {_listed(names)}")
        return "; ".join(parts)

    def write(self, path: Path) -> None:
        """For a resumed run, which must not depend on the other run's folder being there still."""
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)

    @classmethod
    def read(cls, path: Path) -> WarmStart:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return cls(fields.pop("origin"), **{name: tuple(names) for name, names in fields.items()})


def warm_start(model: Any, source: str | Path) -> WarmStart:
    """Put another run's float weights into every layer of `model` that has the same name and shapes there.

    Args:
        model: float; changed in place, layer by layer whole or not at all.
        source: a run folder, or the path of a `float.npz`.

    Raises:
        BadInput: no such checkpoint, or one of which no layer fits.
    """
    path = Path(source)
    path = path / WEIGHTS_NAME if path.is_dir() else path
    stored: dict[str, dict[str, np.ndarray]] = {}
    for key, array in load_arrays(path).items():
        prefix, _, name = key.split("/", 2) if key.count("/") >= 2 else ("", "", key)
        if prefix == "weights":
            stored.setdefault(_layer(name), {})[name] = array
    taken, missing, other_shape = [], [], []
    wanted: dict[str, list[Any]] = {}
    for variable in model.weights:
        wanted.setdefault(_layer(variable.name), []).append(variable)
    for layer, variables in wanted.items():
        arrays = stored.get(layer)
        if arrays is None:
            missing.append(layer)
        elif {v.name: tuple(v.shape) for v in variables} != {n: a.shape for n, a in arrays.items()}:
            other_shape.append(layer)
        else:
            for variable in variables:
                variable.assign(arrays[variable.name])
            taken.append(layer)
    if not taken:
        raise BadInput(
            f"No layer of {path} fits: it has {_listed(tuple(stored)) or 'no weights'}; "
            f"the model has {_listed(tuple(wanted))}.",
            hint="Layers are matched by name and shapes; take a run of a model with the same backbone.",
        )
    unused = tuple(name for name in stored if name not in wanted)
    return WarmStart(str(path), tuple(taken), tuple(missing), tuple(other_shape), unused)


@contextmanager
def frozen(model: Any, layers: frozenset[str]) -> Iterator[None]:
    """Inside, the named layers learn nothing: neither their weights nor BatchNorm's moving statistics move.

    Raises:
        BadInput: nothing would be left to learn.
    """
    held = [layer for layer in model.layers if layer.name in layers and layer.trainable]
    for layer in held:
        layer.trainable = False
    try:
        if layers and not model.trainable_variables:
            raise BadInput(
                "warm_start.frozen_epochs holds every layer of the model: there is nothing left to learn.",
                hint="Set warm_start.frozen_epochs=0: the whole model came from the other run.",
            )
        yield
    finally:
        for layer in held:
            layer.trainable = True


def _layer(variable_name: str) -> str:
    return variable_name.partition("/")[0]


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
