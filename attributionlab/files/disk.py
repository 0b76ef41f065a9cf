"""Folders that survive a loss of power: made, synced and exchanged."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

from attributionlab.files.drafts import ASIDE, draft_name, put_back

_DISK_ERRORS = {errno.EIO, errno.ENOSPC, errno.EDQUOT}
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Of Linux: paths relative to the working directory; let two names change places."""


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, and sync them to the disk."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in missing:
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk; no-op on systems that cannot."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders; one that may not be read cannot be synced
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in _DISK_ERRORS:
            raise
    finally:
        os.close(handle)


def take_place(draft: Path, path: Path) -> None:
    """Let a complete draft take the place of a folder; an old one is then where the draft was, or removed."""
    if not path.exists():
        draft.rename(path)
        return
    if _exchange(draft, path):
        return
    aside = path.parent / draft_name(kind=ASIDE)
    aside.mkdir()
    try:
        path.rename(aside / path.name)
        draft.rename(path)
    finally:
        put_back(aside)
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Let two names change places in one step; False where the system cannot."""
    if sys.platform != "linux":
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    names = (os.fsencode(first), os.fsencode(second))
    return bool(rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def sync_tree(folder: Path) -> None:
    """Sync a folder with all that it holds to the disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            with (Path(place) / name).open("r+b") as file:
                os.fsync(file.fileno())
        sync_folder(Path(place))
