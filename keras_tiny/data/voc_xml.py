"""One XML file of Pascal VOC → what it says; read without entities, as the file may come from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_tiny.errors import DataError


@dataclass(frozen=True)
class VocObject:
    """One `<object>`.

    Attributes:
        corners: xmin, ymin, xmax, ymax as a half-open box: VOC counts pixels from 1 and includes both ends.
        difficult: `<difficult>` is 1.
    """

    label: str
    corners: tuple[float, float, float, float]
    difficult: bool


@dataclass(frozen=True)
class Annotation:
    """Attributes: size: (width, height), None where the file does not say or says 0."""

    size: tuple[int, int] | None
    objects: tuple[VocObject, ...]


def read_annotation(path: Path) -> Annotation:
    """What the file says of its picture; `<part>`s of an object are left out.

    Raises:
        DataError: naming the file and what is missing or not a number in it; for entities and document types.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        tree = fromstring(path.read_bytes(), forbid_dtd=True)
    except DefusedXmlException:
        raise DataError(
            f"{path} defines a document type or entities, which an annotation has no use for; it was not read.",
            hint="Remove its <!DOCTYPE …>.",
        ) from None
    except (ParseError, ValueError) as error:
        raise DataError(f"{path} is not XML: {error}.", hint="Export it again.") from None
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.") from None
    if tree.tag != "annotation":
        raise DataError(f"{path} is not an annotation of Pascal VOC: its root is <{tree.tag}>.")
    return Annotation(_size(tree), tuple(_object(each, path) for each in tree.findall("object")))


def _size(tree: Any) -> tuple[int, int] | None:
    try:
        width, height = (int(float(tree.findtext(f"size/{side}", "0"))) for side in ("width", "height"))
    except (ValueError, OverflowError):
        return None
    return (width, height) if width > 0 and height > 0 else None


def _object(element: Any, path: Path) -> VocObject:
    label = (element.findtext("name") or "").strip()
    if not label:
        raise DataError(f"{path} has an <object> without <name>.")
    corners = []
    for side in ("xmin", "ymin", "xmax", "ymax"):
        text = element.findtext(f"bndbox/{side}")
        if text is None:
            raise DataError(f"{path}: the object '{label}' has no <bndbox> with <{side}>.")
        try:
            corners.append(float(text))
        except ValueError:
            raise DataError(f"{path}: <{side}> of '{label}' is '{text.strip()}', not a number.") from None
    xmin, ymin, xmax, ymax = corners
    flat = xmin >= xmax or ymin >= ymax  # stays so, although it would cover a pixel when counted from 1
    start = 0 if flat else 1
    return VocObject(
        label,
        (xmin - start, ymin - start, xmax, ymax),
        difficult=(element.findtext("difficult") or "0").strip() == "1",
    )
