"""Writing files and folders: whole or not at all."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attributionlab.errors import MachineError, bad_option

DRAFT = ".draft-"
"""What the name of a file begins with that is not complete."""


def check_folder(folder: Path) -> None:
    """Refuse a folder that is a file, or below one.

    Raises:
        BadOption: If it is.
    """
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise bad_option("output", "name a folder", str(folder), f"{place} is a file")


@contextmanager
def whole_file(path: Path) -> Iterator[io.BufferedWriter]:
    """A file that takes the place of another when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=DRAFT, dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, the whole or nothing."""
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def machine_errors(path: Path) -> Iterator[None]:
    """Name the folder where the disk refuses."""
    try:
        yield
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> MachineError:
    hint = "what is recorded is kept; run it again to go on"
    return MachineError(f"`output` must be writable, got {str(path)!r}; {error.strerror or error}: {hint}")


def check_parents(path: Path, name: str = "output") -> None:
    """Refuse a path whose parents are no folders and cannot become any.

    Raises:
        BadOption: If one of them is a file.
    """
    above = next((parent for parent in path.absolute().parents if parent.exists()), path)
    if not above.is_dir():
        raise bad_option(name, "lie in a folder", str(path), f"{above} is a file")


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place when all is written, or is gone; folders on the way are made.

    Raises:
        MachineError: If the file cannot be written.
    """
    draft = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=path.suffix, dir=path.parent)
        os.close(handle)
        draft = Path(name)
        yield draft
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        raise MachineError(f"`output` must be writable, got {str(path)!r}; {error.strerror}") from error
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
