"""Writing files and folders: completely or not at all, safe against a loss of power, with the modes that the umask allows.

Everything is first written beside its place, under a name that says which process writes it (a draft), and then renamed.
A process that is killed leaves its draft behind; the next one that writes into the same folder removes it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import io
import os
import re
import secrets
import shutil
import socket
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attributionlab.errors import MachineError, bad_option
from attributionlab.printable import error_text

DRAFT = ".attributionlab-draft-"
"""How the name of an incomplete file or folder begins."""

ASIDE = ".attributionlab-aside-"
"""How the name of a folder begins that holds a replaced folder until its successor is in place."""

KEPT = "what is recorded is kept; run it again to go on"
"""Hint for what can be resumed."""

_OWNER = re.compile(rf"(?:{re.escape(DRAFT)}|{re.escape(ASIDE)})(?P<process>\d+)-(?P<host>[0-9a-f]{{8}})-[0-9a-f]{{8}}")
_FOREIGN_SECONDS = 24 * 3600
"""Age above which a draft of another machine counts as abandoned: whether its process runs cannot be seen from here."""

_DISK_ERRORS = {errno.EIO, errno.ENOSPC, errno.EDQUOT}
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Of Linux: paths relative to the working directory; let two names change places."""


def check_folder(folder: Path) -> None:
    """Refuse a folder that is a file, or below one.

    Raises:
        BadOption: If it is.
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
    """Turn an OSError into a MachineError that names the path, and gives the hint."""
    try:
        yield
    except OSError as error:
        raise machine_error(path, error, hint) from error


def machine_error(path: Path, error: OSError, hint: str = "") -> MachineError:
    """The error for a path that the system refuses to write."""
    why = error.strerror or error_text(error)
    return MachineError(f"`output` must be writable, got {str(path)!r}; {why}{hint and f': {hint}'}")


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

    A folder that is there already stays until the new one is complete, and is then removed with all that it holds: the caller
    decides beforehand whether that may be. On Linux the two change places in one step. Elsewhere the old one is moved aside
    first; if the process dies between the two steps, the next call moves it back. Everything is synced to the disk.

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
            _sync_tree(draft)
            _take_place(draft, path)
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
            _sync_tree(draft)
            for entry in sorted(draft.iterdir()):
                moved.append(entry.rename(path / entry.name))  # noqa: PERF401  # those that moved go if a later one fails
            sync_folder(path)
        except BaseException:
            for entry in moved:
                _remove(entry)
            raise
        finally:
            _remove_tree(draft)


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


def draft_name(suffix: str = "", kind: str = DRAFT) -> str:
    """A new name for a draft of this process."""
    return f"{kind}{os.getpid()}-{_host()}-{secrets.token_hex(4)}{suffix}"


def is_draft(name: str) -> bool:
    """Whether a file or a folder of this name is a draft of ours, of whichever process."""
    return _OWNER.match(name) is not None


def remove_drafts(folder: Path) -> None:
    """Remove drafts in this folder whose process no longer runs; a folder that was moved aside and has no successor goes back."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        abandoned = [Path(entry.path) for entry in entries if is_draft(entry.name)]
        for path in filter(_is_abandoned, abandoned):
            with contextlib.suppress(OSError):  # another process may be quicker
                if path.name.startswith(ASIDE):
                    _put_back(path)
                _remove(path)


_tidied: set[Path] = set()


def remove_drafts_once(folder: Path) -> None:
    """`remove_drafts`, once per folder and process: a folder of a million maps is not searched for each of them."""
    where = folder.absolute()
    if where not in _tidied:
        _tidied.add(where)
        remove_drafts(where)


def _host() -> str:
    """This machine, in eight hexadecimal digits."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _is_abandoned(path: Path) -> bool:
    """Whether nobody writes a draft any more."""
    owner = _OWNER.match(path.name)
    assert owner is not None, "only drafts are asked for"
    if owner["host"] == _host() and os.name == "posix":
        return not process_runs(int(owner["process"]))
    return time.time() - path.lstat().st_mtime > _FOREIGN_SECONDS


def process_runs(process: int) -> bool:
    """Whether a process of this machine runs; POSIX only."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # of another user
        return True
    return True


def _remove_tree(folder: Path) -> None:
    """Remove a folder where it is there, also where memory is short and the work that was interrupted holds what there was."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except MemoryError:
        gc.collect()
        shutil.rmtree(folder, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _put_back(aside: Path) -> None:
    """Move a folder back that was moved aside, unless its successor is in place."""
    for old in aside.iterdir():
        place = aside.parent / old.name
        if not place.exists():
            old.rename(place)


def _take_place(draft: Path, path: Path) -> None:
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
        _put_back(aside)
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


def _sync_tree(folder: Path) -> None:
    """Sync a folder with all that it holds to the disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            with (Path(place) / name).open("r+b") as file:
                os.fsync(file.fileno())
        sync_folder(Path(place))
