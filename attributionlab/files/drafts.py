"""Names of incomplete files and folders, which say whose they are, and the removal of those that nobody writes any more."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import time
import zlib
from pathlib import Path

DRAFT = ".attributionlab-draft-"
"""How the name of an incomplete file or folder begins."""

ASIDE = ".attributionlab-aside-"
"""How the name of a folder begins that holds a replaced folder until its successor is in place."""

_OWNER = re.compile(rf"(?:{re.escape(DRAFT)}|{re.escape(ASIDE)})(?P<process>\d+)-(?P<host>[0-9a-f]{{8}})-[0-9a-f]{{8}}")
_FOREIGN_SECONDS = 24 * 3600
"""Age above which a draft of another machine counts as abandoned: whether its process runs cannot be seen from here."""


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
                    put_back(path)
                remove(path)


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


def remove(path: Path) -> None:
    """Remove a file or a folder where it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def put_back(aside: Path) -> None:
    """Move a folder back that was moved aside, unless its successor is in place."""
    for old in aside.iterdir():
        place = aside.parent / old.name
        if not place.exists():
            old.rename(place)
