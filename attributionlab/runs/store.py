"""The folder of a run: its plan, its records, its maps. One process writes at a time; nothing is left half-written."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import orjson
from filelock import FileLock, Timeout

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption, bad_option
from attributionlab.files import (
    KEPT,
    check_folder,
    is_draft,
    machine_error,
    machine_errors,
    make_folder,
    remove_drafts,
    sync_folder,
    whole_file,
    write_whole,
)
from attributionlab.printable import error_text
from attributionlab.runs.plan import Plan
from attributionlab.runs.records import RECORDS_FILE, Damage, Record, scan, valid
from attributionlab.runs.tasks import TaskResult

PLAN_FILE = "plan.json"
DAMAGED_FILE = "damaged.jsonl"
MAPS_FOLDER = "maps"
LOCK_FILE = ".lock"

SYNC_SECONDS = 1.0
"""Records older than this survive a power loss."""


@dataclass
class RunFolder:
    """A folder that belongs to one plan.

    Args:
        path: The folder.
        plan: The plan.
        recorded: Keys of the jobs with a record, and with the maps that it mentions.
        failed: Keys of the jobs recorded as failed.
        damaged: Damaged lines.
    """

    path: Path
    plan: Plan
    recorded: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    damaged: list[Damage] = field(default_factory=list)

    @classmethod
    @contextmanager
    def opened(cls, path: Path, plan: Plan) -> Iterator[Self]:
        """Create the folder or resume the run in it, locked for this process.

        Raises:
            BadOption: If it is not a folder, belongs to another plan, holds other files, or another process runs in it.
            MachineError: If the folder cannot be written.
        """
        folder = cls(path, plan)
        with machine_errors(path, KEPT):
            check_folder(path)
            folder.check_owner()
            new_folders = [place for place in (path, *path.parents) if not place.exists()]
            make_folder(path)
            lock = FileLock(path / LOCK_FILE, timeout=0)
            try:
                lock.acquire()
            except Timeout:
                raise bad_option("output", "not be a folder that another run writes into", str(path)) from None
        new = not (path / PLAN_FILE).exists()
        try:
            with machine_errors(path, KEPT):
                folder.check_owner()  # again: another run may have begun here before the lock was ours
                if new or stored_plan(path).facts is None:  # of an earlier version, which did not store them
                    write_whole(path / PLAN_FILE, orjson.dumps(plan.to_dict(), option=orjson.OPT_INDENT_2) + b"\n")
                folder.read()
            yield folder
        finally:
            if new:
                folder.take_back(new_folders)
            lock.release()

    def check_owner(self) -> None:
        """Refuse a folder of another plan, or with other files in it."""
        if not self.path.exists():
            return
        if not (self.path / PLAN_FILE).exists():
            foreign_names = [
                path.name for path in self.path.iterdir() if path.name != LOCK_FILE and not is_draft(path.name)
            ]
            if foreign_names:
                raise bad_option(
                    "output", "be a new folder, or that of a run", str(self.path), f"it has {min(foreign_names)}"
                )
            return
        stored = stored_plan(self.path)
        ours, theirs = self.plan.to_dict(), stored.to_dict()
        different = [name for name, value in theirs.items() if name != "facts" and value != ours[name]]
        if different:
            hint = f"it differs in {', '.join(different)}; choose another folder"
            raise bad_option("output", "belong to the same plan", str(self.path), hint)

    def take_back(self, new_folders: list[Path]) -> None:
        """Remove the files and folders that a new run created, if it recorded nothing."""
        records, maps = self.path / RECORDS_FILE, self.path / MAPS_FOLDER
        if maps.exists() or (records.exists() and records.stat().st_size):
            return
        with contextlib.suppress(OSError):  # a disk that refuses has been named before
            for name in (RECORDS_FILE, PLAN_FILE, LOCK_FILE):
                (self.path / name).unlink(missing_ok=True)
            for folder in new_folders:
                folder.rmdir()

    def read(self) -> None:
        """Find the jobs with records; remove unfinished files, and move damaged lines out of the records."""
        for folder in (self.path, self.path / MAPS_FOLDER):
            remove_drafts(folder)
        for _, stored in valid(self.path / RECORDS_FILE, self.damaged, "scores"):
            if stored["n_maps"] and not self._has_maps(stored):
                continue
            self.recorded.add(stored["key"])
            if stored["error"] is not None:
                self.failed.add(stored["key"])
        if self.damaged:
            self._mend()

    def _mend(self) -> None:
        """Move damaged lines to `DAMAGED_FILE`."""
        records = self.path / RECORDS_FILE
        with (self.path / DAMAGED_FILE).open("ab") as aside, whole_file(records, KEPT) as mended:
            for _, line, damage in scan(records):
                if damage is not None:
                    aside.write(line.rstrip(b"\n") + b"\n")
                else:
                    mended.write(line)
            aside.flush()
            os.fsync(aside.fileno())  # before the line disappears from the records

    def _has_maps(self, stored: dict[str, Any]) -> bool:
        """Whether the maps of a record are there, undamaged and of the shape of the environment's inputs."""
        try:
            maps = stored_maps(self.maps_path(stored["key"]), stored["n_maps"])
        except BadOption:
            return False
        return maps.shape[1:] == _map_shape(stored["environment"])

    def maps_path(self, key: str) -> Path:
        """File of the maps of a job."""
        return self.path / MAPS_FOLDER / f"{key}.npz"

    def write_maps(self, key: str, maps: npt.NDArray[np.float32]) -> None:
        """Store maps (n, h, w), as a whole file or not at all."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, maps=maps)
        write_whole(self.maps_path(key), buffer.getvalue(), KEPT)


class Journal:
    """Appends records, whole or not at all.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with machine_errors(path.parent, KEPT):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            sync_folder(path.parent)
            self._length = os.fstat(self._file).st_size
        self._synced = time.monotonic()

    def append(self, record: Record | TaskResult) -> None:
        """Append a record.

        Raises:
            MachineError: If it cannot be written, for example on a full disk; the file is then unchanged.
        """
        line = record.to_line()
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
            if time.monotonic() - self._synced > SYNC_SECONDS:
                os.fsync(self._file)
                self._synced = time.monotonic()
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._length)
            raise machine_error(self.path.parent, error, KEPT) from error
        self._length += len(line)

    def __enter__(self) -> Self:
        """The journal itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)


def stored_plan(path: Path) -> Plan:
    """The plan that a folder belongs to.

    Raises:
        BadOption: If `path` is not the folder of a run.
    """
    file = path / PLAN_FILE
    if not file.is_file():
        raise bad_option("run", f"be the folder of a run, with a {PLAN_FILE}", str(path))
    try:
        stored = orjson.loads(file.read_bytes())
        return Plan.from_dict(stored)
    except (ValueError, TypeError, AttributeError) as error:
        raise bad_option("run", f"have an undamaged {PLAN_FILE}", str(file), error_text(error)) from error


def stored_maps(path: Path, n_maps: int) -> npt.NDArray[np.float32]:
    """The maps in a file of a run, (n, h, w).

    Raises:
        BadOption: If the file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            maps: npt.NDArray[np.float32] = stored["maps"]
        if maps.ndim != 3 or len(maps) != n_maps or maps.dtype != np.float32:
            raise ValueError(f"it holds {maps.dtype} of shape {maps.shape}")  # noqa: TRY301  # handled like the others below
    except Exception as error:
        hint = f"{error_text(error)}; run the plan again to make it anew"
        raise bad_option("maps", "be undamaged", str(path), hint) from error
    return maps


@cache
def _map_shape(environment: str) -> tuple[int, ...]:
    """Shape of the maps in an environment."""
    built = make_environment(environment)
    return built.inputs_of(built.scene(0)).shape[1:]
