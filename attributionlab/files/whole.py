"""Writing files and folders: completely or not at all, safe against a loss of power, with the modes that the umask allows.

Everything is first written beside its place, under a name that says which process writes it (a draft), and then renamed.
A process that is killed leaves its draft behind; the next one that writes into the same folder removes it.
"""

from __future__ import annotations

import gc
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attributionlab.files.disk import make_folder, sync_folder, sync_tree, take_place
from attributionlab.files.drafts import draft_name, remove, remove_drafts, remove_drafts_once
from attributionlab.files.paths import machine_errors

KEPT = "the recorded results are kept; run it again to continue"
"""Hint for what can be resumed."""


@contextmanager
def whole_file(path: Path, hint: str = "") -> Iterator[io.BufferedWriter]:
    """An open file that takes the place of `path` when the block ends without an error; otherwise nothing changes.

    Folders on the way are made. At the end the file and its folder are synced to the disk.

    Args:
        path: Where the file is to be.
        hint: What to say where the system refuses.

    Raises:
        MachineError: If the file cannot be written.
    """
    with machine_errors(path, hint):
        folder = path.parent
        make_folder(folder)
        remove_drafts_once(folder)
        draft = folder / draft_name(path.suffix)
        try:
            with draft.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(folder)
        finally:
            draft.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes, hint: str = "") -> None:
    """Write a file, all of it or nothing; see `whole_file`.

    Raises:
        MachineError: If the file cannot be written.
    """
    with whole_file(path, hint) as file:
        file.write(content)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """An empty draft folder that takes the place of `path` when the block ends without an error; otherwise nothing changes.

    A folder that exists already stays until the new one is complete. Then it is removed with all its files, so the
    caller must check first that this is allowed. On Linux the two change places in one step. Elsewhere the old one is
    moved aside first; if the process dies between the two steps, the next call moves it back. Everything is synced to
    the disk.

    Args:
        path: Where the folder is to be.

    Raises:
        MachineError: If the folder cannot be written.
    """
    with machine_errors(path):
        parent = path.parent
        make_folder(parent)
        remove_drafts(parent)
        draft = parent / draft_name()
        draft.mkdir()
        try:
            yield draft
            sync_tree(draft)
            take_place(draft, path)
            sync_folder(parent)
        finally:
            _remove_tree(draft)  # the draft, or the folder that changed places with it


@contextmanager
def filled_folder(path: Path) -> Iterator[Path]:
    """A draft folder whose content moves into the empty folder `path` when the block ends without an error.

    For the current folder, which another folder cannot replace: programs that run in it would stay in the old one.

    Args:
        path: The empty folder.

    Raises:
        MachineError: If the folder cannot be written.
    """
    with machine_errors(path):
        remove_drafts(path)
        draft = path / draft_name()
        draft.mkdir()
        moved: list[Path] = []
        try:
            yield draft
            sync_tree(draft)
            for entry in sorted(draft.iterdir()):
                moved.append(entry.rename(path / entry.name))  # noqa: PERF401  # those that moved go if a later one fails
            sync_folder(path)
        except BaseException:
            for entry in moved:
                remove(entry)
            raise
        finally:
            _remove_tree(draft)


def _remove_tree(folder: Path) -> None:
    """Remove a folder where it is there, also where memory is short and the work that was interrupted holds what there was."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except MemoryError:
        gc.collect()
        shutil.rmtree(folder, ignore_errors=True)
