"""`masks.yaml`: what lies where in a folder of pictures and masks, and which number or colour is which class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from keras_tiny.data.masks import Colour, MaskCoding
from keras_tiny.data.naming import NamingRule
from keras_tiny.data.sample import VOID
from keras_tiny.errors import DataError

NAME = "masks.yaml"


class MaskDescription(BaseModel):
    """The keys of `masks.yaml`.

    Args:
        images, masks: naming rules below the folder, e.g. "{split}/{name}.jpg" and "{split}_labels/{name}_L.png".
        classes: names; the number in a mask is the place in this list. Or, with `values` or `palette`, just the
            order of the classes.
        void: numbers that are no class; 255 always is one.
        values: class → its number, or its numbers, where they are not 0, 1, 2 …
        palette: class → [red, green, blue], or a list of such, for masks in colour; "void" names void.
        licence: of the pictures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: str
    masks: str
    classes: tuple[str, ...] = Field(min_length=2, max_length=VOID)
    void: tuple[int, ...] = ()
    values: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    palette: dict[str, tuple[Colour, ...]] = Field(default_factory=dict)
    licence: str = ""

    @field_validator("void", mode="before")
    @classmethod
    def _one_void(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int) else value

    @field_validator("values", mode="before")
    @classmethod
    def _one_number(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: (number,) if isinstance(number, int) else number for name, number in value.items()}

    @field_validator("palette", mode="before")
    @classmethod
    def _one_colour(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        single = {
            name: bool(c) and isinstance(c, list) and isinstance(c[0], int) for name, c in value.items()
        }
        return {name: [colour] if single[name] else colour for name, colour in value.items()}

    @model_validator(mode="after")
    def _classes_are_known_and_differ(self) -> MaskDescription:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("a class is named twice")
        for key, given in (("values", set(self.values)), ("palette", set(self.palette) - {"void"})):
            if given and given != set(self.classes):
                odd = sorted(given ^ set(self.classes))
                raise ValueError(f"{key} and classes do not name the same classes: {', '.join(odd)}")
        both = set(self.void) & set(self.numbers())
        if both:
            raise ValueError(f"the number {min(both)} is void and a class")
        for key, entries in (("values", self.values), ("palette", self.palette)):
            flat = [entry for several in entries.values() for entry in several]
            if len(set(flat)) < len(flat):
                raise ValueError(f"{key} gives one entry to two classes")
        return self

    @property
    def rules(self) -> tuple[NamingRule, NamingRule]:
        """Of pictures and masks."""
        images, masks = NamingRule(self.images), NamingRule(self.masks)
        if images.has_split != masks.has_split:
            raise DataError(
                f"Only one of the naming rules '{self.images}' and '{self.masks}' has {{split}}.",
                hint="Give both of them one, or neither.",
            )
        return images, masks

    def numbers(self) -> dict[int, int]:
        """Number in a mask → class."""
        if not self.values:
            return {index: index for index in range(len(self.classes))}
        index = {name: number for number, name in enumerate(self.classes)}
        return {number: index[name] for name, numbers in self.values.items() for number in numbers}

    @property
    def coding(self) -> MaskCoding:
        index = {name: number for number, name in enumerate(self.classes)} | {"void": VOID}
        return MaskCoding(
            values={**{value: VOID for value in (VOID, *self.void)}, **self.numbers()},
            colours={colour: index[name] for name, colours in self.palette.items() for colour in colours},
        )


def read_description(path: Path) -> MaskDescription:
    """Read a `masks.yaml`.

    Raises:
        DataError: that names the file and the key.
    """
    try:
        fields = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise DataError(f"Cannot read {path}: {' '.join(str(error).split())}.") from None
    if not isinstance(fields, dict):
        raise DataError(f"{path} does not hold keys and values.", hint="It needs images, masks and classes.")
    try:
        return MaskDescription.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path}: {where}: {first['msg']}.") from None
