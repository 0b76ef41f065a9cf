"""A folder that a command writes: it must be new or empty, and appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attributionlab.errors import bad_option
from attributionlab.files import check_parents, filled_folder, is_draft, whole_folder


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A draft of the folder, which takes its place when the block ends without an error.

    Raises:
        BadOption: If the folder exists and is not empty, at the beginning or at the end, or cannot be created.
        MachineError: If the folder cannot be written.
    """
    check_new_folder(folder)
    drafted = filled_folder if folder.is_dir() else whole_folder
    with drafted(folder) as draft:
        yield draft
        check_new_folder(folder)  # again: somebody may have written there meanwhile


def check_new_folder(folder: Path) -> None:
    """Refuse a folder that exists and holds anything.

    Raises:
        BadOption: If it does, or is a file.
    """
    check_parents(folder)
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise bad_option("output", "be a folder, or nothing yet", str(folder))
    names = [entry.name for entry in folder.iterdir() if not is_draft(entry.name)]
    if names:
        raise bad_option("output", "be a new or an empty folder", str(folder), f"it has {min(names)}")
