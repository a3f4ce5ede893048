"""Which files below a folder are pictures; whatever is left out is counted, so that nothing vanishes silently."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import EXTENSIONS


@dataclass
class LeftOut:
    """What was not taken, for the notes of a data set."""

    hidden: int = 0
    not_pictures: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)
    empty_folders: list[str] = field(default_factory=list)

    def notes(self) -> tuple[str, ...]:
        """One sentence per kind."""
        notes = []
        if self.hidden:
            notes.append(
                f"ignored {_count(self.hidden, 'hidden file or folder', 'hidden files and folders')}"
            )
        for names, one, many in (
            (self.not_pictures, "file that is no picture", "files that are no pictures"),
            (self.loops, "link to a folder that is read already", "links to folders that are read already"),
            (self.empty_folders, "folder without pictures", "folders without pictures"),
        ):
            if names:
                notes.append(f"ignored {_count(len(names), one, many)}, e.g. {min(names)}")
        return tuple(notes)


def find_pictures(
    folder: Path, *, prefix: str, left_out: LeftOut, above: frozenset[tuple[int, int]]
) -> list[str]:
    """The pictures in a folder and all folders below it, links followed, as sorted posix paths.

    Args:
        prefix: what the returned paths begin with, e.g. "train/cat".
        left_out: what is not taken is added here.
        above: identities (see `identity`) of the folders above; a link back to one of them is not followed.

    Raises:
        DataError: for a folder that may not be read.
    """
    found = []
    visited = set(above)
    waiting = [(folder, prefix)]
    while waiting:
        place, name = waiting.pop()
        here = identity(place)
        if here in visited:
            left_out.loops.append(name)
            continue
        visited.add(here)
        for entry in entries(place):
            path = f"{name}/{entry.name}" if name else entry.name
            if entry.name.startswith("."):
                left_out.hidden += 1
            elif is_folder(entry):
                waiting.append((Path(entry.path), path))
            elif entry.name.rpartition(".")[2].lower() in EXTENSIONS and _is_file(entry):
                found.append(path)
            else:
                left_out.not_pictures.append(path)
    return sorted(found)


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, sorted by name."""
    try:
        with os.scandir(folder) as scan:
            return sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"Cannot list the folder {folder}: {error.strerror}.") from error


def identity(folder: Path) -> tuple[int, int]:
    """What two paths to one folder have in common: device and inode."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link that only leads to itself is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _count(number: int, one: str, many: str) -> str:
    return f"1 {one}" if number == 1 else f"{number} {many}"
