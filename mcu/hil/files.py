"""Write the files of a run together: all of them new, or all of them as they were."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mcu.errors import BadInput


def default_folder(bundle: Path, *, board_id: str) -> Path:
    """Where the files of a run go if nobody says: `BUNDLE-hil-BOARD` beside the bundle."""
    # "." and ".." have no name of their own.
    path = bundle if bundle.name not in ("", "..") else bundle.resolve()
    return path.parent / f"{path.name}-hil-{board_id}"


def write_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write every file under a temporary name first; only when all are on the disk, the names change.

    Raises:
        BadInput: the disk is full or the folder is not writable; what was there before is unchanged.
    """
    waiting: list[tuple[Path, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
            waiting.append((Path(temporary), folder / name))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp's 0600 would hide a report from the colleague it is made for.
            Path(temporary).chmod(0o644)
        while waiting:
            temporary_path, target = waiting[0]
            temporary_path.replace(target)
            waiting.pop(0)
    except OSError as error:
        raise BadInput(
            f"Cannot write into {folder}: {error.strerror or error}.",
            hint="Free some space or name another folder.",
        ) from error
    finally:
        for temporary_path, _ in waiting:
            temporary_path.unlink(missing_ok=True)
