"""Marks that identify files written by attributionlab: a file without one is never overwritten unasked."""

from __future__ import annotations

from pathlib import Path

from attributionlab.errors import bad_option
from attributionlab.files import check_parents

MARK = "attributionlab"

FIGURE_METADATA: dict[str, dict[str, str | None]] = {
    ".png": {"Software": MARK},
    ".svg": {"Creator": MARK, "Date": None},
    ".pdf": {"Creator": MARK, "CreationDate": None},
}
"""Metadata of figures by ending: the mark but no time, so that equal figures are equal bytes."""

ARRAYS_COMMENT = f"written by {MARK}".encode()
"""Comment of a .npz archive."""

_MARKS = {
    ".npz": ARRAYS_COMMENT,
    ".png": b"Software\0" + MARK.encode(),
    ".svg": f"<dc:title>{MARK}</dc:title>".encode(),
    ".pdf": f"/Creator ({MARK})".encode(),
    ".html": f'<meta name="generator" content="{MARK}">'.encode(),
}
_SEARCHED = 1 << 16
"""Bytes at the beginning and at the end of a file that are searched for the mark."""


def check_replaceable(path: Path, name: str = "output", *, force: bool = False) -> None:
    """Refuse a path that holds something which attributionlab did not write.

    Args:
        path: The file to write.
        name: Name of the option, for messages.
        force: Whether a file of other origin may be overwritten.

    Raises:
        BadOption: If the path holds such a file or is not a file, or its folder cannot be created.
    """
    check_parents(path, name)
    if not path.is_symlink() and not path.exists():
        return
    if path.is_symlink() or not path.is_file():
        raise bad_option(name, "be a file, or nothing yet", str(path))
    if not force and not is_marked(path):
        hint = "attributionlab did not write this file; use --force to replace it"
        raise bad_option(name, "be a new file", str(path), hint)


def is_marked(path: Path) -> bool:
    """Whether a file has our mark; empty files count as ours, as nothing is lost with them."""
    mark = _MARKS.get({".htm": ".html"}.get(path.suffix.lower(), path.suffix.lower()))
    try:
        with path.open("rb") as file:
            start = file.read(_SEARCHED)
            file.seek(max(0, path.stat().st_size - _SEARCHED))
            end = file.read(_SEARCHED)
    except OSError:
        return False
    return not start or (mark is not None and (mark in start or mark in end))
