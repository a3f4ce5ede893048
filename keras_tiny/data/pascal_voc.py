"""`pascal_voc:PATH`: pictures with boxes in Pascal VOC's XML (Everingham et al., IJCV 88, 2010), as tools write it.

Three layouts: `JPEGImages`, `Annotations` and lists in `ImageSets/Main`; folders train, val and test; or pictures and
XML files anywhere below one folder, side by side or apart. Pictures and XML files belong together by name. What is not
there is held out; `pascal_voc:PATH?test_every=5` makes test of the pictures whose number is divisible by 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from keras_tiny.boxes import Boxes
from keras_tiny.data.clean_boxes import BoxReport, clean
from keras_tiny.data.held_out import hold_out
from keras_tiny.data.numbered import every_nth_as_test, without_query
from keras_tiny.data.partition import shuffled
from keras_tiny.data.sample import Dataset, Split
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.data.voc_xml import Annotation, read_annotation
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import EXTENSIONS, read_image

CLASSES_FILE = "classes.txt"
_SPLIT_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_NAMED = 5


@dataclass(frozen=True)
class Pair:
    """A picture and the XML file that tells what is in it."""

    picture: Path
    xml: Path


def load_pascal_voc(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """All XML files are read now, pictures when they are asked for.

    The classes are the names in the XML files of train, sorted, or the lines of `classes.txt` if that file is there.

    Args:
        path: the folder; "?test_every=N" after it makes test of the pictures whose number is divisible by N.
        image_size: side or (height, width) of the model's input; 160 by default.
        channels: 3 (default) or 1.
        seed: of what is held out.

    Raises:
        DataError: pictures without XML or the other way round, XML that is damaged or holds entities, an unknown
            class, no boxes at all.
    """
    spec = preprocessing_for(image_size, channels=channels, side=160)
    folder, divisor = without_query(path)
    root = existing_folder(folder, source="pascal_voc")
    pairs, listed = find_pairs(root)
    annotations = {name: read_annotation(pair.xml) for name, pair in pairs.items()}
    notes: tuple[str, ...] = ()
    if divisor is not None:
        listed, notes = every_nth_as_test(listed, divisor)
    splits, held = hold_out(listed, seed=seed)
    labels = _labels(root, [annotations[name] for name in splits["train"]])
    report = BoxReport()
    boxes = {
        name: _boxes(annotations[name], pairs[name], labels, report=report)
        for members in splits.values()
        for name in members
    }
    if not any(len(each) for each in boxes.values()):
        raise DataError(f"No XML file in {root} has a box that can be used.", hint="; ".join(report.notes()))

    def split(name: str) -> Split:
        return Split(
            name,
            shuffled(splits[name], seed=seed),
            None,
            lambda each: read_image(pairs[each].picture, channels=spec.channels),
            read_boxes=boxes.__getitem__,
        )

    return Dataset(
        source=f"pascal_voc:{path}",
        task="detection",
        labels=labels,
        preprocessing=spec,
        train=split("train"),
        val=split("val"),
        test=split("test"),
        notes=(*notes, *held, *report.notes()),
    )


def find_pairs(root: Path) -> tuple[dict[str, Pair], Mapping[str, Sequence[str]]]:
    """Name → its two files, and split → names, of the splits that are there.

    Raises:
        DataError: files without a partner, two of one name, or a list that names what is not there.
    """
    lists = root / "ImageSets" / "Main"
    if lists.is_dir():
        listed = {
            split: _first_words(lists / f"{split}.txt")
            for split in ("train", "val", "test")
            if (lists / f"{split}.txt").is_file()
        }
        wanted = {name for names in listed.values() for name in names} if listed else None
        pairs = _pairs_below(root, wanted=wanted)
        return pairs, listed or {"train": sorted(pairs)}
    folders = {
        _SPLIT_FOLDERS[each.name.lower()]: each
        for each in sorted(root.iterdir())
        if each.is_dir() and each.name.lower() in _SPLIT_FOLDERS
    }
    if "train" not in folders:
        pairs = _pairs_below(root, wanted=None)
        return pairs, {"train": sorted(pairs)}
    pairs, splits = {}, {}
    for split, folder in folders.items():
        own = {f"{folder.name}/{name}": pair for name, pair in _pairs_below(folder, wanted=None).items()}
        pairs |= own
        splits[split] = sorted(own)
    return pairs, splits


def _pairs_below(folder: Path, *, wanted: set[str] | None) -> dict[str, Pair]:
    """Name without extension → files; all of them, or those that are wanted."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    masks = {"SegmentationClass", "SegmentationObject"}
    pictures = _by_name(
        file for file in files if file.suffix[1:].lower() in EXTENSIONS and file.parent.name not in masks
    )
    xmls = _by_name(file for file in files if file.suffix.lower() == ".xml")
    names = (pictures.keys() | xmls.keys()) if wanted is None else wanted
    for own, other, what, hint in (
        (pictures, xmls, "XML file", "A picture without objects has an XML file without <object>."),
        (xmls, pictures, "picture", "Bring the pictures, or remove the XML files."),
    ):
        alone = sorted(name for name in names if name in own and name not in other)
        if alone:
            more = f" and {len(alone) - _NAMED} more" if len(alone) > _NAMED else ""
            files_alone = ", ".join(own[name].name for name in alone[:_NAMED])
            raise DataError(f"{folder}: no {what} of the same name for {files_alone}{more}.", hint=hint)
    neither = sorted(name for name in names if name not in pictures)
    if neither:
        raise DataError(
            f"{folder}: ImageSets/Main lists {neither[0]}, of which there is neither picture nor XML."
        )
    if not names:
        raise DataError(f"{folder} has no pictures with XML files.", hint="Name the folder above both.")
    return {name: Pair(pictures[name], xmls[name]) for name in sorted(names)}


def _by_name(files: Iterable[Path]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for file in files:
        other = named.setdefault(file.stem, file)
        if other is not file:
            raise DataError(
                f"{other} and {file} have the same name, so it is not known what belongs together.",
                hint="Rename one of them, or use folders train, val and test.",
            )
    return named


def _first_words(path: Path) -> list[str]:
    """The names in a list; some lists have a 1 or -1 after each."""
    return [line.split()[0] for line in path.read_text("utf-8").splitlines() if line.strip()]


def _labels(root: Path, annotations: list[Annotation]) -> tuple[str, ...]:
    listed = root / CLASSES_FILE
    if listed.is_file():
        names = [line.strip() for line in listed.read_text("utf-8").splitlines() if line.strip()]
        if not names or len(set(names)) != len(names):
            raise DataError(f"{listed} must have one class name per line, each once.")
        return tuple(names)
    found = {each.label for annotation in annotations for each in annotation.objects}
    if not found:
        raise DataError(f"The XML files of train in {root} have no object.", hint="A detector needs boxes.")
    return tuple(sorted(found))


def _boxes(annotation: Annotation, pair: Pair, labels: tuple[str, ...], *, report: BoxReport) -> Boxes:
    for each in annotation.objects:
        if each.label not in labels:
            raise DataError(
                f"{pair.xml} has an object '{each.label}', which is no class of train "
                f"({', '.join(labels[:_NAMED])}{', …' if len(labels) > _NAMED else ''}).",
                hint=f"Correct the name, or list all classes in {CLASSES_FILE} beside the pictures.",
            )
    size = annotation.size
    if size is None:
        height, width = read_image(pair.picture, channels=3).shape[:2]
    else:
        width, height = size
    boxes = Boxes.of(
        np.array([each.corners for each in annotation.objects], np.float32).reshape(-1, 4),
        [labels.index(each.label) for each in annotation.objects],
        [each.difficult for each in annotation.objects],
    )
    return clean(boxes, width=width, height=height, name=pair.xml.name, report=report)
