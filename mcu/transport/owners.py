"""Who has a port open: from /proc, on Linux."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def owners(path: str) -> tuple[int, ...]:
    """Process ids that hold a lock on the device `path`, or else have it open; as far as this user may see.

    Empty on systems without /proc.
    """
    try:
        status = Path(path).stat()
        return _lock_holders(status) or _openers(status)
    except OSError:
        return ()


def process_name(pid: int) -> str:
    """Name of a process; empty if it is gone."""
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _lock_holders(status: os.stat_result) -> tuple[int, ...]:
    # "1: FLOCK  ADVISORY  WRITE 4711 00:18:5 0 EOF": the device numbers in hexadecimal, then the inode.
    file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    lines = (line.split() for line in (_PROC / "locks").read_text().splitlines())
    return tuple(
        int(words[4]) for words in lines if len(words) > 5 and words[5] == file and int(words[4]) > 0
    )


def _openers(status: os.stat_result) -> tuple[int, ...]:
    found = []
    for process in _PROC.iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            if any(_same(descriptor, status) for descriptor in (process / "fd").iterdir()):
                found.append(int(process.name))
        except OSError:
            continue  # another user's, or gone meanwhile
    return tuple(found)


def _same(descriptor: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(descriptor.stat(), status)
    except OSError:
        return False
