"""Which maps of a teacher and a student can be held against each other, by the names of their layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_tiny.errors import BadInput, UnknownName

# How `keras_tiny.quantize` names the layers of a quantized model after the float ones.
_QUANTIZED = "quant_"

_NAMED = 12  # pairs in a message

# Teacher's layer, student's layer.
Pair = tuple[str, str]


def feature_maps(model: Any) -> dict[str, Any]:
    """Layer → its map (batch, height, width, channels), of the maps that the model exposes, in its order.

    These are the outputs beside the first of a model built with `return_features=True`; of another model every map
    that it computes. Names are those of the float model, also of a quantized one.
    """
    exposed = model.outputs[1:]
    if exposed:
        tensors = [(tensor._keras_history.layer.name, tensor) for tensor in exposed]
    else:
        tensors = [(layer.name, layer.output) for layer in model.layers[1:]]
    maps: dict[str, Any] = {}
    for name, tensor in tensors:
        if not isinstance(tensor, list) and len(tensor.shape) == 4:
            maps[name.removeprefix(_QUANTIZED)] = tensor
    return maps


def find_pairs(
    pairs: Sequence[Pair], *, teacher: Mapping[str, Any], student: Mapping[str, Any]
) -> list[tuple[Any, Any]]:
    """(teacher's map, student's map) for each pair of names.

    Raises:
        UnknownName: a layer that is not there.
        BadInput: maps of different height or width; the message lists the pairs that could be.
    """
    found = []
    for ours, theirs in pairs:
        for kind, name, maps in (
            ("feature map of the teacher", ours, teacher),
            ("feature map of the student", theirs, student),
        ):
            if name not in maps:
                raise UnknownName(kind, name, maps)
        if teacher[ours].shape[1:3] != student[theirs].shape[1:3]:
            raise BadInput(
                f"The teacher's {_described(ours, teacher)} and the student's {_described(theirs, student)} cannot be "
                "paired: their height and width differ.",
                hint=f"These can: {', '.join(_possible(teacher, student)) or 'none; give both one input size'}.",
            )
        found.append((teacher[ours], student[theirs]))
    return found


def _possible(teacher: Mapping[str, Any], student: Mapping[str, Any]) -> list[str]:
    """Pairs of one size, "teacher:student (height x width)"; of a size with many, the last of each, the deepest."""
    last_of: tuple[dict[Any, str], dict[Any, str]] = ({}, {})
    for sizes, maps in zip(last_of, (teacher, student), strict=True):
        for name, tensor in maps.items():
            sizes[tuple(tensor.shape[1:3])] = name
    ours, theirs = last_of
    named = [f"{ours[side]}:{theirs[side]} ({side[0]}x{side[1]})" for side in ours if side in theirs]
    return named[:_NAMED]


def _described(name: str, maps: Mapping[str, Any]) -> str:
    return f"'{name}' ({maps[name].shape[1]}x{maps[name].shape[2]})"
