"""Checks of paths, and the errors of a system that refuses to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attributionlab.errors import MachineError, bad_option
from attributionlab.files.drafts import is_draft
from attributionlab.printable import error_text


def check_folder(folder: Path) -> None:
    """Refuse a folder that is a file, or below one.

    Raises:
        BadOption: If the folder, or one above it, is a file.
    """
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise bad_option("output", "name a folder", str(folder), f"{place} is a file")


def is_file(path: Path) -> bool:
    """Whether there is a regular file at `path`; False also where the path itself is impossible, for example too long."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder at `path`; False also where the path itself is impossible."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def check_parents(path: Path, name: str = "output") -> None:
    """Refuse a path whose parents are no folders and cannot become any.

    Raises:
        BadOption: If one of them is a file.
    """
    above = next((parent for parent in path.absolute().parents if parent.exists()), path)
    if not above.is_dir():
        raise bad_option(name, "lie in a folder", str(path), f"{above} is a file")


@contextmanager
def machine_errors(path: Path, hint: str = "") -> Iterator[None]:
    """Turn an OSError into a MachineError; see `machine_error`."""
    try:
        yield
    except OSError as error:
        raise machine_error(path, error, hint) from error


def machine_error(path: Path, error: OSError, hint: str = "") -> MachineError:
    """The error for a path that the system refuses to write.

    Args:
        path: A file or folder.
        error: What the system says.
        hint: Advice for a folder that holds something already; left out where nothing could be written so far.
    """
    why = error.strerror or error_text(error)
    advice = f": {hint}" if hint and _holds_content(path if is_folder(path) else path.parent) else ""
    return MachineError(f"`output` must be writable, got {str(path)!r}; {why}{advice}")


def _holds_content(folder: Path) -> bool:
    """Whether a folder holds more than drafts and empty files such as locks."""
    try:
        return any(entry.is_dir() or entry.stat().st_size > 0 for entry in folder.iterdir() if not is_draft(entry.name))
    except OSError:
        return False
