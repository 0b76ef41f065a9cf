"""Running tasks: each is done once, on any worker, however often the run is interrupted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock, Timeout

from attributionlab.errors import bad_option
from attributionlab.files import KEPT, machine_errors, make_folder, write_whole
from attributionlab.machine import find_device
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.runs.executors import Executor
from attributionlab.runs.records import is_whole, unframed
from attributionlab.runs.store import LOCK_FILE, Journal
from attributionlab.runs.tasks import Task, TaskResult

TASKS_FILE = "tasks.jsonl"


def run_tasks(
    tasks: Sequence[Task],
    folder: Path,
    *,
    executor: Executor | None = None,
    progress: Progress = no_progress,
) -> list[TaskResult]:
    """Do all tasks that have no result yet, and append each result to a file; failed ones are done again.

    It may be killed at any moment; the next call does the missing tasks. Results do not depend on the workers.

    Args:
        tasks: The tasks, all different.
        folder: Folder of the results; it is created, and may hold results of other tasks.
        executor: Where to do them; by default this process, on what this machine has.
        progress: Called with the number of tasks done since the last call, first with those that were done before.

    Returns:
        The results in the order of the tasks.

    Raises:
        BadOption: If another process runs in the folder.
        MachineError: If the disk is full, or the cluster does not answer.
    """
    executor = executor or Executor(device=find_device("auto").type)
    with machine_errors(folder, KEPT):
        make_folder(folder)
        lock = FileLock(folder / LOCK_FILE, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise bad_option("output", "not be a folder that another run writes into", str(folder)) from None
    try:
        with machine_errors(folder, KEPT):
            results = _stored(folder / TASKS_FILE, {task.key: task for task in tasks})
        missing = [task for task in tasks if task.key not in results]
        progress(len(tasks) - len(missing))
        with Journal(folder / TASKS_FILE) as journal:
            for result in executor.do_tasks(missing) if missing else ():
                results[result.key] = result
                if result.error is None:
                    journal.append(result)
                progress(1)
    finally:
        lock.release()
    return [results[task.key] for task in tasks]


def _stored(path: Path, tasks: Mapping[str, Task]) -> dict[str, TaskResult]:
    """The results of tasks in a file, by key; a line that a killed run has cut off is removed."""
    if not path.exists():
        return {}
    lines = path.read_bytes().splitlines(keepends=True)
    whole = [line for line in lines if is_whole(line)]
    if len(whole) < len(lines):
        write_whole(path, b"".join(whole), KEPT)
    results = {}
    for line in whole:
        fields: dict[str, Any] = orjson.loads(unframed(line))
        if fields["key"] in tasks:
            results[fields["key"]] = TaskResult(tasks[fields["key"]], fields["value"], seconds=float(fields["seconds"]))
    return results
